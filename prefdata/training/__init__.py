"""Reward models, PPO and friends: plug-in stages, found by entry point, imported by nobody."""
