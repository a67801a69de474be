"""Reward models, PPO and their kin as plug-in stages: named only by their entry points."""
