"""One file per upstream data set: rows in, preference records out, skips counted."""
