"""The lineage of a release: from each published row back to its source row and its decision."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from prefdata.core.errors import IntegrityError
from prefdata.core.records import pair_id, pairs_of_ranks, record_id
from prefdata.licensing.standalone import HASHED, data_files, record_hashes
from prefdata.licensing.translated import Translated
from prefdata.store.dataset import Dataset
from prefdata.store.shards import open_shard

CHUNK = 16_384  # rows of the lineage written at a time
_FEW = [
    "lang", "source", "source_kind", "revision", "config", "split", "layers", "translation",
    "license",
]  # fmt: skip
_COLUMNS = ["id", "row", "row_digest", *_FEW]
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


@dataclass
class Published:
    """The rows of a release that have hashes, in its order; 70 bytes each."""

    ids: list[Any] = field(default_factory=list)
    of: list[Any] = field(default_factory=list)
    views: list[Any] = field(default_factory=list)
    digests: list[Any] = field(default_factory=list)
    sizes: list[Any] = field(default_factory=list)

    def table(self) -> pa.Table:
        """Return `id, of, view, digest, size` of every row."""
        schema = [
            ("id", pa.string()), ("of", pa.string()), ("view", _TEXTS),
            ("digest", pa.binary(32)), ("size", pa.int32()),
        ]  # fmt: skip
        parts = (self.ids, self.of, self.views, self.digests, self.sizes)
        return pa.table(
            [pa.chunked_array(part, kind) for part, (_, kind) in zip(parts, schema, strict=True)],
            schema=pa.schema(schema),
        )


def published_rows(release: Path) -> pa.Table:
    """Hash every row of the hashed views, in bounded memory; see `Published.table`."""
    found = Published()
    derived = _derived_ids(release)
    for view in HASHED:
        for path in data_files(release, view):
            for ids, digests, sizes, _ in record_hashes(path):
                found.ids.append(pa.array(ids, pa.string()))
                found.of.append(pa.array([derived.get(name, name) for name in ids], pa.string()))
                found.views.append(pa.array([view] * len(ids), pa.string()).dictionary_encode())
                found.digests.append(pa.array(digests, pa.binary(32)))
                found.sizes.append(pa.array(sizes, pa.int32()))
    return found.table()


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


def digests_of(rows: pa.Table) -> bytes:
    """Return the hashes of all rows, one after the other."""
    return b"".join(
        chunk.buffers()[1].slice(32 * chunk.offset, 32 * len(chunk)).to_pybytes()
        for chunk in rows.column("digest").chunks
        if len(chunk)
    )


def provenance(records: Dataset, languages: Sequence[str]) -> pa.Table:
    """Return where every record of a step came from: its plain columns, without texts.

    The key that languages share comes along only where there are several.
    """
    columns = [*_COLUMNS, "pair_key"] if len(languages) > 1 else _COLUMNS
    parts = []
    for shard in records.shards():
        with open_shard(shard) as file:
            table = file.read(columns=columns)
        for name in _FEW:
            position = table.schema.get_field_index(name)
            encoded = pc.dictionary_encode(table.column(name))
            table = table.set_column(position, name, encoded)
        parts.append(table)
    if not parts:
        raise IntegrityError("the step has no shards", str(records.path), "build it again")
    return pa.concat_tables(parts).unify_dictionaries().combine_chunks()


def match(rows: pa.Table, origin: pa.Table, languages: Sequence[str]) -> pa.Array:
    """Return for every published row the number of its record in `origin`.

    Raises:
        IntegrityError: a row belongs to no record.
    """
    ids = [origin.column("id").combine_chunks()]
    keys = origin.column("pair_key").to_pylist() if len(languages) > 1 else []
    ids += [pa.array([record_id(key, lang) for key in keys], pa.string()) for lang in languages]
    known = pa.concat_arrays(ids) if keys else ids[0]
    found = pc.index_in(rows.column("of"), value_set=known)
    if found.null_count:
        lost = rows.filter(pc.is_null(found)).column("id")[0].as_py()
        raise IntegrityError(
            f"{found.null_count} published rows belong to no record", f"row {lost}", "build again"
        )
    numbers = found.combine_chunks().to_numpy() % len(origin)
    return pa.array(numbers)


def lineage_tables(
    rows: pa.Table, origin: pa.Table, numbers: pa.Array, decided: pa.Table, how: Translated
) -> Iterator[pa.Table]:
    """Yield the lineage in chunks, in the order of the release.

    `decided` has one row a combination of layers: `layers, combination, translator, decision_ids,
    downstream_terms, verdict`. `translation` is the translator's fingerprint: a digest of model,
    revision, prompts and decoding, which the release's manifest spells out; `prompt` is the digest
    of the prompt for the row's source kind. All three are null for native text.
    """
    for start in range(0, len(rows), CHUNK):
        part = rows.slice(start, CHUNK)
        own = origin.take(numbers.slice(start, CHUNK))
        layers = own.column("layers").cast(pa.string())
        which = pc.index_in(layers, value_set=decided.column("layers").combine_chunks())
        told = decided.take(which.combine_chunks())
        kinds = _of_translated(own, own.column("source_kind"))
        columns = {
            "record_id": part.column("id"),
            "of_record": part.column("of"),
            "view": part.column("view"),
            "source_id": own.column("source"),
            "source_revision": own.column("revision"),
            "config": own.column("config"),
            "split": own.column("split"),
            "source_row": own.column("row"),
            "source_row_sha256": own.column("row_digest"),
            "layers": layers,
            "translator": told.column("translator"),
            "translation": own.column("translation"),
            "prompt": _mapped(kinds, how.prompt),
            "decoding_sha256": _mapped(kinds, lambda kind: how.decoding),
            "license_expression": own.column("license"),
            "combination": told.column("combination"),
            "decision_ids": told.column("decision_ids"),
            "downstream_terms": told.column("downstream_terms"),
            "verdict": told.column("verdict"),
            "record_sha256": part.column("digest"),
        }
        yield pa.table(
            {name: _as(column, LINEAGE_SCHEMA.field(name).type) for name, column in columns.items()}
        ).cast(LINEAGE_SCHEMA)


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
