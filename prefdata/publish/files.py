"""The Parquet files of a release: hub names, shards by size, whole digests."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from prefdata.core.errors import InputError
from prefdata.publish.groups import SPLITS, TRAIN
from prefdata.store.files import sha256

ROWS = 10_000  # rows of a row group at most
# A split of one row in a hundred waits long for its rows, and every view has two of them.
SMALL_ROWS = 1_000  # rows of a row group of any split but train
GROUP_BYTES = 32 * 2**20  # bytes of a row group in memory at most, about
_DICTIONARY = [
    "source",
    "license",
    "lang",
    "reasons_flagged.list.element",
    "prompt.list.element.role",
    "chosen.list.element.role",
    "rejected.list.element.role",
    "completion.list.element.role",
    "messages.list.element.role",
    "completions.list.element.content.list.element.role",
]
_STATISTICS = ["id", "pair_id", "group", "source", "license", "lang", "label", "margin"]


@dataclass(frozen=True)
class DataFile:
    """One Parquet file of a release; `path` is relative to it, `memory` the bytes of its rows."""

    config: str
    split: str
    path: str
    rows: int
    memory: int
    bytes: int
    sha256: str


class SplitWriter:
    """Writes the rows of one split of one config, in the order given, into shards of a size.

    Pages end where the content says so (content-defined chunking), so that a changed row changes
    few bytes of an upload; the page index lets engines skip pages.
    """

    def __init__(self, folder: Path, config: str, split: str, schema: pa.Schema, size: int) -> None:
        self.folder = folder / config
        self.config = config
        self.split = split
        self.schema = schema
        self.size = size
        self.group = ROWS if split == SPLITS[TRAIN] else SMALL_ROWS
        self.waiting: list[pa.Table] = []
        self.waiting_rows = 0
        self.waiting_bytes = 0
        self.done: list[tuple[Path, int, int, str]] = []
        self.writer: Any = None
        self.sink: Any = None
        self.rows = 0
        self.memory = 0

    def write(self, table: pa.Table) -> None:
        """Take rows; they are written in row groups of `group`, or of `GROUP_BYTES` if less."""
        if not len(table):
            return
        self.waiting.append(table)
        self.waiting_rows += len(table)
        self.waiting_bytes += table.nbytes
        while self.waiting_rows >= self.group or self.waiting_bytes >= GROUP_BYTES:
            self._flush(min(self.group, self.waiting_rows))

    def _flush(self, rows: int) -> None:
        table = pa.concat_tables(self.waiting)
        group, rest = table.slice(0, rows), table.slice(rows)
        self.waiting = [rest] if len(rest) else []
        self.waiting_rows, self.waiting_bytes = len(rest), rest.nbytes if len(rest) else 0
        if self.writer is None:
            self._open()
        self.writer.write_table(group, row_group_size=rows)
        self.rows += rows
        self.memory += group.nbytes
        if self.sink.tell() >= self.size:
            self._close()

    def _open(self) -> None:
        self.folder.mkdir(exist_ok=True)
        self.path = self.folder / f"{self.split}-{len(self.done):05d}.parquet"
        self.sink = pa.OSFile(str(self.path), "wb")
        self.writer = pq.ParquetWriter(self.sink, self.schema, **options(self.schema))

    def _close(self) -> None:
        self.writer.close()
        self.sink.close()
        self.done.append((self.path, self.rows, self.memory, sha256(self.path)))
        self.writer, self.rows, self.memory = None, 0, 0

    def close(self) -> list[DataFile]:
        """Write what is left and give the shards their names ``train-00000-of-00003.parquet``."""
        if self.waiting_rows:
            self._flush(self.waiting_rows)
        if self.writer is not None:
            self._close()
        files = []
        for n, (path, rows, memory, digest) in enumerate(self.done):
            name = f"{self.split}-{n:05d}-of-{len(self.done):05d}.parquet"
            final = path.rename(path.with_name(name))
            files.append(
                DataFile(
                    config=self.config,
                    split=self.split,
                    path=f"{self.config}/{name}",
                    rows=rows,
                    memory=memory,
                    bytes=final.stat().st_size,
                    sha256=digest,
                )
            )
        return files


def options(schema: pa.Schema) -> dict[str, Any]:
    """Return how release files are written; the same rows give the same bytes."""
    return {
        "compression": "zstd",
        "compression_level": 3,
        "use_dictionary": [path for path in _DICTIONARY if path.partition(".")[0] in schema.names],
        "write_statistics": [name for name in _STATISTICS if name in schema.names],
        "use_content_defined_chunking": True,
        "write_page_index": True,
    }


def size_of(text: str) -> int:
    """Return the bytes that ``256MB``, ``1GB`` or ``500KB`` mean, in powers of ten.

    Raises:
        InputError: it is neither a number nor a number with one of these units.
    """
    for unit, factor in (("KB", 10**3), ("MB", 10**6), ("GB", 10**9), ("B", 1), ("", 1)):
        number = text.strip().upper().removesuffix(unit) if unit else text.strip()
        if text.strip().upper().endswith(unit) and number.strip().isdecimal():
            return int(number) * factor
    raise InputError(f"not a size: {text!r}", "shard_size", "write it like 256MB")
