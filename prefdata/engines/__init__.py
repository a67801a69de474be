"""Where shard tasks run: this machine's processes, or a Ray cluster."""
