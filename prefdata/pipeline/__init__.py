"""A pipeline file turned into steps with keys, and the steps run, resumed and counted."""
