"""Choices between licenses and statements that conflict: R8, R11 and R12, and what they print."""

from __future__ import annotations

from typing import Any

import pytest

from tests.licensing.cases import (
    GEMMA,
    LLAMA31,
    SOUND,
    check,
    human,
    layer,
    policy,
    record,
    translator,
)

CONFLICT: dict[str, Any] = {"status": "conflicting"}
HEARSAY = {**SOUND, "by": "third_party"}


# Of branches with one verdict, the one that leaves the fewest strings is taken (R12).
@pytest.mark.parametrize(
    ("inputs", "expression", "terms"),
    [
        (record("MIT", translator(f"{LLAMA31} OR Apache-2.0")), "MIT", []),
        (record("MIT", translator(f"Apache-2.0 OR {GEMMA}")), "MIT", []),
        (record("MIT", layer("judge", f"{GEMMA} OR BSD-3-Clause")), "MIT", []),
    ],
)
def test_a_branch_without_terms_is_better_than_one_with(
    inputs: Any, expression: str, terms: list[str]
) -> None:
    found = check(inputs, policy("commercial"), "allow", "CHOICE")

    assert found["expression"] == expression
    assert found["downstream_terms"] == terms
    assert not [duty for duty in found["obligations"] if duty.startswith("output_notice")]


def test_one_branch_is_taken_for_all_targets() -> None:
    both = ["publish_dataset", "train_local"]
    inputs = record("CC-BY-ND-4.0 OR CC-BY-NC-SA-4.0")

    for targets in (both, both[::-1]):
        found = check(inputs, policy("research", targets, outbound=None), "allow", "CHOICE")
        assert found["expression"] == "CC-BY-NC-SA-4.0"


@pytest.mark.parametrize(
    ("readings", "outbound", "verdict"),
    [
        (["CC-BY-SA-4.0", "CC-BY-NC-SA-4.0"], "CC-BY-SA-4.0", "review"),  # one allows, one denies
        (["CC-BY-SA-4.0", "GPL-3.0-only"], None, "deny"),  # each allows, nothing satisfies both
        (["CC-BY-NC-SA-4.0", "CC-BY-NC-SA-4.0 AND MIT"], None, "allow"),
    ],
)
def test_readings_clash_only_where_they_would_hold_together(
    readings: list[str], outbound: str | None, verdict: str
) -> None:
    inputs = record(None, readings=readings, **CONFLICT)
    inputs["decisions"] = [human(["CONFLICTING", "SA_CLASH", "OUTBOUND_TOO_PERMISSIVE"])]

    check(inputs, policy("research", outbound=outbound), verdict, "CONFLICTING")


@pytest.mark.parametrize("other", ["CC-BY-SA-4.0", "CC-BY-NC-SA-4.0"])
def test_a_reading_that_clashes_with_the_rest_of_the_record_is_one_of_several(other: str) -> None:
    odd = layer(
        "label", None, artifact="y/data", status="conflicting", readings=["MIT", "GPL-3.0-only"]
    )
    inputs = record(other)
    inputs["layers"][2] = odd

    check(inputs, policy("research", outbound=None), "review", "SA_CLASH", "CONFLICTING")
    odd["readings"] = ["GPL-3.0-only", "GPL-3.0-only AND MIT"]
    check(inputs, policy("research", outbound=None), "deny", "SA_CLASH", "CONFLICTING")


@pytest.mark.parametrize("stated", [{"hub_tag": "other"}, {"hub_tag": []}, {}])
def test_a_conflict_in_which_nobody_names_a_license_is_undisclosed(stated: Any) -> None:
    inputs = record(None, **CONFLICT, **stated)

    check(inputs, policy(), "deny", "UNDISCLOSED", "CONFLICTING")
    check(inputs, policy(target="train_local"), "review", "UNDISCLOSED", "CONFLICTING")


@pytest.mark.parametrize("coverage", ["code", "database", "weights", "service"])
def test_a_license_that_covers_something_else_clashes_with_nothing(coverage: str) -> None:
    inputs = record("CC-BY-NC-4.0")
    inputs["layers"][0] = layer("source_text", "CC-BY-SA-4.0", coverage=coverage)

    found = check(inputs, policy("research", "train_local"), "review", "UNDISCLOSED")
    assert "SA_CLASH" not in found["reasons"]


def test_every_code_of_a_rule_is_told() -> None:
    listed = record(None, hub_tag=["mit", "unknown"])
    check(listed, policy(), "deny", "UNDISCLOSED", "LICENSE_LIST_AS_AND")
    heard = record(None, readings=["MIT", "ISC"], status="conflicting", evidence=[HEARSAY])
    check(heard, policy(), "deny", "EVIDENCE_INADMISSIBLE", "CONFLICTING")
    choice = record(None, readings=["ISC", "CC-BY-NC-4.0 OR MIT"], **CONFLICT)
    check(choice, policy(), "allow", "CONFLICTING", "CHOICE")
    unread = record("MIT", translator("LicenseRef-nobody-knows"))
    check(unread, policy(target="train_local"), "review", "OUTPUT_UNKNOWN", "UNREGISTERED_LICENSE")
    unclear = record("CC-BY-SA-4.0", translator(coverage="code"))
    check(unclear, policy("research", "train_local"), "review", "OUTPUT_UNKNOWN", "SA_EXTRA_TERMS")
    tagged = record("MIT", translator(evidence=[{**SOUND, "kind": "card_tag"}]))
    check(tagged, policy(), "allow", "UPSTREAM_TEXT_MISSING")
