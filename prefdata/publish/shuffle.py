"""Rows put in the order of their digests on disk, in bounded memory.

Rows are spilled uncompressed, sorted by bucket within each batch. A bucket, a fixed part of the
digests' range, is then read back from all batches and sorted in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from prefdata.publish.columns import I64, U64, string_digests

BUCKET_BYTES = 24 * 2**20


class Shuffle:
    """Takes tables with a column `id`, gives their rows back by the digest of it.

    `expected` is the bytes to come, from which the number of buckets follows.
    """

    def __init__(self, path: Path, expected: int) -> None:
        self.path = path
        self.bits = max(0, int(np.ceil(np.log2(max(1, expected / BUCKET_BYTES)))))
        self.edges: list[I64] = []
        self.writer: Any = None

    def add(self, table: pa.Table) -> None:
        """Spill the rows of a table."""
        if not len(table):
            return
        buckets = self._buckets(string_digests(table.column("id")))
        order = np.argsort(buckets, kind="stable")
        self.edges.append(np.searchsorted(buckets[order], np.arange(2**self.bits + 1)))
        batch = table.take(pa.array(order)).combine_chunks().to_batches()[0]
        if self.writer is None:
            self.writer = pa.ipc.new_file(str(self.path), batch.schema)
        self.writer.write_batch(batch)

    def _buckets(self, keys: U64) -> U64:
        if not self.bits:
            return np.zeros(len(keys), np.uint64)
        return keys >> np.uint64(64 - self.bits)

    def tables(self) -> Iterator[pa.Table]:
        """Yield all rows, in tables of one bucket; the spilled file is gone afterwards."""
        if self.writer is None:
            return
        self.writer.close()
        for bucket in range(2**self.bits):
            table = self._read(bucket)
            if len(table):
                yield table
        self.path.unlink()

    def _read(self, bucket: int) -> pa.Table:
        """Read one bucket; the map is opened anew, so that its pages leave memory again."""
        with pa.memory_map(str(self.path)) as source:
            reader = pa.ipc.open_file(source)
            parts = [
                reader.get_batch(n).slice(edges[bucket], edges[bucket + 1] - edges[bucket])
                for n, edges in enumerate(self.edges)
            ]
            table = pa.Table.from_batches(parts, reader.schema).combine_chunks()
            keys = string_digests(table.column("id"))
            return table.take(pa.array(np.argsort(keys, kind="stable")))
