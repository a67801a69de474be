"""How fast a pipeline's translator is on this machine, and how much it does at once."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

from prefdata import components
from prefdata.assets import asset
from prefdata.config.load import load_pipeline
from prefdata.core.errors import UsageError
from prefdata.core.finding import Skip
from prefdata.core.records import Message, Preference
from prefdata.core.stage import Context
from prefdata.pipeline.build import CACHE, context_of

WARM_UP = 8  # records before the clock runs: the model is loaded and compiled by then


@dataclass(frozen=True)
class Speed:
    """What was measured: output tokens and requests a second, on how many requests."""

    tokens_per_second: float
    requests_per_second: float
    requests: int
    seconds: float


def bench(
    pipeline: str, overrides: Sequence[str] = (), *, records: int = 256, cache: Path = CACHE
) -> Speed:
    """Translate the shipped English dialogues with the pipeline's translator; note the speed.

    Each pair is made new by a number in front of it, so that nothing comes from a memory. The
    figure is kept in the cache folder, where `plan` finds it for this translator.

    Raises:
        UsageError: the pipeline does not translate with a model.
    """
    config = load_pipeline(pipeline, overrides)
    step = next((s for s in config.stages if s.use == "translate"), None)
    if step is None or step.config.translator.use == "memory":
        raise UsageError(
            f"{pipeline} translates with no model",
            fix="name a pipeline that does: prefdata doctor --bench --pipeline open_preference",
        )
    own = step.config.model_copy(update={"attempts": 1, "checks": False})
    with tempfile.TemporaryDirectory() as folder:
        context = replace(context_of(config, cache=Path(folder)), step="bench")
        stage = step.component(own, context)
        rows = _dialogues(context)
        stage([next(rows) for _ in range(WARM_UP)])
        before, start = stage.progress.totals.copy(), time.perf_counter()
        stage([next(rows) for _ in range(records)])
        seconds = time.perf_counter() - start
    done = stage.progress.totals - before
    speed = Speed(done["output_tokens"] / seconds, done["sent"] / seconds, done["sent"], seconds)
    step.component.note_speed(stage.translator, cache.absolute(), speed.tokens_per_second)
    return speed


def requests_at_once(
    pipeline: str, tokens: float, overrides: Sequence[str] = (), *, cache: Path = CACHE
) -> int | None:
    """Return how many requests of so many tokens the pipeline's translator runs side by side.

    None if it runs none in this process, or if neither its settings nor this machine tell.
    """
    config = load_pipeline(pipeline, overrides)
    step = next((s for s in config.stages if s.use == "translate"), None)
    if step is None:
        return None
    found: int | None = step.component.at_once(step.config, context_of(config, cache=cache), tokens)
    return found


def _dialogues(context: Context) -> Iterator[Preference]:
    """Yield the shipped English pairs over and over, each time with new first turns."""
    source: Any = components.load("sources", "hh_rlhf")
    path = asset("data") / "quickstart" / "pairs.hh.jsonl"
    config = source.Config.from_tree({"path": str(path.absolute())})
    pairs = [item for item in source(config, context).records() if not isinstance(item, Skip)]
    for number in count():
        pair = pairs[number % len(pairs)]
        first, *rest = pair.prompt
        renewed = Message(first.role, f"({number}) {first.content}")
        yield replace(pair, prompt=(renewed, *rest))
