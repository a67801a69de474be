"""What the rules are asked about: layers, evidence, human decisions, read from plain case dicts.

The format is that of `licenses/README.md`. Reading is strict where a mistake could loosen a
verdict: an unknown role, status or coverage is an error, a missing date or revision of a piece of
evidence counts as old and as another revision.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prefdata.core.errors import InputError, nearest

CONTENT = ("source_text", "response", "label")
GENERATORS = ("translator", "response_model", "judge")
ROLES = (*CONTENT, *GENERATORS, "compilation", "tool")
STATUSES = ("declared", "undisclosed", "conflicting", "conditional")
COVERAGES = ("data", "code", "database", "weights", "service", "unclear")

Names = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Evidence:
    """One piece of evidence; `age_days` is None where nobody wrote down when it was taken."""

    kind: str
    by: str
    at_revision: str = ""
    age_days: float | None = None


@dataclass(frozen=True, slots=True)
class CaseLayer:
    """One hand in a record with what is known of its terms.

    `license` and `hub_tags` are the names as given (several of them mean AND); `readings` the
    rival statements of a conflicting layer. None of the two compilation flags means "not said".
    """

    role: str
    artifact: str
    license: Names = ()
    hub_tags: Names | None = None
    readings: Names = ()
    status: str = ""
    coverage: str = "data"
    condition_met: bool = False
    third_party: bool = False
    evidence: tuple[Evidence, ...] = ()
    upstream_listed: bool | None = None
    rows_matched: bool | None = None


@dataclass(frozen=True, slots=True)
class HumanDecision:
    """What a named person decided, and how far it reaches."""

    id: str
    decision: str
    covers: frozenset[str]
    scope: str
    revision_matches: bool = False
    expired: bool = True


@dataclass(frozen=True, slots=True)
class Group:
    """Records with the same layers. `contains` are the content roles present in them."""

    layers: tuple[CaseLayer, ...]
    contains: Names = ()
    decisions: tuple[HumanDecision, ...] = ()
    count: int = 1


@dataclass(frozen=True, slots=True)
class Inputs:
    """One record, or a whole build in groups, and whether its hashes held."""

    groups: tuple[Group, ...]
    is_build: bool = False
    is_broken: bool = False


def read_inputs(tree: Any) -> Inputs:
    """Read the `inputs` of a case.

    Raises:
        InputError: a field is missing, of a wrong type, or has an unknown value.
    """
    tree = _mapping(tree, "inputs")
    decisions = _decisions(tree)
    broken = _is_broken(tree.get("integrity"))
    if "record_groups" not in tree:
        return Inputs((_group(tree, (), decisions),), is_broken=broken)
    groups = tuple(
        _group(_mapping(group, "record_groups"), _decisions(group), decisions)
        for group in _list(tree, "record_groups")
    )
    return Inputs(groups, is_build=True, is_broken=broken)


def _is_broken(integrity: Any) -> bool:
    if integrity is None:
        return False
    tree = _mapping(integrity, "integrity")
    return any(tree.get(key) for key in ("hash_mismatches", "broken_chain", "broken_chains"))


def _group(
    tree: Mapping[str, Any],
    own: tuple[HumanDecision, ...],
    common: tuple[HumanDecision, ...],
) -> Group:
    count = tree.get("count", 1)
    if not isinstance(count, int) or isinstance(count, bool) or count < 0:
        raise InputError(f"count is {count!r}", fix="give a whole number from 0 up")
    if "layers" not in tree:
        raise InputError("'layers' is missing")
    layers = tuple(read_layer(layer) for layer in _list(tree, "layers"))
    contains = _names(tree.get("record_contains") or [], "record_contains")
    for role in contains:
        _known("content role", role, CONTENT)
    return Group(layers, contains, (*own, *common), count)


def read_layer(tree: Any) -> CaseLayer:
    """Read one layer.

    Raises:
        InputError: as in `read_inputs`.
    """
    tree = _mapping(tree, "layer")
    role = _known("role", tree.get("role"), ROLES)
    artifact = tree.get("artifact")
    if not isinstance(artifact, str):
        raise InputError(f"the artifact of a layer is {artifact!r}", fix="name it")
    status = tree.get("status") or ""
    if status:
        _known("status", status, STATUSES)
    is_claimed = role in CONTENT and status != "undisclosed"
    unstated = "unclear" if is_claimed else "data"
    coverage = _known("coverage", tree.get("coverage") or unstated, COVERAGES)
    return CaseLayer(
        role=role,
        artifact=artifact,
        license=_names(tree.get("license"), "license"),
        hub_tags=_names(tree["hub_tag"], "hub_tag") if "hub_tag" in tree else None,
        readings=_readings(tree.get("readings")),
        status=status,
        coverage=coverage,
        condition_met=tree.get("condition_met") is True,
        third_party=bool(tree.get("third_party_content")),
        evidence=tuple(_evidence(item) for item in tree.get("evidence") or ()),
        upstream_listed=_flag(tree, "upstream_listed"),
        rows_matched=_flag(tree, "rows_hash_matched_upstream"),
    )


def _evidence(tree: Any) -> Evidence:
    tree = _mapping(tree, "evidence")
    age = tree.get("age_days")
    if age is not None and (not isinstance(age, (int, float)) or isinstance(age, bool)):
        raise InputError(f"age_days is {age!r}", fix="give a number of days")
    return Evidence(
        str(tree.get("kind", "")), str(tree.get("by", "")), str(tree.get("at_revision", "")), age
    )


def _decisions(tree: Mapping[str, Any]) -> tuple[HumanDecision, ...]:
    return tuple(_decision(item) for item in tree.get("decisions") or ())


def _decision(tree: Any) -> HumanDecision:
    tree = _mapping(tree, "decision")
    return HumanDecision(
        id=str(tree.get("id", "")),
        decision=_known("decision", tree.get("decision"), ("allow", "deny")),
        covers=frozenset(_names(tree.get("covers"), "covers")),
        scope=str(tree.get("scope") or ""),
        revision_matches=tree.get("revision_matches") is True,
        expired=tree.get("expired") is not False,
    )


def _readings(value: Any) -> Names:
    """Return the readings; one without a name (null) is a reading that grants nothing."""
    if value is None:
        return ()
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise InputError(f"readings is {value!r}", fix="give a list of licenses")
    return tuple("" if item is None else str(item) for item in value)


def _names(value: Any, key: str) -> Names:
    if value is None:
        return ()
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, Sequence) or not all(isinstance(item, str) for item in items):
        raise InputError(f"{key} is {value!r}", fix="give a name, or a list of names")
    return tuple(item.strip() for item in items)


def _flag(tree: Mapping[str, Any], key: str) -> bool | None:
    value = tree.get(key)
    if value is not None and not isinstance(value, bool):
        raise InputError(f"{key} is {value!r}", fix="give true or false")
    return value


def _mapping(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InputError(f"{what} is {type(value).__name__}", fix="give an object")
    return value


def _list(tree: Mapping[str, Any], key: str) -> Sequence[Any]:
    value = tree[key]
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise InputError(f"{key} is {type(value).__name__}", fix="give a list")
    return value


def _known(what: str, value: Any, known: Sequence[str]) -> str:
    if not isinstance(value, str) or value not in known:
        raise InputError(f"unknown {what} {value!r}", fix=nearest(str(value), list(known)))
    return value
