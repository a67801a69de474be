"""A pipeline file to a `PipelineConfig`; every mistake at once, each with its line."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from prefdata import components
from prefdata.assets import shipped_pipeline, shipped_pipelines
from prefdata.config.override import override
from prefdata.config.pipeline import DATE, NAME, Frame, PipelineConfig, StepConfig
from prefdata.config.settings import Group, Settings
from prefdata.config.strict_yaml import Document, KeyPath, parse
from prefdata.core.errors import ConfigError, ConfigErrors, InputError, nearest

# What the patterns of settings mean, in words.
PATTERNS = {
    NAME: "letters, digits, '_', '.' and '-' make a name; it is also that of a folder",
    DATE: "write a date as YYYY-MM-DD",
    r"^[0-9a-f]{40}$": "give the 40 hex digits of a commit; branches and tags move",
}
RESERVED = ("use", "id", "inputs", "max_dropped")


def load_pipeline(name: str | Path, overrides: Sequence[str] = ()) -> PipelineConfig:
    """Read a pipeline file, or a shipped pipeline by its name.

    Args:
        name: a path, or the name of a shipped pipeline such as ``quickstart``.
        overrides: ``dotted.path=value`` settings; a list item by its id, else use, else index.

    Raises:
        ConfigError: anything is wrong with it; all mistakes at once.
    """
    path = find_pipeline(name)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read the pipeline: {error}", str(path)) from error
    document = override(parse(text, str(name)), overrides)
    return _Reader(document, path.parent).read()


def find_pipeline(name: str | Path) -> Path:
    """Return the file that `name` means."""
    path = Path(name)
    if path.is_file():
        return path
    shipped = shipped_pipeline(str(name))
    if shipped is None:
        raise InputError(
            f"there is no pipeline {str(name)!r}",
            fix="give the path of a YAML file, or the name of a shipped pipeline; "
            + nearest(str(name), shipped_pipelines()),
        )
    return shipped


class _Reader:
    """Walks one document and collects its mistakes."""

    def __init__(self, document: Document, base: Path) -> None:
        self.document = document
        self.base = base
        self.mistakes: list[ConfigError] = []

    def read(self) -> PipelineConfig:
        tree = self.document.tree
        if not isinstance(tree, dict):
            raise ConfigError(
                "a pipeline is a mapping with 'name', 'sources' and 'stages'",
                self.document.where(()),
            )
        frame_tree = {k: v for k, v in tree.items() if k not in ("sources", "stages")}
        frame = self.settings(Frame, frame_tree, (), extra_keys=("sources", "stages"))
        sources = self.steps(tree, "sources") if "sources" in tree else []
        stages = self.steps(tree, "stages")
        self.check_sources(sources, stages)
        self.check_ids([*sources, *stages])
        if self.mistakes:
            mistakes = sorted(self.mistakes, key=_line)
            raise mistakes[0] if len(mistakes) == 1 else ConfigErrors(mistakes)
        return PipelineConfig(frame, tuple(sources), tuple(stages), self.base, self.document)

    def check_sources(self, sources: Sequence[StepConfig], stages: Sequence[StepConfig]) -> None:
        """Refuse a pipeline without sources, unless its stages read finished releases alone."""
        if sources or self.mistakes:
            return
        for step in stages:
            if not hasattr(step.component, "run"):
                self.mistakes.append(
                    ConfigError(
                        f"the stage {step.id!r} reads records, and there are no sources",
                        step.where,
                        "add 'sources', see pipelines/README.md",
                    )
                )

    def steps(self, tree: dict[str, Any], group: str) -> list[StepConfig]:
        items = tree.get(group)
        if not isinstance(items, list) or (group == "sources" and not items):
            self.mistake(f"{group!r} must be a list of steps", (group,), "see pipelines/README.md")
            return []
        steps = [self.step(item, (group, n), group) for n, item in enumerate(items)]
        return [step for step in steps if step]

    def step(self, item: Any, path: KeyPath, group: str) -> StepConfig | None:
        if isinstance(item, str):
            item = {"use": item}
        if not isinstance(item, dict) or not isinstance(item.get("use"), str):
            self.mistake("a step is a mapping with the key 'use'", path, "- use: NAME")
            return None
        component, config = self.component(item, path, group)
        inputs = item.get("inputs") or {}
        if not isinstance(inputs, dict) or not all(isinstance(v, str) for v in inputs.values()):
            self.mistake("'inputs' maps names to ids of earlier steps", (*path, "inputs"))
            inputs = {}
        return StepConfig(
            id=str(item.get("id", item["use"])),
            use=item["use"],
            group=group,
            component=component,
            config=config,
            inputs=inputs,
            max_dropped=self.share(item.get("max_dropped", 1.0), (*path, "max_dropped")),
            where=self.document.where((*path, "use")),
        )

    def share(self, value: Any, path: KeyPath) -> float:
        if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 1:
            return float(value)
        self.mistake(f"max_dropped is {value!r}", path, "give a share between 0 and 1")
        return 1.0

    def component(self, item: dict[str, Any], path: KeyPath, group: str) -> tuple[Any, Any]:
        """Return the class that an item uses and its settings; mistakes are noted."""
        try:
            component = components.load(
                group, item["use"], where=self.document.where((*path, "use"))
            )
        except ConfigError as error:
            self.mistakes.append(error)
            return None, None
        own = {k: v for k, v in item.items() if k not in RESERVED}
        return component, self.settings(component.Config, own, path, extra_keys=RESERVED)

    def settings(
        self, model: type[Settings], tree: dict[str, Any], path: KeyPath, extra_keys: Sequence[str]
    ) -> Any:
        for name, field in model.model_fields.items():
            group = next((m.name for m in field.metadata if isinstance(m, Group)), None)
            if group and name in tree:
                self.nested(tree[name], (*path, name), group)
        for name, group in getattr(model, "component_lists", {}).items():
            for n, item in enumerate(tree.get(name) or []):
                self.nested(item, (*path, name, n), group)
        try:
            return model.from_tree(tree)
        except ValidationError as error:
            for detail in error.errors():
                self.note(detail, model, path, extra_keys)
        except ConfigError as error:  # a nested component, already noted with its line
            self.mistakes.extend([] if self.mistakes else [error])
        return None

    def nested(self, item: Any, path: KeyPath, group: str) -> None:
        if isinstance(item, str):
            item = {"use": item}
        if isinstance(item, dict) and isinstance(item.get("use"), str):
            self.component(item, path, group)

    def note(
        self, detail: ErrorDetails, model: type[Settings], path: KeyPath, extra: Sequence[str]
    ) -> None:
        location = (*path, *(part for part in detail["loc"]))
        key = str(detail["loc"][-1]) if detail["loc"] else ""
        known = _fields_at(model, detail["loc"][:-1])
        if detail["type"] == "extra_forbidden":
            self.mistake(f"unknown key {key!r}", location, nearest(key, [*known, *extra]))
        elif detail["type"] == "missing":
            self.mistake(f"the key {key!r} is missing", location, f"add '{key}: …'")
        elif detail["type"] == "value_error":  # a component's own check, in its own words
            self.mistake(detail["msg"].removeprefix("Value error, "), location)
        else:
            given = repr(detail["input"])
            shown = given if len(given) <= 60 else given[:57] + "…"
            self.mistake(f"{key or 'the value'} is {shown}", location, _advice(detail))

    def mistake(self, what: str, path: KeyPath, fix: str = "") -> None:
        self.mistakes.append(ConfigError(what, self.document.where(path), fix))

    def check_ids(self, steps: Sequence[StepConfig]) -> None:
        seen: dict[str, StepConfig] = {}
        for step in steps:
            if step.id in seen:
                self.mistakes.append(
                    ConfigError(
                        f"two steps have the id {step.id!r}",
                        step.where,
                        "give one of them another 'id'",
                    )
                )
            for name, wanted in step.inputs.items():
                if wanted not in seen:
                    self.mistakes.append(
                        ConfigError(
                            f"the input {name!r} names {wanted!r}, which is no earlier step",
                            step.where,
                            nearest(wanted, list(seen)),
                        )
                    )
            seen[step.id] = step


def _line(mistake: ConfigError) -> int:
    """Return the line that a mistake names, so that they are told in the order of the file."""
    found = re.search(r":(\d+)", mistake.where)
    return int(found[1]) if found else 0


def _advice(detail: ErrorDetails) -> str:
    """Return how to mend a value that pydantic refuses."""
    if detail["type"] in ("literal_error", "enum"):
        known = re.findall(r"'([^']*)'", detail.get("ctx", {}).get("expected", ""))
        return nearest(str(detail["input"]), known)
    if detail["type"] == "string_pattern_mismatch":
        pattern = detail.get("ctx", {}).get("pattern", "")
        return PATTERNS.get(pattern, f"it should match {pattern}")
    return detail["msg"].replace("Input ", "it ", 1)


def _fields_at(model: type[Settings], location: Sequence[str | int]) -> Sequence[str]:
    """Return the keys known at a place inside a settings model."""
    current: Any = model
    for part in location:
        fields: Mapping[str, Any] = getattr(current, "model_fields", {})
        current = fields[part].annotation if isinstance(part, str) and part in fields else None
    return list(getattr(current, "model_fields", {}))
