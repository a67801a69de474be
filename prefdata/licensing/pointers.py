"""Pointer releases: rows whose text may not travel, listed so that owners of a copy can follow.

A row is listed by source, revision, row and SHA-256. Its ranks and scores come along where the
label's layer alone is allowed; its completions where the layers that wrote them are. The prompt
never does, and nothing translated from a layer that is not allowed (rule R18).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from prefdata.core.records import Preference
from prefdata.licensing import standalone
from prefdata.licensing.case import GENERATORS
from prefdata.licensing.decider import Decider
from prefdata.store.arrow import read_drops
from prefdata.store.dataset import Dataset
from prefdata.store.files import write_text
from prefdata.store.schemas import CONVERSATION, SCORES
from prefdata.store.shards import open_shard

FOLDER = "pointers"
FILE = f"{FOLDER}/pointers.parquet"
BATCH = 2048

POINTERS = pa.schema(
    [
        ("id", pa.string()),
        ("source", pa.string()),
        ("revision", pa.string()),
        ("config", pa.string()),
        ("split", pa.string()),
        ("row", pa.string()),
        ("row_sha256", pa.string()),
        ("kind", pa.string()),
        ("lang", pa.string()),
        ("group", pa.string()),
        ("reasons", pa.list_(pa.string())),
        ("ranks", pa.list_(pa.int32())),
        ("scores", pa.list_(SCORES)),
        ("completions", pa.list_(CONVERSATION)),
    ]
)


README = """\
# Rows that are listed, not shipped

The texts of these rows may not be passed on under the release's policy; `reasons` says why. Each
row of `pointers.parquet` names its place in the source (`source`, `revision`, `row`) and the
SHA-256 of the row there (`row_sha256`: canonical JSON, keys sorted, no spaces). `ranks` and
`scores` are given where the labels are licensed, `completions` (in `lang`) where the answers are.

With a copy of the source of your own:

    prefdata rebuild RELEASE --from PATH

finds every row by its hash and writes it out whole. Whether you may use that copy is between you
and those who own it.
"""


def write_pointers(release: Path, gate: Dataset, decider: Decider) -> int:
    """Write ``pointers/pointers.parquet``: what the gate left out. Return the number of rows."""
    (release / FOLDER).mkdir(exist_ok=True)
    write_text(release / FOLDER / "README.md", README)
    total = 0
    with pq.ParquetWriter(release / FILE, POINTERS, compression="zstd") as writer:
        for rows in _batches(_pointers(gate, decider)):
            writer.write_table(pa.Table.from_pylist(rows, schema=POINTERS))
            total += len(rows)
    return total


def _batches(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _pointers(gate: Dataset, decider: Decider) -> Iterator[dict[str, Any]]:
    for shard in gate.dropped_shards():
        with open_shard(shard) as file:
            for batch in file.iter_batches(batch_size=BATCH):
                for drop in read_drops(pa.Table.from_batches([batch])):
                    if drop["record"] is not None:
                        yield pointer_of(drop["record"], drop["reasons"], decider)


def pointer_of(record: Preference, reasons: Sequence[str], decider: Decider) -> dict[str, Any]:
    """Return the row of a record: where it is, and of ours only what may travel."""
    layers = record.origin.layers
    own_label = decider.may_travel(layers, ("label",), ("judge",))
    own_text = decider.may_travel(layers, ("response",), GENERATORS)
    return {
        "id": record.id,
        "source": record.origin.source,
        "revision": record.origin.revision,
        "config": record.origin.config,
        "split": record.origin.split,
        "row": record.origin.row,
        "row_sha256": record.origin.digest,
        "kind": record.kind,
        "lang": record.lang,
        "group": record.group,
        "reasons": list(reasons),
        "ranks": [c.rank for c in record.completions] if own_label else None,
        "scores": [
            [{"name": name, "value": value} for name, value in c.scores] for c in record.completions
        ]
        if own_label
        else None,
        "completions": [
            [{"role": m.role, "content": m.content} for m in c.messages] for c in record.completions
        ]
        if own_text
        else None,
    }


def missing_rows(release: Path, digests: set[str]) -> list[str]:
    """Return which rows of a release are in none of the source files whose digests are given."""
    found = []
    columns = ["record_id", "source_row", "source_row_sha256"]
    with open_shard(release / standalone.LINEAGE) as file:
        for batch in file.iter_batches(columns=columns):
            found += [
                f"{row['record_id']}: its source row {row['source_row']} is in none of the files"
                for row in batch.to_pylist()
                if row["source_row_sha256"] not in digests
            ]
    return found
