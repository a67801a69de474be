"""Human decisions on disk: who decided what, on what basis, for which revision, until when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from prefdata.core.errors import ConfigError
from prefdata.core.origin import Layer
from prefdata.licensing.entry import is_commit
from prefdata.licensing.human_decisions import reaches
from prefdata.licensing.registry import Registry
from prefdata.licensing.registry_files import load_yaml

REQUIRED = ("id", "decision", "by", "scope", "revision", "covers", "basis", "decided", "expires")


def decisions_for(registry: Registry, layers: Sequence[Layer], as_of: date) -> list[dict[str, Any]]:
    """Return the decisions that reach one of the layers, as the case format has them."""
    found = []
    for folder in registry.folders:
        for tree in read_decisions(folder):
            own = [layer for layer in layers if reaches(str(tree["scope"]), layer.artifact)]
            if own:
                found.append(_as_case(registry, tree, own, as_of))
    return found


def _as_case(
    registry: Registry, tree: Mapping[str, Any], layers: Sequence[Layer], as_of: date
) -> dict[str, Any]:
    revision = str(tree["revision"])
    return {
        "id": str(tree["id"]),
        "decision": str(tree["decision"]),
        "covers": list(tree["covers"]),
        "scope": str(tree["scope"]),
        "revision_matches": all(_matches(registry, layer, revision) for layer in layers),
        "expired": not date.fromisoformat(tree["decided"])
        <= as_of
        <= date.fromisoformat(tree["expires"]),
    }


def _matches(registry: Registry, layer: Layer, revision: str) -> bool:
    """Tell whether a decision was taken on the content of a layer: itself or an equivalent."""
    if layer.revision and is_commit(layer.revision, revision):
        return True
    return any(
        entry.is_same_content(layer.revision) and entry.is_same_content(revision)
        for entry, _ in registry.describe(layer.artifact)
    )


@cache
def read_decisions(folder: Path) -> tuple[Mapping[str, Any], ...]:
    """Return a folder's decisions.

    Raises:
        ConfigError: one is incomplete, has a wildcard scope, or runs for more than a year.
    """
    return tuple(read_decision(path) for path in sorted((folder / "decisions").glob("*.yaml")))


def read_decision(path: Path) -> Mapping[str, Any]:
    """Return one decision.

    Raises:
        ConfigError: as in `read_decisions`.
    """
    document = load_yaml(path)
    tree = document.tree
    if not isinstance(tree, Mapping):
        raise ConfigError("a decision is a mapping", document.where(()))
    missing = [key for key in REQUIRED if not tree.get(key)]
    if missing:
        raise ConfigError(f"the decision lacks {', '.join(missing)}", document.where(()))
    if any(sign in str(tree["scope"]) for sign in "*?"):
        raise ConfigError(
            f"the scope {tree['scope']!r} has a wildcard",
            document.where(("scope",)),
            "name one artifact: a decision is about one thing",
        )
    if tree["decision"] not in ("allow", "deny"):
        raise ConfigError.unknown(
            "decision",
            str(tree["decision"]),
            ("allow", "deny"),
            where=document.where(("decision",)),
        )
    _check_dates(tree, document.where(("expires",)))
    return tree


def _check_dates(tree: Mapping[str, Any], where: str) -> None:
    try:
        decided, expires = (date.fromisoformat(str(tree[key])) for key in ("decided", "expires"))
    except ValueError as error:
        raise ConfigError(f"the dates are wrong: {error}", where, "write YYYY-MM-DD") from None
    if not decided <= expires <= _a_year_after(decided):
        raise ConfigError(
            f"the decision runs from {decided} to {expires}", where, "at most one year"
        )


def _a_year_after(day: date) -> date:
    """Return the same day of the next year; the 28th after a 29th of February."""
    is_leap_day = (day.month, day.day) == (2, 29)
    return day.replace(year=day.year + 1, day=28 if is_leap_day else day.day)
