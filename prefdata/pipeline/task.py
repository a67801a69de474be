"""The work of one shard, as small picklable values that either engine can run.

A shard is done when its ``part-<n>.json`` of counts is there; it is written last.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from prefdata import components
from prefdata.core.finding import Drop, Outcome, Skip
from prefdata.core.records import Preference
from prefdata.core.stage import Context, ignore
from prefdata.pipeline.plan import Step
from prefdata.store.arrow import decode, encode, encode_drops, encode_skips, read_drops
from prefdata.store.dataset import DROPPED
from prefdata.store.files import write_json
from prefdata.store.shards import read_shard, shard_name, write_shard

BATCH = 256


@dataclass(frozen=True)
class Work:
    """What a worker needs to build a component: its name, its settings, its context."""

    group: str
    use: str
    settings: str
    context: Context

    @classmethod
    def of(cls, step: Step) -> Work:
        """Return the picklable part of a step; only a stage of this process may be listened to."""
        tree = step.config.model_dump_json(exclude_unset=True)
        context = step.context
        if step.group == "sources" or getattr(step.component, "parallel", True):
            context = replace(context, listen=ignore)
        return cls(step.group, step.use, tree, context)

    def within(self, **changes: Any) -> Work:
        """Return the work with another context: a worker's own listener, its name."""
        return replace(self, context=replace(self.context, **changes))

    def component(self) -> Any:
        """Return the class."""
        return components.load(self.group, self.use)

    def build(self) -> Any:
        """Return the component, built once per process and settings."""
        return _build(self)

    def make(self) -> Any:
        """Return a new component."""
        component = self.component()
        return component(component.Config.from_tree(json.loads(self.settings)), self.context)


@lru_cache(maxsize=1)
def _build(work: Work) -> Any:
    return work.make()


@dataclass(frozen=True)
class SourceTask:
    """Shard n is source n: read it whole, write its records in shards."""

    works: tuple[Work, ...]
    folders: tuple[Path, ...]
    shard_size: int
    limit: int | None
    cpus: float = 1
    gpus: float = 0
    parallel: bool = True

    def __call__(self, shard: int) -> int:
        """Read one source."""
        work, folder = self.works[shard], self.folders[shard]
        source = work.make()
        for number, (records, skips) in enumerate(self.chunks(iter(source.records()))):
            drops = encode_skips(skips, source.source)
            _write(folder, number, encode(records), drops, len(records) + len(skips))
        return shard

    def chunks(
        self, items: Iterator[Preference | Skip]
    ) -> Iterator[tuple[list[Preference], list[Skip]]]:
        """Yield records in groups of a shard's size, with the skips between them."""
        total, last = 0, False
        while not last:
            records: list[Preference] = []
            skips: list[Skip] = []
            size = min(self.shard_size, self.limit - total) if self.limit else self.shard_size
            for item in items:
                if isinstance(item, Skip):
                    skips.append(item)
                else:
                    records.append(item)
                if len(records) == size or len(skips) == self.shard_size:
                    break
            total += len(records)
            full = len(records) == size or len(skips) == self.shard_size
            last = not full or total == self.limit
            if records or skips or total == 0:
                yield records, skips


@dataclass(frozen=True)
class StageTask:
    """Shard n of the inputs through one stage, to shard n of the step's folder."""

    work: Work
    inputs: tuple[Path, ...]
    folder: Path
    cpus: float
    gpus: float
    parallel: bool

    def __call__(self, shard: int) -> int:
        """Read, work, write one shard."""
        stage = self.work.build()
        table = read_shard(self.inputs[shard])
        if hasattr(stage, "table"):
            kept, drops = stage.table(table)
        else:
            kept, drops = self.batched(stage, table)
        _write(self.folder, shard, kept, drops, table.num_rows)
        return shard

    def within(self, **changes: Any) -> StageTask:
        """Return the task with another context: a worker's own listener, its name."""
        return replace(self, work=self.work.within(**changes))

    def batched(self, stage: Any, table: pa.Table) -> tuple[pa.Table, pa.Table]:
        """Call a shard stage batch by batch; a stage that is not parallel gets all at once."""
        kept: list[Preference] = []
        dropped: list[Drop] = []
        for batch in _batches(decode(table), BATCH if self.parallel else table.num_rows):
            outcome = stage(batch)
            kept.extend(outcome.kept)
            dropped.extend(outcome.dropped)
        return encode(kept), encode_drops(dropped)


def apply(stage: Any, records: Sequence[Preference]) -> Outcome:
    """Take records through a shard or table stage in memory; for previews and forecasts."""
    if not hasattr(stage, "table"):
        outcome: Outcome = stage(records)
        return outcome
    kept, drops = stage.table(encode(records))
    dropped = [Drop(row["record"], tuple(row["findings"])) for row in read_drops(drops)]
    return Outcome(decode(kept), dropped)


def _batches(records: Sequence[Preference], size: int) -> Iterator[list[Preference]]:
    items = iter(records)
    while batch := list(islice(items, max(size, 1))):
        yield batch


def counts_name(shard: int) -> str:
    """Return the name of a shard's counts, which mark it as done."""
    return f"part-{shard:05d}.json"


def _write(folder: Path, shard: int, kept: pa.Table, drops: pa.Table, rows_in: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    write_shard(folder / shard_name(shard), kept)
    write_shard(folder / DROPPED / shard_name(shard), drops)
    write_json(folder / counts_name(shard), _counts(kept, drops, rows_in))


def write_counts(folder: Path) -> None:
    """Write the counts of shards that a stage which sees everything has written itself."""
    for number, shard in enumerate(sorted(folder.glob("part-*.parquet"))):
        kept = read_shard(shard)
        drops = read_shard(folder / DROPPED / shard.name)
        counts = _counts(kept, drops, kept.num_rows + drops.num_rows)
        write_json(folder / counts_name(number), counts)


def _counts(kept: pa.Table, drops: pa.Table, rows_in: int) -> dict[str, Any]:
    """Return `{in, kept, dropped, bad, reasons, sources}`; a drop counts under its root cause."""
    sources: dict[str, dict[str, Any]] = {}
    for source, n in _tally(kept.column("source")).items():
        sources.setdefault(source, _none())["kept"] = n
    bad = 0
    reasons: Counter[str] = Counter()
    rows = drops.select(["source", "reasons", "bad"]).to_pylist()
    for row in rows:
        own = sources.setdefault(row["source"], _none())
        own["dropped"] += 1
        own["reasons"][row["reasons"][0]] = own["reasons"].get(row["reasons"][0], 0) + 1
        reasons[row["reasons"][0]] += 1
        bad += bool(row["bad"])
    return {
        "in": rows_in,
        "kept": kept.num_rows,
        "dropped": drops.num_rows,
        "bad": bad,
        "reasons": dict(reasons),
        "sources": sources,
    }


def _none() -> dict[str, Any]:
    return {"kept": 0, "dropped": 0, "reasons": {}}


def _tally(column: pa.ChunkedArray) -> dict[str, int]:
    return {row["values"]: row["counts"] for row in pc.value_counts(column).to_pylist()}
