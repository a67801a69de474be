"""The published views of records, in the columns that trainers read."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from prefdata.core.records import pair_id, pairs_of_ranks
from prefdata.publish.columns import I64, concatenated, joined, spans, sums, whole
from prefdata.store.schemas import CONVERSATION

_ROW = [(name, pa.string()) for name in ("source", "license", "lang", "group")]
# `datasets` knows no map type: a map is the list of key and value that it is on disk anyway.
SCORES = pa.list_(pa.struct([("key", pa.string()), ("value", pa.float64())]))
RANKED = pa.struct([("content", CONVERSATION), ("rank", pa.int32()), ("scores", SCORES)])

PAIRS = pa.schema(
    [
        ("prompt", CONVERSATION),
        ("chosen", CONVERSATION),
        ("rejected", CONVERSATION),
        ("id", pa.string()),
        *_ROW,
        ("reasons_flagged", pa.list_(pa.string())),
    ]
)
PAIRS_WITH_MARGIN = PAIRS.append(pa.field("margin", pa.float64()))
UNPAIRED = pa.schema(
    [
        ("prompt", CONVERSATION),
        ("completion", CONVERSATION),
        ("label", pa.bool_()),
        ("id", pa.string()),
        ("pair_id", pa.string()),
        *_ROW,
    ]
)
LABELS = pa.schema(
    [
        ("text", pa.string()),
        ("label", pa.int8()),
        ("id", pa.string()),
        ("pair_id", pa.string()),
        *_ROW,
    ]
)
RANKINGS = pa.schema(
    [("prompt", CONVERSATION), ("completions", pa.list_(RANKED)), ("id", pa.string()), *_ROW]
)
SFT = pa.schema([("messages", CONVERSATION), ("id", pa.string()), *_ROW])


@dataclass(frozen=True)
class Derived:
    """The pairs that records yield: the record's row, places of both texts, the pair's id."""

    row: I64
    better: I64
    worse: I64
    id: Any

    def only(self, index: I64) -> Derived:
        """Return these pairs, in this order."""
        ids = self.id.take(pa.array(index))
        return Derived(self.row[index], self.better[index], self.worse[index], ids)


def derive(entries: pa.Table, pairing: str | None = None) -> Derived:
    """Return all pairs of a table of entries, in the order of the records.

    Rankings are paired as their source says, or all by `pairing`: ``all`` or ``best_worst``.
    """
    completions = whole(entries.column("completions"))
    ranks = completions.flatten().field("rank").to_numpy(zero_copy_only=False)
    edges = spans(completions)
    two = np.flatnonzero(np.diff(edges) == 2)
    plain = np.zeros(len(entries), bool)
    plain[two] = ranks[edges[two]] < ranks[edges[two] + 1]
    plain &= pc.equal(entries.column("kind"), "pair").to_numpy()
    simple = np.flatnonzero(plain)
    ids = entries.column("id")
    if len(simple) == len(entries):
        return Derived(simple, edges[:-1], edges[:-1] + 1, whole(ids))
    rest = _of_rankings(entries, np.flatnonzero(~plain), ranks, edges, pairing)
    row = np.concatenate([simple, rest.row])
    order = np.argsort(row, kind="stable")
    better = np.concatenate([edges[simple], rest.better])[order]
    worse = np.concatenate([edges[simple] + 1, rest.worse])[order]
    named = pa.concat_arrays([whole(ids.take(pa.array(simple))), rest.id])
    return Derived(row[order], better, worse, named.take(pa.array(order)))


def _of_rankings(
    entries: pa.Table, rows: I64, ranks: Any, edges: I64, pairing: str | None
) -> Derived:
    found: list[tuple[int, int, int]] = []
    names: list[str] = []
    chosen = entries.select(["id", "kind", "pairing"]).take(pa.array(rows))
    plain = (chosen.column(name).to_pylist() for name in chosen.column_names)
    for row, record, kind, asked in zip(rows.tolist(), *plain, strict=True):
        start = int(edges[row])
        own = ranks[start : edges[row + 1]].tolist()
        for better, worse in pairs_of_ranks(own, pairing or asked):
            found.append((row, start + better, start + worse))
            names.append(pair_id(record, kind, better, worse))
    table = np.array(found, np.int64).reshape(-1, 3)
    return Derived(table[:, 0], table[:, 1], table[:, 2], pa.array(names, pa.string()))


def pairs_view(entries: pa.Table, derived: Derived, *, margin: bool) -> pa.Table:
    """Return `PAIRS`, or `PAIRS_WITH_MARGIN` with 0.0 where a source states no margin.

    The margin is that of best against worst; other pairs of a ranking have 0.0.
    """
    texts = _texts(entries)
    plain = ["prompt", "findings", "margin", *(name for name, _ in _ROW)]
    rows = entries.select(plain).take(pa.array(derived.row))
    columns = {
        "prompt": rows.column("prompt"),
        "chosen": texts.take(pa.array(derived.better)),
        "rejected": texts.take(pa.array(derived.worse)),
        "id": derived.id,
        **{name: rows.column(name) for name, _ in _ROW},
        "reasons_flagged": _flags(rows.column("findings")),
    }
    if not margin:
        return pa.table(columns, schema=PAIRS)
    edges = spans(whole(entries.column("completions")))
    widest = (derived.better == edges[derived.row]) & (derived.worse == edges[derived.row + 1] - 1)
    stated = rows.column("margin").fill_null(0.0).to_numpy()
    columns["margin"] = np.where(widest, stated, 0.0)
    return pa.table(columns, schema=PAIRS_WITH_MARGIN)


def _texts(entries: pa.Table) -> Any:
    """Return the messages of all completions of all rows, one after the other."""
    return pc.struct_field(whole(entries.column("completions")).flatten(), "messages")


def _flags(column: Any) -> Any:
    """Return the codes of findings that flag, each once, in the order found."""
    findings = whole(column)
    flat = findings.flatten()
    flagged = pc.equal(pc.struct_field(flat, "action"), "flag").fill_null(False)
    marks = flagged.to_numpy(zero_copy_only=False)
    counts = sums(marks.astype(np.uint64), spans(findings)).astype(np.int64)
    codes = pc.struct_field(flat, "code").filter(flagged)
    if not len(codes):
        return pa.array([[]] * len(findings), pa.list_(pa.string()))
    edges = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
    names = codes.to_pylist()
    lists = [list(dict.fromkeys(names[a:b])) for a, b in pairwise(edges.tolist())]
    return pa.array(lists, pa.list_(pa.string()))


def rankings_view(entries: pa.Table) -> pa.Table:
    """Return `RANKINGS`: the records that are rankings, completions best first."""
    rows = entries.filter(pc.equal(entries.column("kind"), "ranking"))
    completions = whole(rows.column("completions"))
    messages, rank, scores = completions.flatten().flatten()
    pairs = pa.StructArray.from_arrays(scores.flatten().flatten(), names=["key", "value"])
    named = pa.ListArray.from_arrays(pa.array(spans(scores).astype(np.int32)), pairs)
    items = pa.StructArray.from_arrays([messages, rank, named], fields=list(RANKED))
    lists = pa.ListArray.from_arrays(pa.array(spans(completions).astype(np.int32)), items)
    plain = {name: rows.column(name) for name in ("prompt", "id", *(n for n, _ in _ROW))}
    return pa.table({**plain, "completions": lists}).select(RANKINGS.names).cast(RANKINGS)


def sft_view(entries: pa.Table) -> pa.Table:
    """Return `SFT`: each record's prompt with its best completion as one conversation."""
    edges = spans(whole(entries.column("completions")))
    best = whole(_texts(entries).take(pa.array(edges[:-1])))
    columns = {"messages": concatenated(entries.column("prompt"), best)}
    plain = {name: entries.column(name) for name in ("id", *(n for n, _ in _ROW))}
    return pa.table(columns | plain, schema=SFT)


def labeled(entries: pa.Table, derived: Derived) -> pa.Table:
    """Return both texts of every pair, 1 and 0 in turn, in the columns of the relabel step."""
    order = pa.array(np.repeat(derived.row, 2))
    texts = np.stack([derived.better, derived.worse], axis=1).reshape(-1)
    twice = np.repeat(np.arange(len(derived.row)), 2)
    pair = derived.id.take(pa.array(twice))
    label = pa.array(np.tile(np.array([1, 0], np.int8), len(derived.row)))
    rows = entries.select(["id", "prompt", "lang", "group", "source", "license"]).take(order)
    columns = {
        "id": pc.binary_join_element_wise(pair, label.cast(pa.string()), "-"),
        "pair_id": pair,
        "record_id": rows.column("id"),
        "prompt": rows.column("prompt"),
        "completion": _texts(entries).take(pa.array(texts)),
        "label": label,
    }
    rest = {name: rows.column(name) for name in ("lang", "group", "source", "license")}
    return pa.table(columns | rest)


def unpaired_view(rows: pa.Table) -> pa.Table:
    """Return `UNPAIRED` of labeled rows."""
    label = rows.column("label").cast(pa.bool_())
    return rows.set_column(rows.column_names.index("label"), "label", label).select(UNPAIRED.names)


def labels_view(rows: pa.Table, markers: dict[str, str], separator: str) -> pa.Table:
    """Return `LABELS` of labeled rows: prompt and completion joined by one template."""
    text = pc.binary_join_element_wise(
        joined(rows.column("prompt"), markers, separator),
        joined(rows.column("completion"), markers, separator),
        separator,
    )
    empty = pc.equal(pc.list_value_length(rows.column("prompt")), 0)
    if pc.any(empty).as_py():
        alone = joined(rows.column("completion"), markers, separator)
        text = pc.if_else(whole(empty), alone, text)
    return rows.append_column("text", text).select(LABELS.names)
