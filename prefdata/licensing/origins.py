"""Where the records of a step came from: their plain columns, read again shard by shard.

What stays in memory is a digest of every id and one number, some 20 bytes a record: ids, rows and
layers of a million records would take 300 MB.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from xxhash import xxh3_64_intdigest

from prefdata.core.errors import IntegrityError
from prefdata.core.records import record_id
from prefdata.store.dataset import Dataset
from prefdata.store.shards import open_shard

I64: TypeAlias = npt.NDArray[np.int64]
U64: TypeAlias = npt.NDArray[np.uint64]

_FEW = [
    "lang", "source", "source_kind", "revision", "config", "split", "layers", "translation",
    "license",
]  # fmt: skip
_COLUMNS = ["id", "row", "row_digest", *_FEW]


def digests_of(ids: Iterable[str]) -> U64:
    """Return one 64-bit digest for each id."""
    return np.fromiter((xxh3_64_intdigest(name.encode()) for name in ids), np.uint64)


class Origins:
    """The records of a step by their ids; the texts are never read.

    `kinds` are the combinations of (source, layers), `kind` the number of each record's own;
    `licensed` holds every (layers, license). The key that languages share is read where there are
    several.
    """

    def __init__(self, records: Dataset, languages: Sequence[str]) -> None:
        self._languages = list(languages) if len(languages) > 1 else []
        self._columns = [*_COLUMNS, "pair_key"] if self._languages else _COLUMNS
        self._shards = records.shards()
        if not self._shards:
            raise IntegrityError("the step has no shards", str(records.path), "build it again")
        self._open: tuple[int, pa.Table] = (-1, None)
        self.kinds: dict[tuple[str, str], int] = {}
        self.licensed: set[tuple[str, str]] = set()
        kinds: list[I64] = []
        keys: list[list[U64]] = [[] for _ in range(1 + len(self._languages))]
        for n in range(len(self._shards)):
            table = self._shard(n)
            kinds.append(self._see(table))
            for own, ids in zip(keys, self._names(table), strict=True):
                own.append(digests_of(ids))
        self.kind = np.concatenate(kinds)
        self._starts = np.cumsum([0, *map(len, kinds)])
        known = np.concatenate([part for own in keys for part in own])
        self._order = np.argsort(known, kind="stable")
        self._known = known[self._order]

    def __len__(self) -> int:
        return len(self.kind)

    def find(self, records: U64) -> I64:
        """Return the number of each record by the digest of its id in any language; -1 for none."""
        if not len(self):
            return np.full(len(records), -1, np.int64)
        at = np.searchsorted(self._known, records).clip(max=len(self._known) - 1)
        return np.where(self._known[at] == records, self._order[at] % len(self), -1)

    def rows(self, numbers: I64) -> pa.Table:
        """Return records by their numbers; numbers that mostly go up read every shard once."""
        shards = np.searchsorted(self._starts, numbers, side="right") - 1
        parts, places = [], []
        for shard in np.unique(shards).tolist():
            own = np.flatnonzero(shards == shard)
            parts.append(self._shard(shard).take(pa.array(numbers[own] - self._starts[shard])))
            places.append(own)
        table = pa.concat_tables(parts).unify_dictionaries().combine_chunks()
        return table.take(pa.array(np.argsort(np.concatenate(places)))).combine_chunks()

    def ids(self, rows: pa.Table) -> list[set[str]]:
        """Return every id that each of some rows goes by: its own, and those in other languages."""
        return [set(names) for names in zip(*self._names(rows), strict=True)]

    def _names(self, table: pa.Table) -> list[list[str]]:
        own: list[str] = table.column("id").to_pylist()
        keys = table.column("pair_key").to_pylist() if self._languages else []
        return [own, *([record_id(key, lang) for key in keys] for lang in self._languages)]

    def _shard(self, number: int) -> pa.Table:
        if self._open[0] != number:
            self._open = number, _read(self._shards[number], self._columns)
        return self._open[1]

    def _see(self, table: pa.Table) -> I64:
        """Take note of a table's combinations and return the number of each row's."""
        source, layers = (_one(table.column(name)) for name in ("source", "layers"))
        sources, texts = source.dictionary.to_pylist(), layers.dictionary.to_pylist()
        codes = source.indices.to_numpy().astype(np.int64) * len(texts) + layers.indices.to_numpy()
        found, which = np.unique(codes, return_inverse=True)
        pairs = [(sources[code // len(texts)], texts[code % len(texts)]) for code in found.tolist()]
        numbers = [self.kinds.setdefault(pair, len(self.kinds)) for pair in pairs]
        stated = table.select(["layers", "license"]).group_by(["layers", "license"], False)
        for row in stated.aggregate([]).to_pylist():
            self.licensed.add((row["layers"], row["license"]))
        return np.array(numbers, np.int64)[which]


def _read(shard: Path, columns: Sequence[str]) -> pa.Table:
    with open_shard(shard) as file:
        table = file.read(columns=list(columns))
    for name in _FEW:
        position = table.schema.get_field_index(name)
        table = table.set_column(position, name, pc.dictionary_encode(table.column(name)))
    return table


def _one(column: Any) -> Any:
    """Return a dictionary column as one array."""
    return column.unify_dictionaries().combine_chunks()
