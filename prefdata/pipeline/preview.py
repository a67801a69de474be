"""A few records through every step in memory; nothing is written outside a temporary folder."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from prefdata.core.errors import InputError
from prefdata.core.finding import Drop, Skip
from prefdata.core.records import Preference
from prefdata.pipeline.plan import Plan, Step
from prefdata.pipeline.task import Work, apply

ROWS = 50  # source rows looked at for each record wanted


@dataclass(frozen=True)
class Previewed:
    """One record at the end of its road: the step that it reached, and the drop, if it left."""

    source: str
    record: Preference
    step: str
    drop: Drop | None = None


def preview(plan: Plan, count: int) -> Iterator[Previewed]:
    """Yield `count` records of each source with what became of them."""
    with tempfile.TemporaryDirectory() as cache:
        stages = [_quietly(step, Path(cache)) for step in plan.stages]
        for source in plan.sources:
            rows = Work.of(_quietly(source, Path(cache))).make().records()
            first = islice(rows, count * ROWS)
            records = _records(list(first), count, source)
            yield from _run(source.id, records, stages)


def _records(rows: Sequence[Preference | Skip], count: int, source: Step) -> list[Preference]:
    """Return the first records of some rows.

    Raises:
        InputError: every row is a skip.
    """
    records = [row for row in rows if not isinstance(row, Skip)]
    skips = [row for row in rows if isinstance(row, Skip)]
    if skips and not records:
        first = skips[0]
        raise InputError(
            f"none of the first {len(skips)} rows of {source.id!r} is a record: {first.reason}",
            f"{first.row}: {first.detail}" if first.detail else first.row,
            f"see what it reads with 'prefdata components {source.use}'",
        )
    return records[:count]


def _quietly(step: Step, cache: Path) -> Step:
    return replace(step, context=replace(step.context, cache=cache))


def _run(source: str, records: list[Preference], stages: list[Step]) -> Iterator[Previewed]:
    reached = source
    for step in stages:
        if step.writes != "preferences" or hasattr(step.component, "run"):
            continue
        outcome = apply(Work.of(step).make(), records)
        for drop in outcome.dropped:
            yield Previewed(source, drop.record, step.id, drop)
        records, reached = list(outcome.kept), step.id
    for record in records:
        yield Previewed(source, record, reached)
