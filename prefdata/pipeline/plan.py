"""A pipeline file to steps with keys; what can be refused is refused here, before any work.

The key of a step covers the keys of its inputs, its component's name and version, the settings
that decide its result, and what lies outside the settings (the digest of a file, the registry).
A changed setting gives a new folder; an unchanged one gives the same, and nothing runs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from prefdata.config.pipeline import PipelineConfig, StepConfig
from prefdata.config.settings import Component
from prefdata.core.errors import ConfigError
from prefdata.core.records import digest
from prefdata.core.stage import Context, Kind
from prefdata.store.dataset import Dataset

INPUT_OF_KIND: dict[Kind, str] = {"preferences": "pairs", "labels": "labels", "artifact": "pairs"}


@dataclass(frozen=True)
class Step:
    """One planned step: its component, its key, its inputs and its folder."""

    id: str
    use: str
    group: str
    key: str
    component: Any
    config: Any
    context: Context
    inputs: Mapping[str, Step | tuple[Step, ...]]
    writes: Kind
    path: Path
    max_dropped: float = 1.0

    @property
    def artifact(self) -> Path:
        """Return where the step's artifact lies when it is the newest."""
        folder = getattr(self.component, "folder", None)
        return self.path.parent / folder if folder else self.path

    @property
    def is_done(self) -> bool:
        """Tell whether nothing of the step is left to do."""
        if self.writes != "artifact":
            return Dataset(self.path).is_done
        return self.artifact.is_dir() and (
            self.artifact == self.path or artifact_key(self.artifact) == self.key
        )

    def dataset(self) -> Dataset:
        """Return what the step leaves."""
        return Dataset(self.artifact)


@dataclass(frozen=True)
class Plan:
    """The steps of a pipeline in the order of work."""

    name: str
    out: Path
    context: Context
    sources: tuple[Step, ...]
    stages: tuple[Step, ...]
    max_bad_rows: float
    shard_size: int
    engine: Component

    @property
    def steps(self) -> tuple[Step, ...]:
        """Return sources and stages."""
        return (*self.sources, *self.stages)

    @property
    def gate(self) -> Step | None:
        """Return the last license gate: the one that sees every layer."""
        gates = [step for step in self.stages if step.use == "license_gate"]
        return gates[-1] if gates else None

    def find(self, use: str) -> Step | None:
        """Return the first step that uses a component of that name."""
        return next((step for step in self.steps if step.use == use), None)


def artifact_key(folder: Path) -> str | None:
    """Return the key in a release's manifest, None if there is no readable one."""
    try:
        manifest = json.loads((folder / "manifest.json").read_bytes())
    except (OSError, ValueError):
        return None
    return manifest.get("key") if isinstance(manifest, dict) else None


def make_plan(config: PipelineConfig, context: Context, out: Path) -> Plan:
    """Return the steps with their keys and folders.

    Raises:
        ConfigError: a stage cannot read what the step before it writes.
        InputError: a local file of a source is missing.
    """
    made: list[Step] = []
    for step in config.sources:
        made.append(_step(step, len(made), {}, context, out, "preferences", config))
    sources = tuple(made)
    for step in config.stages:
        kind: Kind = getattr(step.component, "writes", "artifact")
        inputs = _inputs(step, made, sources)
        made.append(_step(step, len(made), inputs, context, out, kind, config))
    for planned in made:
        check = getattr(planned.component, "plan", None)
        if check is not None:
            check(planned.config, planned.context)
    return Plan(
        name=config.frame.name,
        out=out,
        context=context,
        sources=sources,
        stages=tuple(made[len(sources) :]),
        max_bad_rows=config.frame.max_bad_rows,
        shard_size=config.frame.shard_size,
        engine=config.frame.engine,
    )


def _inputs(
    step: StepConfig, made: Sequence[Step], sources: tuple[Step, ...]
) -> dict[str, Step | tuple[Step, ...]]:
    """Return what a stage reads: what it names, else the step before it."""
    by_id = {done.id: done for done in made}
    named: dict[str, Step | tuple[Step, ...]] = {k: by_id[v] for k, v in step.inputs.items()}
    if not hasattr(step.component, "reads"):
        found = named or _latest_of_each_kind(made, sources)
        if any(isinstance(value, tuple) for value in found.values()):
            raise ConfigError(
                f"the stage {step.id!r} sees everything at once and needs a stage before it",
                step.where,
                "put '- use: filter' or '- use: license_gate' before it",
            )
        return found
    before: Step | tuple[Step, ...] = made[-1] if len(made) > len(sources) else sources
    given = next(iter(named.values()), before)
    written = given.writes if isinstance(given, Step) else "preferences"
    if written != step.component.reads:
        raise ConfigError(
            f"the stage {step.id!r} reads {step.component.reads} but is given {written}",
            step.where,
            "move it, or name the step that it should read: 'inputs: {pairs: ID}'",
        )
    return {INPUT_OF_KIND[written]: given}


def _latest_of_each_kind(
    made: Sequence[Step], sources: tuple[Step, ...]
) -> dict[str, Step | tuple[Step, ...]]:
    found: dict[str, Step | tuple[Step, ...]] = {"pairs": sources} if sources else {}
    for step in made[len(sources) :]:
        found[INPUT_OF_KIND[step.writes]] = step
        if step.writes == "artifact":
            found.pop("labels", None)
    return found


def _step(
    step: StepConfig,
    number: int,
    inputs: Mapping[str, Step | tuple[Step, ...]],
    context: Context,
    out: Path,
    writes: Kind,
    config: PipelineConfig,
) -> Step:
    own = replace(context, step=step.id)
    key = digest(
        "step",
        json.dumps(
            {
                "use": step.use,
                "version": step.component.version,
                "settings": step.config.identity(),
                "content": _content_key(step, own),
                "inputs": {name: _keys(value) for name, value in sorted(inputs.items())},
                "seed": context.seed,
                "limit": context.limit,
                "shard_size": config.frame.shard_size,
            },
            sort_keys=True,
            ensure_ascii=False,
        ),
    )
    return Step(
        id=step.id,
        use=step.use,
        group=step.group,
        key=key,
        component=step.component,
        config=step.config,
        context=replace(own, key=key),
        inputs=inputs,
        writes=writes,
        path=out / f"{number:02d}-{step.id}-{key[:8]}",
        max_dropped=step.max_dropped,
    )


def _content_key(step: StepConfig, context: Context) -> str:
    content_key = getattr(step.component, "content_key", None)
    return content_key(step.config, context) if content_key else ""


def _keys(value: Step | tuple[Step, ...]) -> list[str]:
    return [value.key] if isinstance(value, Step) else [step.key for step in value]
