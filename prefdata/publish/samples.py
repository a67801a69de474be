"""A bounded sample of what was kept and what was dropped, the same every time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from prefdata.core.records import Preference
from prefdata.publish.columns import I64, id_digests
from prefdata.store.arrow import decode, read_drops
from prefdata.store.dataset import Dataset
from prefdata.store.shards import read_shard

SHARDS = 8  # read at most so many shards of a step, spread evenly over it
PER_REASON = 12


def spread(shards: Sequence[Path]) -> list[Path]:
    """Return at most `SHARDS` of the shards, first and last among them."""
    if len(shards) <= SHARDS:
        return list(shards)
    return [shards[n] for n in np.linspace(0, len(shards) - 1, SHARDS).round().astype(int)]


def tables(dataset: Dataset) -> Iterator[pa.Table]:
    """Yield the kept rows of the shards that are looked at."""
    for shard in spread(dataset.shards()):
        yield read_shard(shard)


def kept(
    dataset: Dataset, count: int, *, without: frozenset[str] = frozenset()
) -> list[Preference]:
    """Return records whose ids have the lowest digests; of every source as many as of the others.

    Sources in `without` give none.
    """
    best: dict[str, list[tuple[int, Preference]]] = {}
    for table in tables(dataset):
        keys = id_digests(table.column("id"))
        for source, rows in _by_source(table):
            if source not in without:
                chosen = rows[np.argsort(keys[rows])[:count]]
                records = decode(table.take(pa.array(chosen)))
                own = best.setdefault(source, [])
                own.extend(zip(keys[chosen].tolist(), records, strict=True))
                own.sort(key=lambda pair: pair[0])
                del own[count:]
    each = max(1, count // max(1, len(best)))
    return [record for own in best.values() for _, record in own[:each]]


def _by_source(table: pa.Table) -> Iterator[tuple[str, I64]]:
    """Yield the numbers of each source's rows."""
    names = np.array(table.column("source").to_pylist())
    for source in dict.fromkeys(names.tolist()):
        yield source, np.flatnonzero(names == source)


def dropped(dataset: Dataset) -> dict[str, list[dict[str, Any]]]:
    """Return up to `PER_REASON` drops of each root cause; rows without a record are left out."""
    found: dict[str, list[dict[str, Any]]] = {}
    taken: Counter[str] = Counter()
    for shard in spread(dataset.dropped_shards()):
        rows = read_shard(shard)
        wanted = []
        for n, reasons in enumerate(rows.column("reasons").to_pylist()):
            if taken[reasons[0]] < PER_REASON:
                taken[reasons[0]] += 1
                wanted.append(n)
        for row in read_drops(rows.take(pa.array(wanted, pa.int64()))):
            if row["record"] is not None:
                own = found.setdefault(row["reasons"][0], [])
                own.append({**row, "step": dataset.id})
    return found
