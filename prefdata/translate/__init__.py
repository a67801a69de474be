"""Dialogue trees translated node by node, once, in context, and never paid for twice."""
