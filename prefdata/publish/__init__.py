"""From clean records to a release folder that people open, trust and upload."""
