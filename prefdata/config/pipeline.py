"""The shape of a pipeline file: sources, then stages, in the order of work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from prefdata.config.settings import Settings, component, component_of
from prefdata.config.strict_yaml import Document

NAME = r"^[\w][\w.-]*$"
DATE = r"^\d{4}-\d{2}-\d{2}$"
Date = Annotated[str, StringConstraints(pattern=DATE)]


class Frame(Settings):
    """The keys of a pipeline file beside its steps."""

    name: Annotated[str, StringConstraints(pattern=NAME)]
    description: str = ""
    seed: int = 0
    released: Date | None = Field(
        default=None, description="the date that the release carries (YYYY-MM-DD)"
    )
    as_of: Date | None = Field(
        default=None, description="the day to which the age of evidence counts; today if absent"
    )
    licenses: str | None = Field(
        default=None, description="your own registry folder; it may add or tighten, never loosen"
    )
    max_bad_rows: float = Field(
        default=0.01, ge=0, le=1, description="the share of broken rows that stops a source"
    )
    shard_size: int = Field(default=5000, ge=1, description="records in a shard")
    engine: component_of("engines") = Field(  # type: ignore[valid-type]  # built at run time
        default_factory=lambda: component("engines", "local"),
        description="where shards are worked, with its settings; no part of any step's key",
    )


@dataclass(frozen=True)
class StepConfig:
    """One step as written: which component, its settings, the earlier steps it names.

    `max_dropped` is the share of records (0 to 1) above which the step's drops stop the build.
    """

    id: str
    use: str
    group: str
    component: Any
    config: Any
    inputs: Mapping[str, str] = field(default_factory=dict)
    max_dropped: float = 1.0
    where: str = ""


@dataclass(frozen=True)
class PipelineConfig:
    """A pipeline file, read and validated; `base` is the folder that its paths are relative to."""

    frame: Frame
    sources: tuple[StepConfig, ...]
    stages: tuple[StepConfig, ...]
    base: Path
    document: Document
