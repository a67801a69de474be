"""A step's folder: shards, drop logs and a manifest; open it, iterate, verify."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa

from prefdata.core.errors import IntegrityError
from prefdata.core.records import Preference
from prefdata.store.arrow import decode, read_drops
from prefdata.store.files import read_json, sha256
from prefdata.store.shards import BATCH, batches, read_shard, unpacked_bytes

MANIFEST = "manifest.json"
DROPPED = "dropped"


class Dataset:
    """A finished step on disk.

    ``manifest.json`` holds `id, use, key, kind, settings, inputs, counts, files`; `counts` is
    `{in, kept, dropped, bad, reasons, sources: {artifact: {kept, dropped, reasons}}}`. For
    preference records in = kept + dropped; `reasons` counts root causes, so its sum is `dropped`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """Return the manifest.

        Raises:
            IntegrityError: it is missing or unreadable.
        """
        found: dict[str, Any] = read_json(self.path / MANIFEST)
        return found

    @property
    def is_done(self) -> bool:
        """Tell whether the step is finished: its manifest is written last."""
        return (self.path / MANIFEST).is_file()

    @property
    def id(self) -> str:
        """Return the step's id in the pipeline file."""
        return str(self.manifest["id"])

    @property
    def kind(self) -> str:
        """Return what it holds: preferences, labels or artifact."""
        return str(self.manifest["kind"])

    @property
    def rows(self) -> int:
        """Return the number of kept rows."""
        return int(self.manifest["counts"]["kept"])

    def shards(self) -> list[Path]:
        """Return the shard files in order."""
        return sorted(self.path.glob("part-*.parquet"))

    def dropped_shards(self) -> list[Path]:
        """Return the drop logs in order."""
        return sorted((self.path / DROPPED).glob("part-*.parquet"))

    @property
    def bytes(self) -> int:
        """Return about how much memory the kept rows take: the pages of all shards, unpacked."""
        return sum(unpacked_bytes(shard) for shard in self.shards())

    def tables(self, size: int = BATCH, columns: list[str] | None = None) -> Iterator[pa.Table]:
        """Yield the kept rows as Arrow tables of at most `size` rows, in order."""
        for shard in self.shards():
            yield from batches(shard, size, columns)

    def records(self) -> Iterator[Preference]:
        """Yield the kept records, in order."""
        for table in self.tables():
            yield from decode(table)

    def drops(self) -> Iterator[dict[str, Any]]:
        """Yield the drop log's rows; see `prefdata.store.arrow.read_drops`."""
        for shard in self.dropped_shards():
            yield from read_drops(read_shard(shard))

    def verify(self) -> None:
        """Compare every file with the manifest.

        Raises:
            IntegrityError: a file is missing, has changed, or the counts do not add up.
        """
        for file in self.manifest["files"]:
            path = self.path / file["name"]
            if not path.is_file() or sha256(path) != file["sha256"]:
                raise IntegrityError(
                    "the file is not the one in the manifest",
                    str(path),
                    f"delete {self.path} and build again",
                )
        counts = self.manifest["counts"]
        if self.kind == "preferences" and counts["in"] != counts["kept"] + counts["dropped"]:
            raise IntegrityError("in is not kept + dropped", str(self.path / MANIFEST))
