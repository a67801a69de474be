"""A pipeline, built: the whole of `prefdata build` for a Python user."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prefdata import components
from prefdata.config.load import load_pipeline
from prefdata.config.pipeline import PipelineConfig
from prefdata.core.errors import UsageError
from prefdata.core.stage import Context, Event, ignore
from prefdata.pipeline.forecast import refuse_denied, refuse_lacking
from prefdata.pipeline.plan import Plan, Step, make_plan
from prefdata.pipeline.progress import Together
from prefdata.pipeline.run import run_plan

BUILDS = Path("data/build")
CACHE = Path("data/cache")


@dataclass(frozen=True)
class Built:
    """What a build did: its plan, the steps that ran (none if all was done), and the funnel."""

    plan: Plan
    ran: tuple[Step, ...]

    @property
    def release(self) -> Path | None:
        """Return the release folder, if the pipeline publishes."""
        step = self.plan.find("publish")
        return step.artifact if step else None

    def funnel(self) -> list[dict[str, Any]]:
        """Return `{id, use, in, kept, dropped, reasons, sources}` of every step with records."""
        return [
            {"id": step.id, "use": step.use, **step.dataset().manifest["counts"]}
            for step in self.plan.steps
            if step.writes != "artifact"
        ]


def plan_pipeline(
    pipeline: str | Path,
    *,
    out: Path | None = None,
    cache: Path = CACHE,
    limit: int | None = None,
    overrides: Sequence[str] = (),
    listen: Callable[[Event], None] = ignore,
) -> Plan:
    """Read a pipeline file and plan its steps; nothing is run.

    Args:
        pipeline: a YAML file, or the name of a shipped pipeline.
        out: the build folder; ``data/build/<name>`` if absent.
        cache: where the translation memory lies.
        limit: at most so many records of each source, built into ``trial/`` of the build folder.
        overrides: ``dotted.path=value`` settings.
        listen: told of everything that happens.

    Raises:
        ConfigError: the file is wrong; all mistakes at once.
    """
    if limit is not None and limit < 1:
        raise UsageError(f"--limit is {limit}", fix="give a number from 1 up")
    config = load_pipeline(pipeline, overrides)
    folder = out or BUILDS / config.frame.name
    context = context_of(config, cache=cache, limit=limit, listen=listen)
    return make_plan(config, context, folder / "trial" if limit else folder)


def context_of(
    config: PipelineConfig,
    *,
    cache: Path = CACHE,
    limit: int | None = None,
    listen: Callable[[Event], None] = ignore,
) -> Context:
    """Return what every component of a pipeline is given."""
    frame = config.frame
    return Context(
        pipeline=frame.name,
        seed=frame.seed,
        base=config.base.absolute(),
        cache=cache.absolute(),
        licenses=config.base.absolute() / frame.licenses if frame.licenses else None,
        as_of=frame.as_of,
        released=frame.released,
        limit=limit,
        listen=listen,
    )


def build_pipeline(
    pipeline: str | Path,
    *,
    engine: str = "local",
    workers: int = 0,
    out: Path | None = None,
    cache: Path = CACHE,
    limit: int | None = None,
    overrides: Sequence[str] = (),
    listen: Callable[[Event], None] = ignore,
) -> Built:
    """Run a pipeline; what is done already is not done again. See `plan_pipeline`.

    Args:
        engine: ``local``, ``ray`` or a plug-in's name.
        workers: processes; 0 is one for each processor core.

    Raises:
        LicenseDenied: the gate would stop it at its end; nothing was run.
        PrefdataError: anything else that stops it; what is finished stays.
    """
    plan = plan_pipeline(
        pipeline,
        out=out,
        cache=cache,
        limit=limit,
        overrides=overrides,
        listen=Together(listen),
    )
    if not all(step.is_done for step in plan.steps):
        refuse_lacking(plan)
        refuse_denied(plan)
    runner = components.load("engines", engine)
    ran = run_plan(plan, runner(runner.Config(workers=workers), plan.context))
    return Built(plan, tuple(ran))
