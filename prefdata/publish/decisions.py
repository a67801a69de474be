"""Where every entry goes: what the second look asks for, 22 bytes of memory each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from prefdata.publish.columns import I64, U64
from prefdata.publish.digests import Marks


@dataclass(frozen=True)
class Decisions:
    """Whether an entry is published, its split and its group, in the order of `entries_of`.

    `ids` are the digests of published records, sorted, `rows` the entries they belong to.
    """

    keep: Marks
    split: npt.NDArray[np.int8]
    group: U64
    ids: U64
    rows: npt.NDArray[np.uint32]

    @classmethod
    def of(cls, ids: U64, keep: Marks, split: npt.NDArray[np.int8], group: U64) -> Self:
        """Return the decisions on entries with these digests of their ids."""
        rows = np.flatnonzero(keep).astype(np.uint32)
        ids = ids[rows]
        order = np.argsort(ids, kind="stable")
        return cls(keep, split, group, ids[order], rows[order])

    def lookup(self, ids: U64) -> I64:
        """Return the entry of each record id, -1 for one that is not published."""
        at = np.searchsorted(self.ids, ids).clip(max=len(self.ids) - 1)
        return np.where(self.ids[at] == ids, self.rows[at], np.int64(-1))

    def group_names(self, rows: I64) -> Any:
        """Return the published groups of entries: 16 hex digits."""
        digits = self.group[rows].astype(">u8").tobytes().hex()
        ends = np.arange(len(rows) + 1, dtype=np.int32) * 16
        buffers = [None, pa.py_buffer(ends), pa.py_buffer(digits.encode("ascii"))]
        return pa.Array.from_buffers(pa.string(), len(rows), buffers)
