"""One entry of the registry: a data set, model, service, compilation or tool, and its parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from prefdata.config.strict_yaml import Document
from prefdata.core.errors import ConfigError
from prefdata.core.origin import Layer

TYPES = ("dataset", "model", "service", "compilation", "tool")
# Kinds of entries whose layers may come without a revision: what runs elsewhere has none.
_UNPINNED = ("model", "service", "tool")
_MIN_PREFIX = 7
_KEYS = (
    "id", "type", "title", "creator", "copyright", "url", "family", "revisions", "files",
    "intended_use", "content_warning", "data_subject", "upstreams", "rows_hash_matched", "note",
    "components", "generators", "recheck_by",
)  # fmt: skip
_PART_KEYS = (
    "name", "roles", "status", "license", "hub_tag", "readings", "coverage", "selector",
    "condition", "condition_met", "third_party_content", "evidence", "generators",
)  # fmt: skip


@dataclass(frozen=True)
class Component:
    """A part of an artifact under one set of terms."""

    name: str
    roles: tuple[str, ...]
    status: str
    license: str = ""
    hub_tag: Any = None
    readings: tuple[str, ...] = ()
    coverage: str = "data"
    condition: str = ""
    condition_met: bool = False
    third_party_content: str = ""
    evidence: tuple[Mapping[str, Any], ...] = ()
    generators: tuple[str, ...] = ()

    def as_case(self, layer: Layer, *, as_of: date, is_same: bool, entry: Entry) -> dict[str, Any]:
        """Return the component as a layer of the case format."""
        case: dict[str, Any] = {"role": layer.role, "artifact": layer.artifact}
        case["status"] = self.status
        if self.license:
            case["license"] = self.license
        elif self.hub_tag is not None:
            case["hub_tag"] = self.hub_tag
        if self.readings:
            case["readings"] = list(self.readings)
        case["coverage"] = self.coverage
        if self.status == "conditional":
            case["condition_met"] = self.condition_met
        if self.third_party_content:
            case["third_party_content"] = self.third_party_content
        case["evidence"] = [
            {
                "kind": item["kind"],
                "by": item["by"],
                "at_revision": "same" if is_same and entry.is_pinned(item) else "older",
                "age_days": max(0, (as_of - date.fromisoformat(item["captured"])).days),
            }
            for item in self.evidence
        ]
        return case


@dataclass(frozen=True)
class Entry:
    """What is known of one artifact at one content.

    `revisions` are the commits that hold the same content, the pinned one first; `files` the
    SHA-256 of its files, so that a local copy is recognized; `generators` the models and services
    that wrote in all of its components.
    """

    id: str
    type: str
    where: str
    tree: Mapping[str, Any]
    components: tuple[Component, ...] = ()
    revisions: tuple[str, ...] = ()
    files: frozenset[str] = field(default_factory=frozenset)
    generators: tuple[str, ...] = ()

    def parts(self, role: str, component: str) -> list[Component]:
        """Return the components that a layer means: by name, else all that have its role."""
        return [
            part for part in self.components if role in part.roles and component in ("", part.name)
        ]

    def makers(self, part: Component) -> tuple[str, ...]:
        """Return who wrote content of a component: its own generators and those of all parts."""
        return tuple(dict.fromkeys((*part.generators, *self.generators)))

    def is_same_content(self, revision: str) -> bool:
        """Tell whether a layer's revision is the content that this entry describes."""
        if not revision:
            return self.type in _UNPINNED
        if revision.startswith("sha256:"):
            return revision.removeprefix("sha256:") in self.files
        return any(is_commit(revision, known) for known in self.revisions)

    def is_pinned(self, evidence: Mapping[str, Any]) -> bool:
        """Tell whether a piece of evidence was taken at this entry's content.

        Where an entry has revisions, evidence that names none may be of any other.
        """
        taken = str(evidence.get("revision") or "")
        if not taken:
            return not self.revisions
        return any(is_commit(taken, known) for known in self.revisions)

    def as_compilation(self, artifact: str) -> dict[str, Any]:
        """Return the entry as a compilation layer of the case format."""
        return {
            "role": "compilation",
            "artifact": artifact,
            "upstream_listed": bool(self.tree.get("upstreams")),
            "rows_hash_matched_upstream": self.tree.get("rows_hash_matched") is True,
        }


def is_commit(one: str, other: str) -> bool:
    """Tell whether two names of a commit are the same; at least seven digits count."""
    shorter = min(len(one), len(other))
    return one == other or (shorter >= _MIN_PREFIX and one[:shorter] == other[:shorter])


def read_entry(document: Document) -> Entry:
    """Return the entry of a source file.

    Raises:
        ConfigError: something is missing or has an unknown value.
    """
    tree = document.tree
    if not isinstance(tree, Mapping):
        raise ConfigError("an entry is a mapping with 'id', 'type' …", document.where(()))
    kind = tree.get("type")
    if kind not in TYPES:
        raise ConfigError.unknown("type", str(kind), TYPES, where=document.where(("type",)))
    _refuse_unknown(tree, document)
    try:
        components = tuple(_component(item) for item in tree.get("components") or ())
        return Entry(
            id=str(tree["id"]),
            type=str(kind),
            where=document.name,
            tree=tree,
            components=components,
            revisions=tuple(str(item["id"]) for item in tree.get("revisions") or ()),
            files=frozenset(str(item["sha256"]) for item in tree.get("files") or ()),
            generators=_generators(tree),
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ConfigError(
            f"the entry lacks or garbles {error}",
            document.where(()),
            "run: prefdata licenses check",
        ) from None


def _refuse_unknown(tree: Mapping[str, Any], document: Document) -> None:
    """Refuse keys that nobody would read: a misspelt one may be what forbids something."""
    for key in tree:
        if key not in _KEYS:
            raise ConfigError.unknown("key", str(key), _KEYS, where=document.where((key,)))
    for n, item in enumerate(tree.get("components") or ()):
        for key in item if isinstance(item, Mapping) else ():
            if key not in _PART_KEYS:
                where = document.where(("components", n, key))
                raise ConfigError.unknown("key", str(key), _PART_KEYS, where=where)


def _component(item: Mapping[str, Any]) -> Component:
    evidence = tuple(item.get("evidence") or ())
    for piece in evidence:
        date.fromisoformat(piece["captured"])
    return Component(
        name=str(item["name"]),
        roles=tuple(item["roles"]),
        status=str(item["status"]),
        license=str(item.get("license") or ""),
        hub_tag=item.get("hub_tag"),
        readings=tuple(item.get("readings") or ()),
        coverage=str(item.get("coverage") or "unclear"),
        condition=str(item.get("condition") or ""),
        condition_met=item.get("condition_met") is True,
        third_party_content=str(item.get("third_party_content") or ""),
        evidence=evidence,
        generators=_generators(item),
    )


def _generators(tree: Mapping[str, Any]) -> tuple[str, ...]:
    """Return who wrote content; one name is a list of one."""
    given = tree.get("generators") or ()
    return (given,) if isinstance(given, str) else tuple(str(name) for name in given)
