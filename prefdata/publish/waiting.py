"""Rows of one split that wait until they fill a row group; a small split waits on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa

PIECES = 16  # tables held in memory at most; a large split fills a row group with fewer


class Waiting:
    """Takes tables, gives their rows back in the order taken.

    A split of one row in a hundred takes a hundred times as long to fill a row group, and there are
    two of them in every view: held in memory, they would be most of what publishing holds.
    """

    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch
        self.tables: list[pa.Table] = []
        self.rows = 0
        self.bytes = 0
        self.writer: Any = None

    def add(self, table: pa.Table) -> None:
        """Take the next rows."""
        self.tables.append(table)
        self.rows += len(table)
        self.bytes += table.nbytes
        if len(self.tables) > PIECES:
            self._spill()

    def _spill(self) -> None:
        if self.writer is None:
            self.writer = pa.ipc.new_stream(str(self.scratch), self.tables[0].schema)
        for table in self.tables:
            self.writer.write_table(table)
        self.tables = []

    def take(self, rows: int) -> pa.Table:
        """Return the first rows; the others go on waiting."""
        table = pa.concat_tables([*self._spilled(), *self.tables])
        rest = table.slice(rows)
        self.tables, self.rows, self.bytes = [], 0, 0
        if len(rest):
            self.add(rest)
        return table.slice(0, rows)

    def _spilled(self) -> list[pa.Table]:
        """Return the rows on disk, and let the file go."""
        if self.writer is None:
            return []
        self.writer.close()
        self.writer = None
        with pa.OSFile(str(self.scratch)) as file:
            table = pa.ipc.open_stream(file).read_all()
        self.scratch.unlink()
        return [table]
