"""Rows put in the order of their digests on disk, in bounded memory.

Rows gather until they are `GATHER` bytes, are sorted by bucket, a fixed part of the digests' range,
and spilled uncompressed. A bucket is then read back from all spills. The pieces are as many as
spills times buckets: smaller ones would save memory and cost time, piece by piece.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from prefdata.publish.columns import U64, id_digests

GATHER = 8 * 2**20
BUCKET = 8 * 2**20
KEY = "digest of the id"


class Shuffle:
    """Takes tables with `id`, gives their rows back in buckets of their ids' digests.

    `expected` is the bytes to come, from which the number of buckets follows.
    """

    def __init__(self, path: Path, expected: int) -> None:
        self.path = path
        self.bits = round(np.log2(max(1, expected / BUCKET)))
        self.gathered: list[pa.Table] = []
        self.bytes = 0
        self.spilled: list[list[int]] = [[] for _ in range(2**self.bits)]
        self.batches = 0
        self.writer: Any = None

    def add(self, table: pa.Table) -> None:
        """Take the rows of a table."""
        keys = pa.array(id_digests(table.column("id")))
        self.gathered.append(table.append_column(KEY, keys))
        self.bytes += table.nbytes
        if self.bytes >= GATHER:
            self._spill()

    def _spill(self) -> None:
        rows = _batch_of(self.gathered)
        self.gathered, self.bytes = [], 0
        buckets = self._buckets(rows.column(KEY).to_numpy())
        order = np.argsort(buckets, kind="stable")
        edges = np.searchsorted(buckets[order], np.arange(2**self.bits + 1)).tolist()
        rows = rows.take(pa.array(order))
        if self.writer is None:
            self.writer = pa.ipc.new_file(str(self.path), rows.schema)
        for bucket, numbers in enumerate(self.spilled):
            start, end = edges[bucket : bucket + 2]
            if start < end:
                self.writer.write_batch(rows.slice(start, end - start))
                numbers.append(self.batches)
                self.batches += 1

    def _buckets(self, keys: U64) -> U64:
        if not self.bits:
            return np.zeros(len(keys), np.uint64)
        return keys >> np.uint64(64 - self.bits)

    def buckets(self) -> Iterator[pa.RecordBatch]:
        """Yield all rows with their digests as `KEY`; the spilled file is gone afterwards.

        Buckets follow one another by the digest; within a bucket rows are in no order.
        """
        if self.gathered:
            self._spill()
        if self.writer is None:
            return
        self.writer.close()
        with pa.OSFile(str(self.path)) as file:
            reader = pa.ipc.open_file(file)
            for numbers in filter(None, self.spilled):
                yield pa.concat_batches([reader.get_batch(n) for n in numbers])
        self.path.unlink()


def _batch_of(tables: Sequence[pa.Table]) -> pa.RecordBatch:
    return pa.concat_batches([batch for table in tables for batch in table.to_batches()])
