"""Preference records and drops as Arrow tables: one encode and one decode.

Rows in code, columns on disk: encoding and decoding together cost 1 to 3 % of one MeCab pass.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import pyarrow as pa

from prefdata.core.finding import Drop, Finding, Skip
from prefdata.core.origin import Layer, Origin
from prefdata.core.records import Preference
from prefdata.store.nested import (
    encode_completions,
    encode_conversations,
    encode_findings,
    encode_originals,
    read_completions,
    read_conversations,
    read_findings,
    read_originals,
)
from prefdata.store.schemas import DROPS, FINDING, PREFERENCES


@lru_cache(maxsize=4096)
def layers_to_text(layers: tuple[Layer, ...]) -> str:
    """Return the layers as canonical JSON: a list of [role, artifact, revision], sorted."""
    rows = sorted([layer.role, layer.artifact, layer.revision] for layer in layers)
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":"))


@lru_cache(maxsize=4096)
def layers_from_text(text: str) -> tuple[Layer, ...]:
    """Return what `layers_to_text` wrote; equal layers are the same objects."""
    return tuple(Layer(*row) for row in json.loads(text))


def encode(records: Sequence[Preference]) -> pa.Table:
    """Return the records as a table of schema `PREFERENCES`."""
    return pa.Table.from_batches([_encode(records)], schema=PREFERENCES)


def _encode(records: Sequence[Preference]) -> pa.RecordBatch:
    columns = [
        pa.array([r.id for r in records], pa.string()),
        pa.array([r.pair_key for r in records], pa.string()),
        pa.array([r.kind for r in records], pa.string()),
        encode_conversations([r.prompt for r in records]),
        encode_completions([r.completions for r in records]),
        pa.array([r.lang for r in records], pa.string()),
        pa.array([r.group for r in records], pa.string()),
        pa.array([r.margin for r in records], pa.float64()),
        pa.array([r.pairing for r in records], pa.string()),
        encode_originals([r.original for r in records]),
        pa.array([r.translation for r in records], pa.string()),
        encode_findings([r.findings for r in records]),
        pa.array([r.origin.source for r in records], pa.string()),
        pa.array([r.origin.kind for r in records], pa.string()),
        pa.array([r.origin.revision for r in records], pa.string()),
        pa.array([r.origin.config for r in records], pa.string()),
        pa.array([r.origin.split for r in records], pa.string()),
        pa.array([r.origin.row for r in records], pa.string()),
        pa.array([r.origin.digest for r in records], pa.string()),
        pa.array([layers_to_text(r.origin.layers) for r in records], pa.string()),
        pa.array([r.license for r in records], pa.string()),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=PREFERENCES)


def encode_drops(drops: Sequence[Drop]) -> pa.Table:
    """Return drops as a table of schema `DROPS`."""
    records = _encode([drop.record for drop in drops])
    columns = [
        records.column("id"),
        records.column("source"),
        records.column("row"),
        pa.array([list(drop.reasons) for drop in drops], pa.list_(pa.string())),
        pa.array([False] * len(drops), pa.bool_()),
        pa.array(["; ".join(f.detail for f in d.findings if f.detail) for d in drops], pa.string()),
        encode_findings([drop.findings for drop in drops]),
        pa.StructArray.from_arrays(records.columns, fields=list(PREFERENCES)),
    ]
    return pa.table(columns, schema=DROPS)


def encode_skips(skips: Sequence[Skip], source: str) -> pa.Table:
    """Return source rows without a record as a table of schema `DROPS`."""
    n = len(skips)
    columns = [
        pa.nulls(n, pa.string()),
        pa.array([source] * n, pa.string()),
        pa.array([skip.row for skip in skips], pa.string()),
        pa.array([[skip.reason] for skip in skips], pa.list_(pa.string())),
        pa.array([skip.bad for skip in skips], pa.bool_()),
        pa.array([skip.detail for skip in skips], pa.string()),
        pa.array([[]] * n, pa.list_(FINDING)),
        pa.nulls(n, pa.struct(list(PREFERENCES))),
    ]
    return pa.table(columns, schema=DROPS)


def drops_of_table(table: pa.Table, codes: Sequence[str], details: Sequence[str]) -> pa.Table:
    """Return rows of a `PREFERENCES` table as drops, each with one code; for table stages."""
    findings = [
        (Finding(code, "pair", detail=detail),) for code, detail in zip(codes, details, strict=True)
    ]
    batch = table.combine_chunks()
    columns = [batch.column(n).combine_chunks() for n in PREFERENCES.names]
    return pa.table(
        [
            batch.column("id"),
            batch.column("source"),
            batch.column("row"),
            pa.array([[code] for code in codes], pa.list_(pa.string())),
            pa.array([False] * len(codes), pa.bool_()),
            pa.array(details, pa.string()),
            encode_findings(findings),
            pa.StructArray.from_arrays(columns, fields=list(PREFERENCES)),
        ],
        schema=DROPS,
    )


def decode(table: pa.Table | pa.RecordBatch) -> list[Preference]:
    """Return the rows of a `PREFERENCES` table or batch, slices included."""
    batches = table.to_batches() if isinstance(table, pa.Table) else [table]
    return [record for batch in batches for record in _decode(batch)]


def _decode(batch: pa.RecordBatch) -> Iterator[Preference]:
    plain = {
        name: batch.column(name).to_pylist()
        for name in PREFERENCES.names
        if name not in ("prompt", "completions", "original", "findings")
    }
    prompts = read_conversations(batch.column("prompt"))
    completions = read_completions(batch.column("completions"))
    originals = read_originals(batch.column("original"))
    findings = read_findings(batch.column("findings"))
    for n in range(batch.num_rows):
        yield Preference(
            id=plain["id"][n],
            pair_key=plain["pair_key"][n],
            kind=plain["kind"][n],
            prompt=prompts[n],
            completions=completions[n],
            lang=plain["lang"][n],
            group=plain["group"][n],
            origin=Origin(
                source=plain["source"][n],
                kind=plain["source_kind"][n],
                revision=plain["revision"][n],
                row=plain["row"][n],
                digest=plain["row_digest"][n],
                layers=layers_from_text(plain["layers"][n]),
                config=plain["config"][n],
                split=plain["split"][n],
            ),
            margin=plain["margin"][n],
            pairing=plain["pairing"][n],
            original=originals[n],
            translation=plain["translation"][n],
            findings=findings[n],
            license=plain["license"][n],
        )


def read_drops(table: pa.Table) -> Iterator[dict[str, Any]]:
    """Yield drop rows as plain values; `record` is a `Preference` or None."""
    for batch in table.to_batches():
        struct = batch.column("record")
        present = struct.is_valid().to_pylist()
        inner = struct.filter(struct.is_valid())
        records = iter(
            _decode(pa.RecordBatch.from_arrays(inner.flatten(), schema=PREFERENCES))
            if len(inner)
            else ()
        )
        findings = read_findings(batch.column("findings"))
        plain = batch.select(["id", "source", "row", "reasons", "bad", "detail"]).to_pylist()
        for n, row in enumerate(plain):
            record = next(records) if present[n] else None
            yield {**row, "findings": findings[n], "record": record}
