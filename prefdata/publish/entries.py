"""What may be published of a table of records: its rows in one language, in their order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from prefdata.core.records import record_id
from prefdata.publish.columns import spans, whole
from prefdata.store.dataset import Dataset
from prefdata.store.schemas import COMPLETION, FINDING

BATCH = 8192  # rows read at a time: some 10 to 20 MB of text

_PLAIN = [
    "kind", "group", "margin", "pairing", "source", "source_kind", "license", "split", "revision",
    "config",
]  # fmt: skip
COLUMNS = ["id", "pair_key", "prompt", "completions", "lang", "original", "findings", *_PLAIN]


def entries_of(dataset: Dataset, languages: Sequence[str]) -> Iterator[tuple[str, pa.Table]]:
    """Yield (language, rows) over all records, one language after the other.

    A record's own language gives it as it is; another one gives the texts it was translated from,
    under the id that the source gave them, without the findings, which are about the translation.
    """
    # Source texts stay unread where no other language is asked for.
    columns = [name for name in COLUMNS if len(languages) > 1 or name != "original"]
    for lang in languages:
        for table in ahead(dataset.tables(BATCH, columns)):
            yield lang, in_language(table, lang)


def ahead(tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """Yield the tables, each read while the one before it is worked on."""
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="read") as thread:
        following = thread.submit(next, tables, None)
        while (table := following.result()) is not None:
            following = thread.submit(next, tables, None)
            yield table


def in_language(table: pa.Table, lang: str) -> pa.Table:
    """Return the rows that have texts in a language, in their order."""
    own = pc.equal(table.column("lang"), lang)
    if pc.all(own, min_count=0).as_py():
        return _selected(table)
    indices = np.flatnonzero(whole(own).to_numpy(zero_copy_only=False))
    rows = table.take(pa.array(indices))
    if "original" not in table.column_names:
        return _selected(rows)
    elsewhere = pc.equal(pc.struct_field(table.column("original"), "lang"), lang).fill_null(False)
    others = np.flatnonzero(whole(pc.and_not(elsewhere, own)).to_numpy(zero_copy_only=False))
    if not len(others):
        return _selected(rows)
    sources = _originals(table.take(pa.array(others)), lang)
    order = np.argsort(np.concatenate([indices, others]), kind="stable")
    return pa.concat_tables([_selected(rows), sources]).take(pa.array(order))


def _selected(table: pa.Table) -> pa.Table:
    return table.select(["id", "prompt", "completions", "lang", "findings", *_PLAIN])


def _originals(table: pa.Table, lang: str) -> pa.Table:
    """Return translated records as they were before translation."""
    original = whole(table.column("original"))
    completions = whole(table.column("completions"))
    _, rank, scores = completions.flatten().flatten()
    texts = pc.list_flatten(pc.struct_field(original, "completions"))
    items = pa.StructArray.from_arrays([texts, rank, scores], fields=list(COMPLETION))
    columns: dict[str, Any] = {
        "id": [record_id(key, lang) for key in table.column("pair_key").to_pylist()],
        "prompt": pc.struct_field(original, "prompt"),
        "completions": pa.ListArray.from_arrays(
            pa.array(spans(completions).astype(np.int32)), items
        ),
        "lang": pa.array([lang] * len(table), pa.string()),
        "findings": pa.array([[]] * len(table), pa.list_(FINDING)),
    }
    return pa.table(columns | {name: table.column(name) for name in _PLAIN})
