"""The case format: what is malformed is an error with exit code 2, whatever else the file holds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from random import Random
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from prefdata.cli.licenses import licenses
from prefdata.core.errors import InputError
from prefdata.licensing.decide import judge
from tests.licensing.cases import SOUND, human, layer, policy, record

NAN = float("nan")
JUNK: list[Any] = [5, True, 1.5, {}, "text"]


def altered(**rest: Any) -> dict[str, Any]:
    """Return inputs whose first layer has other fields."""
    inputs = record()
    inputs["layers"][0] = {**inputs["layers"][0], **rest}
    return inputs


def build(**rest: Any) -> dict[str, Any]:
    return {"record_groups": [{"count": 1, **record(), **rest}]}


MALFORMED: list[tuple[Any, Any]] = [
    *[(record(), policy(target=junk)) for junk in (5, True, 1.5, {}, [5], [["train_local"]], [])],
    *[(altered(evidence=junk), policy()) for junk in (*JUNK, 0, False, "", [5])],
    *[({**record(), "decisions": junk}, policy()) for junk in (*JUNK, 0, False, "", [5])],
    *[(altered(status=junk), policy()) for junk in ([], {}, False, 0, "")],
    *[(altered(coverage=junk), policy()) for junk in ([], {}, False, 0, "")],
    *[({**record(), "record_contains": junk}, policy()) for junk in ({}, False, 0, 5, [5])],
    *[(altered(third_party_content=junk), policy()) for junk in (0, [], {}, 5)],
    *[(altered(condition_met=junk), policy()) for junk in (0, "yes", [])],
    *[(altered(readings=junk), policy()) for junk in (5, {}, [5], [{}])],
    *[(altered(license=junk), policy()) for junk in (5, {}, [5], True)],
    *[(altered(evidence=[{**SOUND, "age_days": age}]), policy())
      for age in (NAN, float("inf"), -1, -0.5, True, "30")],
    *[(altered(evidence=[{**SOUND, key: 5}]), policy()) for key in ("kind", "by", "at_revision")],
    *[(record(), policy(max_evidence_age_days=age)) for age in (NAN, float("inf"), -1, "365")],
    *[(record(), policy(output_rules={"publish_dataset": junk})) for junk in (5, None, [[]])],
    *[(record(), policy(allow=junk)) for junk in (5, {}, [5])],
    # misspelt keys, and keys that would be passed over
    ({**record(), "integrity": {"hash_mismatch": 3}}, policy()),
    ({**record(), "integrity": 5}, policy()),
    (record(conditionmet=True), policy()),
    ({**record(), "record_contain": ["label"]}, policy()),
    ({**build(), "layers": record()["layers"]}, policy()),
    (build(counts=3), policy()),
    (build(record_contain=["label"]), policy()),
    *[(build(count=count), policy()) for count in (-1, 1.5, True, "1", NAN, float("inf"))],
    (altered(third_party_contents="news"), policy()),
    (altered(coverages="code"), policy()),
    ({**record(), "decisions": [{**human(["ND"]), "revision_match": True}]}, policy()),
    (record(), policy(min_evidense="A")),
    (record(), policy(outbond="MIT")),
]  # fmt: skip


@pytest.mark.parametrize(("inputs", "asked"), MALFORMED)
def test_what_is_malformed_is_refused(inputs: Any, asked: Any) -> None:
    with pytest.raises(InputError):
        judge(inputs, asked)


WELL_FORMED: list[tuple[Any, Any]] = [
    (record(), policy(min_evidence=None, gate=None, commercial=None, max_evidence_age_days=None)),
    (build(count=5.0), policy()),
    (build(summary="for people", source="x/data"), policy()),
    ({**record(), "why": "for people", "title": "too"}, policy()),
    (altered(status=None, coverage=None, readings=None, third_party_content=None), policy()),
    (altered(note="for people", revision="354e5c3"), policy()),
    ({**record(), "decisions": None, "integrity": None}, policy()),
]


@pytest.mark.parametrize(("inputs", "asked"), WELL_FORMED)
def test_null_means_absent_and_remarks_are_for_people(inputs: Any, asked: Any) -> None:
    assert str(judge(inputs, asked).decision.verdict) == "allow"


def test_a_failed_hash_in_one_group_breaks_the_build() -> None:
    found = judge(build(integrity={"hash_mismatches": 2}), policy())

    assert (found.exit_code, found.decision.reasons[0]) == (5, "HASH_MISMATCH")


def test_content_roles_of_a_build_hold_for_groups_that_name_none() -> None:
    group = {"count": 1, "layers": [layer("response")]}
    inputs = {"record_groups": [group], "record_contains": ["response", "label"]}

    assert "NO_LINEAGE" in judge(inputs, policy()).decision.reasons


def test_malformed_cases_end_with_2_and_the_others_are_judged(tmp_path: Path) -> None:
    good = {"id": "good", "inputs": record(), "policy": policy()}
    bad = [{"id": f"bad-{n}", "inputs": i, "policy": p} for n, (i, p) in enumerate(MALFORMED)]
    path = tmp_path / "cases.jsonl"
    half = [{**good, "id": "\ud800"}, {**good, "inputs": altered(license="\ud800")}]
    lines = [json.dumps(case) for case in (*bad, *half, good)]
    path.write_text("\n".join([*lines, "[" * 100_000, '"\\ud800"']), encoding="utf-8")

    result = CliRunner().invoke(licenses, ["decide", "--case", str(path), "--json"])

    assert [json.loads(line)["id"] for line in result.stdout.splitlines()] == ["good"]
    assert "bad-0" in result.stderr
    assert f"bad-{len(bad) - 1}" in result.stderr


TABLES = [
    case
    for name in ("heldout.json", "hardening.json", "cases/open.json")
    for case in json.loads((Path(__file__).parent / name).read_text(encoding="utf-8"))
]
STRANGE: list[Any] = [
    None, True, False, 0, -1, 1.5, NAN, float("inf"), 10**400, [], {}, [[]], [{}], [None], {"x": 1},
    "", "((", "( AND MIT OR", "unknown", "gpl", "LicenseRef-hub-family-gpl", "compiler", "older",
    "undisclosed", "conflicting", "allow", "per-record", "*", "\x00", "😀",
]  # fmt: skip


def places(tree: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield where a tree has values, the innermost too."""
    inner = tree.items() if isinstance(tree, dict) else enumerate(tree)
    for key, value in inner:
        yield (*path, key)
        if isinstance(value, (dict, list)):
            yield from places(value, (*path, key))


@settings(max_examples=1_500)
@given(st.sampled_from(TABLES), st.sampled_from(STRANGE), st.randoms())
def test_whatever_stands_in_a_case_it_is_judged_or_refused(
    case: dict[str, Any], strange: Any, random: Random
) -> None:
    tree = deepcopy({"inputs": case["inputs"], "policy": case["policy"]})
    *path, last = random.choice(list(places(tree)))
    parent: Any = tree
    for key in path:
        parent = parent[key]
    parent[last] = strange

    try:
        found = judge(tree["inputs"], tree["policy"]).as_tree()
    except InputError:
        return

    assert found["expression"] or found["verdict"] != "allow" or found["published"] == 0
