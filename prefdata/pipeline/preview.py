"""A few records through every step in memory; nothing is written outside a temporary folder."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

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
            records = [row for row in first if not isinstance(row, Skip)][:count]
            yield from _run(source.id, records, stages)


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
