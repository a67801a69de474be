"""Settings of components: strict, frozen, no unknown keys."""

from __future__ import annotations

import json
from typing import Annotated, Any, ClassVar, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, PrivateAttr, model_validator

from prefdata import components


class RuntimeOnly:
    """Marks a setting that changes how work is done but not what comes out of it.

    It stays out of the step's key: ``concurrency: Annotated[int, RUNTIME] = 64``.
    """


class Group:
    """Marks the group of a nested component; written by `component_of`."""

    def __init__(self, name: str) -> None:
        self.name = name


RUNTIME: Final = RuntimeOnly()


class Settings(BaseModel):
    """Base of every component's `Config`. Validate with `from_tree`, which is strict as JSON is.

    `component_lists` names the fields that are lists of nested components, with their group.
    """

    component_lists: ClassVar[dict[str, str]] = {}

    model_config: ClassVar[ConfigDict] = ConfigDict(strict=True, frozen=True, extra="forbid")

    @classmethod
    def from_tree(cls, tree: dict[str, Any]) -> Any:
        """Build from a plain tree, as read from YAML.

        JSON mode accepts a string for a path and a list for a tuple, yet refuses ``"1.5"`` for a
        float.
        """
        return cls.model_validate_json(json.dumps(tree))

    def identity(self) -> dict[str, Any]:
        """Return the settings that decide the result, as plain JSON values."""
        tree = self.model_dump(mode="json")
        for name, field in type(self).model_fields.items():
            if any(isinstance(mark, RuntimeOnly) for mark in field.metadata):
                tree.pop(name)
        for name, value in self:
            if name in tree:
                tree[name] = _identity_of(value, tree[name])
        return tree


def _identity_of(value: Any, dumped: Any) -> Any:
    """Leave run-time settings of nested components out, too."""
    if isinstance(value, Component):
        return {"use": value.use, **value.config().identity()}
    if isinstance(value, (tuple, list)) and any(isinstance(v, Component) for v in value):
        return [_identity_of(v, d) for v, d in zip(value, dumped, strict=True)]
    return dumped


class Component(BaseModel):
    """A nested component: `use` names it, every other key is its own setting."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="allow")

    use: str
    _group: str = PrivateAttr(default="")

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        """Read a bare name as a component without settings."""
        return {"use": value} if isinstance(value, str) else value

    def settings(self) -> dict[str, Any]:
        """Return the component's own settings as a plain tree."""
        return dict(self.model_extra or {})

    def load(self) -> Any:
        """Import and return its class."""
        return components.load(self._group, self.use)

    def config(self) -> Any:
        """Return its settings, validated."""
        return self.load().Config.from_tree(self.settings())

    def create(self, context: Any) -> Any:
        """Build it."""
        return self.load()(self.config(), context)


class _SetGroup:
    """Write the group of the annotation into the component."""

    def __init__(self, group: str) -> None:
        self.group = group

    def __call__(self, component: Component) -> Component:
        component._group = self.group
        return component


def component(group: str, use: str, **settings: Any) -> Component:
    """Return a nested component, as if read from a file."""
    return _SetGroup(group)(Component(use=use, **settings))


def component_of(group: str) -> Any:
    """Return the annotation of a nested component of a group.

    >>> from prefdata.config.settings import Settings, component_of
    >>> class Config(Settings):
    ...     translator: component_of("translators")
    >>> Config.from_tree({"translator": {"use": "server", "model": "m"}}).translator.settings()
    {'model': 'm'}
    """
    return Annotated[Component, AfterValidator(_SetGroup(group)), Group(group)]
