"""Preference records to labeled rows: chosen 1, rejected 0."""
