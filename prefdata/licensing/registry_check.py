"""Check the registry itself: schemas, hashes, clauses, ids, ages, decisions.

Nothing here needs a network. What is wrong is an error; what has merely grown old is a warning.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from prefdata.assets import asset
from prefdata.core.errors import ConfigError
from prefdata.licensing.decision_files import read_decision
from prefdata.licensing.entry import Component
from prefdata.licensing.license_book import LicenseBook
from prefdata.licensing.policies import presets, read_policy
from prefdata.licensing.policy import TERMS
from prefdata.licensing.registry import Registry
from prefdata.licensing.registry_files import file_name, find_entries, load_yaml
from prefdata.store.files import sha256

MAX_AGE_DAYS = 365


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong (`error`) or old (`warning`) in the registry."""

    level: str
    where: str
    what: str

    def as_tree(self) -> dict[str, str]:
        """Return the finding as plain JSON values."""
        return {"level": self.level, "where": self.where, "what": self.what}


def check_registry(registry: Registry, as_of: date) -> list[Finding]:
    """Return everything that is wrong or old in a registry, errors first."""
    found: list[Finding] = []
    for folder in registry.folders:
        for path, schema in files_with_schema(folder):
            found += _schema_errors(path, schema)
        found += _texts(folder)
        found += _evidence(folder)
        found += _decisions(folder, as_of)
    found += _of_registry(registry, as_of)
    return sorted(set(found), key=lambda finding: (finding.level, finding.where, finding.what))


def files_with_schema(folder: Path) -> Iterator[tuple[Path, str]]:
    """Yield every file of a registry folder with the name of its schema."""
    kinds = (
        ("registry/licenses.yaml", "licenses"),
        ("registry/hub_tags.yaml", "hub_tags"),
        ("registry/sources/*.yaml", "source"),
        ("policies/*.yaml", "policy"),
        ("decisions/*.yaml", "decision"),
    )
    for pattern, schema in kinds:
        for path in sorted(folder.glob(pattern)):
            yield path, schema


def schema_of(name: str) -> Mapping[str, Any]:
    """Return one of the shipped schemas."""
    text = (asset("licenses") / "schema" / f"{name}.json").read_text(encoding="utf-8")
    tree: Mapping[str, Any] = json.loads(text)
    return tree


def _error(path: Path, what: str) -> Finding:
    return Finding("error", str(path), what)


def _schema_errors(path: Path, schema: str) -> Iterator[Finding]:
    from jsonschema import Draft202012Validator

    try:
        document = load_yaml(path)
    except ConfigError as error:
        yield from (_error(path, part.strip()) for part in str(error).splitlines()[:1])
        return
    for problem in Draft202012Validator(schema_of(schema)).iter_errors(document.tree):
        where = document.where(tuple(problem.absolute_path))
        yield Finding("error", where, problem.message[:300])


def _flat(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def _texts(folder: Path) -> Iterator[Finding]:
    """Compare every text with its hash, and look up every quoted clause in it."""
    path = folder / "registry" / "licenses.yaml"
    items = _items(path)
    for item in items:
        text = folder / "texts" / str(item.get("text_file"))
        if not text.is_file():
            yield _error(path, f"{item.get('id')}: the text {text.name} is missing")
            continue
        if sha256(text) != item.get("text_sha256"):
            yield _error(text, f"{item.get('id')}: not the registered text")
        flat = _flat(text.read_text(encoding="utf-8"))
        for clause in _clauses(item):
            if _flat(clause) not in flat:
                yield _error(path, f"{item['id']}: the clause is not in the text: {clause[:80]}")
    listed = folder / "texts" / "SHA256SUMS"
    for line in listed.read_text(encoding="utf-8").splitlines() if listed.is_file() else ():
        digest, _, name = line.partition("  ")
        if not (folder / "texts" / name).is_file() or sha256(folder / "texts" / name) != digest:
            yield _error(listed, f"{name}: not the listed text")


def _is_unread(registry: Registry, name: str) -> bool:
    """Tell whether terms are listed as known by name alone."""
    files = (folder / "registry" / "licenses.yaml" for folder in registry.folders)
    return any(item.get("id") == name for path in files for item in _items(path, "unread"))


def _items(path: Path, key: str = "licenses") -> list[Mapping[str, Any]]:
    try:
        tree = load_yaml(path).tree if path.is_file() else {}
    except ConfigError:
        return []  # reported by its schema
    items = tree.get(key) if isinstance(tree, Mapping) else None
    return [item for item in items if isinstance(item, Mapping)] if isinstance(items, list) else []


def _clauses(item: Mapping[str, Any]) -> Iterator[str]:
    for value in item.values():
        parts = value if isinstance(value, list) else [value]
        for part in parts:
            if isinstance(part, Mapping) and part.get("clause"):
                yield str(part["clause"])


def _evidence(folder: Path) -> Iterator[Finding]:
    for path in sorted((folder / "evidence").glob("*.txt")):
        if sha256(path) != path.stem:
            yield _error(path, "the captured text is not what its name says")


def _decisions(folder: Path, as_of: date) -> Iterator[Finding]:
    for path in sorted((folder / "decisions").glob("*.yaml")):
        try:
            tree = read_decision(path)
        except ConfigError as error:
            yield _error(path, error.what)
            continue
        if as_of > date.fromisoformat(str(tree["expires"])):
            yield _error(path, f"the decision {tree['id']} expired on {tree['expires']}")


def _policies(folder: Path, book: LicenseBook) -> Iterator[Finding]:
    for path in sorted((folder / "policies").glob("*.yaml")):
        try:
            policy = read_policy(path)
        except ConfigError as error:
            yield _error(path, error.what)
            continue
        if policy.name in presets() and folder != asset("licenses"):
            yield _error(path, f"the name {policy.name!r} is reserved for the shipped policy")
        if policy.name != path.stem:
            yield _error(path, f"the file holds the policy {policy.name!r}: rename it")
        accepted = [name for names in policy.output_rules.values() for name in names]
        terms = [name for name in accepted if name.startswith(TERMS)]
        for name in (*policy.allow, *policy.deny, *terms):
            if book.get(name) is None:
                yield _error(path, f"no license {name!r} is registered, so it matches nothing")


def _of_registry(registry: Registry, as_of: date) -> Iterator[Finding]:
    """Look for dangling ids, wrong names, contradictions and old evidence."""
    try:
        book = registry.book
    except ConfigError as error:
        yield Finding("error", error.where, error.what)
        return
    for tag, meaning in book.hub_tags.items():
        if not re.fullmatch(r"[A-Za-z0-9.+-]+", meaning):
            yield Finding("error", "hub_tags.yaml", f"{tag}: {meaning!r} is no id")
    for folder in registry.folders:
        yield from _policies(folder, book)
        for path in sorted((folder / "registry" / "sources").glob("*.yaml")):
            yield from _entry(registry, folder, path, as_of)


def _entry(registry: Registry, folder: Path, path: Path, as_of: date) -> Iterator[Finding]:
    try:
        name = str(load_yaml(path).tree["id"])
        if path.name != file_name(name):
            yield _error(path, f"the entry {name!r} belongs into {file_name(name)}")
            return
        entry = find_entries(folder, name)[0]
        registry.entries(name)
    except ConfigError as error:
        yield Finding("error", error.where or str(path), error.what)
        return
    except (KeyError, TypeError) as error:
        yield _error(path, f"no {error}")
        return
    named = [*entry.generators, *(name for part in entry.components for name in part.generators)]
    named += [str(name) for name in entry.tree.get("upstreams") or ()]
    for name in named:
        if not _is_known(registry, name):
            yield _error(path, f"there is no entry {name!r} that can be read")
    for part in entry.components:
        yield from _component(registry, path, part, as_of)
    if as_of > date.fromisoformat(str(entry.tree.get("recheck_by", as_of))):
        yield Finding("warning", str(path), "the entry is due for a new look")


def _is_known(registry: Registry, name: str) -> bool:
    try:
        return bool(registry.entries(name))
    except ConfigError:
        return False  # reported where it stands


def _is_named(registry: Registry, name: str) -> bool:
    """Tell whether a license has an entry, is known by name alone, or is a hub tag."""
    is_tag = name.casefold() in registry.book.hub_tags
    return registry.book.get(name) is not None or is_tag or _is_unread(registry, name)


def _component(registry: Registry, path: Path, part: Component, as_of: date) -> Iterator[Finding]:
    stated = [part.license, *part.readings]
    for name in (name for text in stated for name in registry.book.expressions.ids_in(text)):
        if not _is_named(registry, name):
            yield _error(path, f"{part.name}: {name!r} is not registered, nor listed as unread")
    for item in part.evidence:
        age = (as_of - date.fromisoformat(str(item["captured"]))).days
        if age > MAX_AGE_DAYS:
            yield Finding("warning", str(path), f"{part.name}: evidence is {age} days old")
