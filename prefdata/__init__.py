"""Japanese preference data with clean licences: translate, check, label, audit, publish."""

__version__ = "0.1.0"
