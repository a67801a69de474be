"""Checks of the translated text: every finding kept, a profile decides."""
