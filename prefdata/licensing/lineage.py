"""The lineage of a release: from each published row back to its source row and its decision."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from prefdata.core.errors import IntegrityError
from prefdata.core.records import pair_id, pairs_of_ranks
from prefdata.licensing.origins import I64, U64, Origins, digests_of
from prefdata.licensing.record_hashes import HASHED, data_files, record_hashes
from prefdata.licensing.translated import Translated
from prefdata.store.shards import open_shard

CHUNK = 16_384  # rows of the lineage written at a time
_TEXTS = pa.dictionary(pa.int32(), pa.string())
_LISTS = pa.list_(pa.string())

LINEAGE_SCHEMA = pa.schema(
    [
        ("record_id", pa.string()),
        ("of_record", pa.string()),
        ("view", _TEXTS),
        ("source_id", _TEXTS),
        ("source_revision", _TEXTS),
        ("config", _TEXTS),
        ("split", _TEXTS),
        ("source_row", pa.string()),
        ("source_row_sha256", pa.string()),
        ("layers", _TEXTS),
        ("translator", _TEXTS),
        ("translation", _TEXTS),
        ("prompt", _TEXTS),
        ("decoding_sha256", _TEXTS),
        ("license_expression", _TEXTS),
        ("combination", pa.int32()),
        ("decision_ids", _LISTS),
        ("downstream_terms", _LISTS),
        ("verdict", _TEXTS),
        ("record_sha256", pa.binary(32)),
    ]
)


@dataclass(frozen=True)
class Published:
    """The rows of a release that have hashes, in its order; 44 bytes each.

    `record` is the digest of the id of the record that a row is of, `hashes` the rows' SHA-256
    one after the other, `size` the bytes that each is over. `derived` names the ranking of each
    pair that a ranking yields.
    """

    record: U64
    hashes: bytes
    size: npt.NDArray[np.int32]
    derived: Mapping[str, str]


def published_rows(release: Path) -> Published:
    """Hash every row of the hashed views, in bounded memory."""
    derived = _derived_ids(release)
    hashes = bytearray()
    records: list[U64] = []
    sizes: list[npt.NDArray[np.int32]] = []
    for view in HASHED:
        for path in data_files(release, view):
            for ids, digests, lengths, _ in record_hashes(path):
                records.append(digests_of(derived.get(name, name) for name in ids))
                sizes.append(np.array(lengths, np.int32))
                hashes += b"".join(digests)
    return Published(_joined(records, np.uint64), bytes(hashes), _joined(sizes, np.int32), derived)


def _joined(parts: list[Any], kind: Any) -> Any:
    return np.concatenate([*parts, np.empty(0, kind)])


def _derived_ids(release: Path) -> dict[str, str]:
    """Return the ids of pairs that rankings yield, each with its ranking's id."""
    found = {}
    for path in data_files(release, "rankings"):
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(columns=["id", "completions.list.element.rank"]):
                for row in batch.to_pylist():
                    ranks = [completion["rank"] for completion in row["completions"]]
                    for better, worse in pairs_of_ranks(ranks, "all"):
                        found[pair_id(row["id"], "ranking", better, worse)] = row["id"]
    return found


def match(rows: Published, origins: Origins) -> I64:
    """Return for every published row the number of its record.

    Raises:
        IntegrityError: a row belongs to no record.
    """
    numbers = origins.find(rows.record)
    lost = int((numbers < 0).sum())
    if lost:
        first = int(np.flatnonzero(numbers < 0)[0]) + 1
        raise IntegrityError(
            f"{lost} published rows belong to no record",
            f"row {first} of {' and '.join(HASHED)}",
            "build again",
        )
    return numbers


def lineage_tables(
    release: Path,
    rows: Published,
    numbers: I64,
    origins: Origins,
    decided: pa.Table,
    how: Translated,
) -> Iterator[pa.Table]:
    """Yield the lineage in chunks, in the order of the release.

    `numbers` are those of `match`. `decided` has one row a combination of layers: `layers,
    combination, translator, decision_ids, downstream_terms, verdict`. `translation` is the
    translator's fingerprint: a digest of model, revision, prompts and decoding, which the
    release's manifest spells out; `prompt` is the digest of the prompt for the row's source kind.
    All three are null for native text.

    Raises:
        IntegrityError: a row belongs to no record.
    """
    start = 0
    for view, ids in _ids(release):
        end = start + len(ids)
        own = origins.rows(numbers[start:end])
        of = [rows.derived.get(name, name) for name in ids]
        _refuse_others(of, origins.ids(own))
        hashes = pa.py_buffer(rows.hashes[32 * start : 32 * end])
        columns = {
            "record_id": pa.array(ids, pa.string()),
            "of_record": pa.array(of, pa.string()),
            "view": pa.array([view] * len(ids), pa.string()),
            **_origin(own),
            **_decision(own, decided, how),
            "record_sha256": pa.Array.from_buffers(pa.binary(32), len(ids), [None, hashes]),
        }
        fields = [(field.name, field.type) for field in LINEAGE_SCHEMA]
        yield pa.table({name: _as(columns[name], kind) for name, kind in fields}).cast(
            LINEAGE_SCHEMA
        )
        start = end


def _ids(release: Path) -> Iterator[tuple[str, list[str]]]:
    for view in HASHED:
        for path in data_files(release, view):
            with open_shard(path) as file:
                for batch in file.iter_batches(batch_size=CHUNK, columns=["id"]):
                    yield view, batch.column("id").to_pylist()


def _refuse_others(of: Sequence[str], known: Sequence[set[str]]) -> None:
    """Compare ids in full: rows and records are matched by digests of 64 bits.

    Raises:
        IntegrityError: two ids share a digest.
    """
    for name, names in zip(of, known, strict=True):
        if name not in names:
            raise IntegrityError("a published row belongs to no record", name, "build again")


def _origin(own: pa.Table) -> dict[str, Any]:
    return {
        "source_id": own.column("source"),
        "source_revision": own.column("revision"),
        "config": own.column("config"),
        "split": own.column("split"),
        "source_row": own.column("row"),
        "source_row_sha256": own.column("row_digest"),
        "layers": own.column("layers"),
        "translation": own.column("translation"),
        "license_expression": own.column("license"),
    }


def _decision(own: pa.Table, decided: pa.Table, how: Translated) -> dict[str, Any]:
    layers = own.column("layers").combine_chunks()
    which = pc.index_in(layers.dictionary, value_set=decided.column("layers").combine_chunks())
    told = decided.take(which.take(layers.indices))
    kinds = _of_translated(own, own.column("source_kind"))
    names = ("translator", "combination", "decision_ids", "downstream_terms", "verdict")
    return {
        **{name: told.column(name) for name in names},
        "prompt": _mapped(kinds, how.prompt),
        "decoding_sha256": _mapped(kinds, lambda kind: how.decoding),
    }


def _of_translated(own: pa.Table, column: Any) -> Any:
    """Return the column with nulls where the record is native text."""
    return pc.if_else(pc.is_valid(own.column("translation")), column.cast(pa.string()), None)


def _mapped(column: Any, meaning: Callable[[str], str | None]) -> Any:
    """Return what each text of a column means; nulls stay."""
    encoded = pc.dictionary_encode(column).combine_chunks()
    texts = pa.array([meaning(text) for text in encoded.dictionary.to_pylist()], pa.string())
    return texts.take(encoded.indices)


def _as(column: Any, kind: Any) -> Any:
    if pa.types.is_dictionary(kind) and not pa.types.is_dictionary(column.type):
        return pc.dictionary_encode(column)
    return column


def write_lineage(path: Path, tables: Iterator[pa.Table]) -> None:
    """Write the lineage; the same rows give the same bytes."""
    with pq.ParquetWriter(path, LINEAGE_SCHEMA, compression="zstd", compression_level=3) as writer:
        for table in tables:
            writer.write_table(table, row_group_size=CHUNK)
