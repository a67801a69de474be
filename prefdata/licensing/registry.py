"""The license registry: what ships with prefdata, and the user's own folder beside it.

The user's folder may add entries. An id that ships already is decided by both entries, so that a
second one can only tighten; one that states another license for the same revision is an error.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from prefdata.assets import asset
from prefdata.core.errors import ConfigError
from prefdata.core.origin import Layer
from prefdata.licensing.entry import Component, Entry
from prefdata.licensing.license_book import License, LicenseBook
from prefdata.licensing.registry_files import find_entries, read_hub_tags, read_licenses


@dataclass(frozen=True)
class Registry:
    """Everything registered, in one or two folders; the shipped one first."""

    folders: tuple[Path, ...]

    @cached_property
    def book(self) -> LicenseBook:
        """Return the registered texts and hub tags.

        Raises:
            ConfigError: a file is wrong, or an id is registered twice.
        """
        licenses: dict[str, License] = {}
        places: dict[str, str] = {}
        tags: dict[str, str] = {}
        for folder in self.folders:
            for entry, where in read_licenses(folder):
                folded = entry.id.casefold()
                if folded in places:
                    raise ConfigError(
                        f"the license {entry.id!r} is registered twice",
                        f"{places[folded]} and {where}",
                        "a text says what it says: remove one of the entries",
                    )
                places[folded] = where
                licenses[entry.id] = entry
            tags.update(read_hub_tags(folder) if folder == self.folders[0] else {})
        return LicenseBook(licenses, tags)

    @cached_property
    def _entries(self) -> dict[str, list[Entry]]:
        return {}

    def entries(self, name: str) -> list[Entry]:
        """Return the entries of an id: none, one, or the shipped one and the user's.

        Raises:
            ConfigError: a file is wrong, or two entries contradict.
        """
        if name not in self._entries:
            found = [entry for folder in self.folders for entry in find_entries(folder, name)]
            refuse_contradictions(found)
            self._entries[name] = found
        return self._entries[name]

    def describe(self, artifact: str) -> list[tuple[Entry, str]]:
        """Return the entries of an artifact, each with the component that it names, if any.

        A name with a space may be an entry and another's component: both count, so that neither
        replaces the other.
        """
        whole = [(entry, "") for entry in self.entries(artifact)]
        name, space, component = artifact.partition(" ")
        parts = self.entries(name) if space else []
        return [*((entry, component) for entry in parts), *whole]

    def resolve(self, layer: Layer, as_of: date) -> list[dict[str, Any]]:
        """Return a layer as the case format has it: what is known of it on that day.

        One case layer for each entry and component that applies, and one for each generator that
        an entry names; an unknown artifact is undisclosed.
        """
        if layer.role == "tool":
            return [{"role": "tool", "artifact": layer.artifact}]
        described = self.describe(layer.artifact)
        if not described:
            return [_undisclosed(layer)]
        return [
            case
            for entry, component in described
            for case in self._of_entry(layer, entry, component, as_of)
        ]

    def _of_entry(
        self, layer: Layer, entry: Entry, component: str, as_of: date
    ) -> Iterator[dict[str, Any]]:
        if entry.type == "compilation" and layer.role == "compilation":
            yield entry.as_compilation(layer.artifact)
            return
        parts = entry.parts(layer.role, component)
        if not parts:
            yield _undisclosed(layer)
        is_same = entry.is_same_content(layer.revision)
        for part in parts:
            yield part.as_case(layer, as_of=as_of, is_same=is_same, entry=entry)
            for generator in entry.makers(part):
                yield from self.resolve(Layer("response_model", generator), as_of)


def _undisclosed(layer: Layer) -> dict[str, Any]:
    return {"role": layer.role, "artifact": layer.artifact, "status": "undisclosed"}


@cache
def shipped() -> Registry:
    """Return the registry that ships with prefdata."""
    return Registry((asset("licenses"),))


@cache
def registry_of(user: Path | None) -> Registry:
    """Return the shipped registry, with the user's folder beside it if there is one.

    Raises:
        ConfigError: the folder does not exist.
    """
    if user is None:
        return shipped()
    if not user.is_dir():
        raise ConfigError("there is no such folder of licenses", str(user), "check 'licenses:'")
    return Registry((asset("licenses"), user))


def refuse_contradictions(entries: Sequence[Entry]) -> None:
    """Refuse two entries that state different licenses for one component.

    Raises:
        ConfigError: they do.
    """
    if len(entries) < 2:
        return
    first, second = entries[0], entries[1]
    for part in first.components:
        for other in second.components:
            if part.name == other.name and _contradict(part, other):
                raise ConfigError(
                    f"two entries contradict: {first.id} {part.name} is {_stated(part)} in one "
                    f"and {_stated(other)} in the other",
                    f"{first.where} and {second.where}",
                    "correct yours; an entry of your own may only be stricter",
                )


def _contradict(part: Component, other: Component) -> bool:
    stricter = other.status in ("undisclosed", "conflicting", "conditional")
    return not stricter and _stated(part) != _stated(other)


def _stated(part: Component) -> str:
    return part.license if part.status == "declared" else part.status
