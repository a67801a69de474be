"""A pipeline, built: the whole of `prefdata build` for a Python user."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prefdata.config.load import load_pipeline
from prefdata.config.pipeline import PipelineConfig
from prefdata.config.settings import Component, component
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
    engine: str | None = None,
    workers: int = 0,
    out: Path | None = None,
    cache: Path = CACHE,
    limit: int | None = None,
    overrides: Sequence[str] = (),
    listen: Callable[[Event], None] = ignore,
) -> Built:
    """Run a pipeline; what is done already is not done again. See `plan_pipeline`.

    Args:
        engine: ``local``, ``ray`` or a plug-in's name, with the settings that the pipeline has
            for it; the pipeline's own, or local, if absent.
        workers: processes; 0 is what the pipeline says, else one for each processor core.

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
    runner = _engine(plan, engine, workers).create(plan.context)
    return Built(plan, tuple(run_plan(plan, runner)))


def _engine(plan: Plan, name: str | None, workers: int) -> Component:
    """Return the engine that is asked for; the pipeline's settings count for its own alone."""
    own = plan.engine
    settings = own.settings() if name in (None, own.use) else {}
    if workers:
        settings["workers"] = workers
    return component("engines", name or own.use, **settings)
