"""Records on disk: one Arrow schema, shards written whole or not at all, datasets that verify."""
