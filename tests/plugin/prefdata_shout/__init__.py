"""A plug-in of three components."""
