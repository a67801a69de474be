"""What the rules are asked about: layers, evidence, human decisions, read from plain case dicts.

The format is that of `licenses/README.md`. Reading is strict where a mistake could loosen a
verdict: an unknown role, status, coverage or a misspelt key is an error, a missing date or revision
of a piece of evidence counts as old and as another revision. Null means absent, and a key that is
like none of these is a remark for people.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prefdata.core.errors import InputError
from prefdata.licensing.fields import (
    Names,
    flag,
    items,
    known,
    mapping,
    names,
    number,
    refuse_misspelt,
    text,
)

CONTENT = ("source_text", "response", "label")
GENERATORS = ("translator", "response_model", "judge")
ROLES = (*CONTENT, *GENERATORS, "compilation", "tool")
STATUSES = ("declared", "undisclosed", "conflicting", "conditional")
COVERAGES = ("data", "code", "database", "weights", "service", "unclear")

_REMARKS = ("summary", "id", "name", "source", "note", "comment", "description")
_OF_GROUP = ("layers", "record_contains", "decisions", "integrity", "count", *_REMARKS)
_OF_INTEGRITY = ("hash_mismatches", "broken_chain", "broken_chains")
_OF_LAYER = (
    "role", "artifact", "license", "hub_tag", "readings", "status", "coverage", "condition_met",
    "third_party_content", "evidence", "upstream_listed", "rows_hash_matched_upstream",
)  # fmt: skip
_OF_EVIDENCE = ("kind", "by", "at_revision", "age_days", "revision")
_OF_DECISION = ("id", "decision", "covers", "scope", "revision_matches", "expired")
# What entries and decisions of the registry say beside that, and may be copied along.
_OF_ENTRY = ("name", "roles", "selector", "condition", "generators", "upstreams", "note")
_OF_DECISION_FILE = ("by", "basis", "revision", "decided", "expires", "note")


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
    rival statements of a conflicting layer. `coverage` is empty where nobody says it: the data,
    unless the license is one for something else (R2). None of the two compilation flags means "not
    said".
    """

    role: str
    artifact: str
    license: Names = ()
    hub_tags: Names | None = None
    readings: Names = ()
    status: str = ""
    coverage: str = ""
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
        InputError: a field is missing, of a wrong type, or has an unknown name or value.
    """
    tree = mapping(tree, "inputs")
    refuse_misspelt(tree, (*_OF_GROUP, "record_groups"), "inputs")
    if "record_groups" not in tree:
        return Inputs((_group(tree),), is_broken=_is_broken(tree))
    if "layers" in tree:
        raise InputError("inputs have 'layers' beside 'record_groups'", fix="put them into a group")
    common = _decisions(tree)
    given = [mapping(group, "record_groups") for group in items(tree, "record_groups")]
    groups = []
    for group in given:
        refuse_misspelt(group, _OF_GROUP, "a group")
        own = group.get("record_contains")
        contains = tree.get("record_contains") if own is None else own
        groups.append(_group({**group, "record_contains": contains}, common))
    broken = [_is_broken(part) for part in (tree, *given)]
    return Inputs(tuple(groups), is_build=True, is_broken=any(broken))


def _is_broken(tree: Mapping[str, Any]) -> bool:
    if tree.get("integrity") is None:
        return False
    integrity = mapping(tree["integrity"], "integrity")
    refuse_misspelt(integrity, _OF_INTEGRITY, "integrity")
    told = (key for key, value in integrity.items() if value)
    return any(key in _OF_INTEGRITY or "mismatch" in key or "broken" in key for key in told)


def _group(tree: Mapping[str, Any], common: tuple[HumanDecision, ...] = ()) -> Group:
    count = number(tree, "count")
    if count is not None and count != int(count):
        raise InputError(f"count is {count!r}", fix="give a whole number from 0 up")
    if tree.get("layers") is None:
        raise InputError("'layers' is missing")
    layers = tuple(read_layer(layer) for layer in items(tree, "layers"))
    contains = names(tree.get("record_contains"), "record_contains")
    for role in contains:
        known("content role", role, CONTENT)
    return Group(layers, contains, (*_decisions(tree), *common), 1 if count is None else int(count))


def read_layer(tree: Any) -> CaseLayer:
    """Read one layer.

    Raises:
        InputError: as in `read_inputs`.
    """
    tree = mapping(tree, "layer")
    refuse_misspelt(tree, _OF_LAYER, "a layer", remarks=_OF_ENTRY)
    role = known("role", tree.get("role"), ROLES)
    artifact = tree.get("artifact")
    if not isinstance(artifact, str):
        raise InputError(f"the artifact of a layer is {artifact!r}", fix="name it")
    return CaseLayer(
        role=role,
        artifact=artifact,
        license=names(tree.get("license"), "license"),
        hub_tags=names(tree["hub_tag"], "hub_tag") if "hub_tag" in tree else None,
        readings=_readings(tree),
        status=_word(tree, "status", STATUSES),
        coverage=_word(tree, "coverage", COVERAGES),
        condition_met=flag(tree, "condition_met") is True,
        third_party=_is_third_party(tree.get("third_party_content")),
        evidence=tuple(_evidence(item) for item in items(tree, "evidence")),
        upstream_listed=flag(tree, "upstream_listed"),
        rows_matched=flag(tree, "rows_hash_matched_upstream"),
    )


def _word(tree: Mapping[str, Any], key: str, choices: Sequence[str]) -> str:
    return "" if tree.get(key) is None else known(key, tree[key], choices)


def _is_third_party(value: Any) -> bool:
    """Read whose content it is: nothing, true, or where it is from."""
    if value is None or isinstance(value, bool):
        return value is True
    found = names(value, "third_party_content")
    if not found or not all(found):
        raise InputError(
            f"third_party_content is {value!r}", fix="say where it is from, or leave it out"
        )
    return True


def _evidence(tree: Any) -> Evidence:
    tree = mapping(tree, "evidence")
    refuse_misspelt(tree, _OF_EVIDENCE, "evidence")
    age = number(tree, "age_days")
    return Evidence(text(tree, "kind"), text(tree, "by"), text(tree, "at_revision"), age)


def _decisions(tree: Mapping[str, Any]) -> tuple[HumanDecision, ...]:
    return tuple(_decision(item) for item in items(tree, "decisions"))


def _decision(tree: Any) -> HumanDecision:
    tree = mapping(tree, "decision")
    refuse_misspelt(tree, _OF_DECISION, "a decision", remarks=_OF_DECISION_FILE)
    return HumanDecision(
        id=str(tree.get("id", "")),
        decision=known("decision", tree.get("decision"), ("allow", "deny")),
        covers=frozenset(names(tree.get("covers"), "covers")),
        scope=text(tree, "scope"),
        revision_matches=tree.get("revision_matches") is True,
        expired=tree.get("expired") is not False,
    )


def _readings(tree: Mapping[str, Any]) -> Names:
    """Return the readings; one without a name (null) is a reading that grants nothing."""
    given = ["" if item is None else item for item in items(tree, "readings")]
    return names(given, "readings")
