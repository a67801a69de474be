"""Pipeline files: strict YAML, typed settings, every mistake at once with its line."""
