"""Every rule by cases of its own: the verdict, the reasons that must be there, the expression."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from prefdata.core.errors import InputError
from prefdata.licensing.decide import judge
from prefdata.licensing.expression import Expressions
from prefdata.licensing.policies import preset
from tests.licensing.cases import (
    ANTHROPIC,
    CONTENT,
    GEMMA,
    LLAMA2,
    LLAMA31,
    MODIFIED,
    OPENAI,
    SOUND,
    TERMS,
    check,
    evidence,
    human,
    layer,
    policy,
    record,
    translator,
)

FOLDER = Path(__file__).parent
OPEN = json.loads((FOLDER / "cases" / "open.json").read_text(encoding="utf-8"))
HELD_OUT = json.loads((FOLDER / "heldout.json").read_text(encoding="utf-8"))
HARDENING = json.loads((FOLDER / "hardening.json").read_text(encoding="utf-8"))
EVERY = [*OPEN, *HELD_OUT, *HARDENING]
CLEAR = [case for case in EVERY if not case.get("open")]
UNCLEAR = [case for case in EVERY if case.get("open") and case["expected"]["verdict"] != "allow"]


@pytest.mark.parametrize("case", CLEAR, ids=[case["id"] for case in CLEAR])
def test_the_case_tables_are_decided_as_expected(case: dict[str, Any]) -> None:
    expected, found = case["expected"], judge(case["inputs"], case["policy"]).as_tree()

    assert found["verdict"] == expected["verdict"]
    assert set(expected.get("reasons", [])) <= set(found["reasons"])
    assert set(expected.get("obligations", [])) <= set(found["obligations"])
    assert expected.get("obligations") != [] or not found["obligations"]
    if "expression" in expected:
        assert Expressions().is_equivalent(found["expression"], expected["expression"])
    for key in ("downstream_terms", "exit_code", "counts", "published"):
        assert found[key] == expected.get(key, found[key])


@pytest.mark.parametrize("case", UNCLEAR, ids=[case["id"] for case in UNCLEAR])
def test_where_the_rules_leave_it_open_nothing_is_allowed_that_might_be_forbidden(
    case: dict[str, Any],
) -> None:
    try:
        found = judge(case["inputs"], case["policy"])
    except InputError:
        return  # malformed: exit 2

    assert str(found.decision.verdict) != "allow"


def with_layers(*layers: dict[str, Any], contains: Any = CONTENT, **rest: Any) -> dict[str, Any]:
    return {"layers": list(layers), "record_contains": contains, **rest}


TRACE = [
    # R0: tools and lineage
    (record("MIT", translator(), {"role": "tool", "artifact": "t", "license": "GPL-3.0-only"}),
     policy(), "allow", ()),
    (with_layers(layer("source_text"), layer("response"), translator()), policy(), "deny",
     ("NO_LINEAGE",)),
    (with_layers(translator(), contains=[]), policy(), "deny", ("NO_LINEAGE",)),
    (with_layers(layer("response"), layer("label"), contains=["response", "label"]), policy(),
     "allow", ()),
    # R1: who can grant
    (record("MIT", evidence=[]), policy(), "deny", ("UNDISCLOSED", "EVIDENCE_INADMISSIBLE")),
    (record("MIT", evidence=[evidence(by="third_party")]), policy(), "deny",
     ("EVIDENCE_INADMISSIBLE",)),
    (record("MIT", evidence=[evidence("third_party_audit", "third_party")]), policy(), "deny",
     ("EVIDENCE_INADMISSIBLE", "UNDISCLOSED")),
    (record("MIT", evidence=[evidence("unmerged_pr")]), policy(), "deny",
     ("EVIDENCE_INADMISSIBLE",)),
    (record("MIT", evidence=[evidence("none_found", "us")]), policy(), "deny", ("UNDISCLOSED",)),
    (record("MIT", evidence=[evidence(by="compiler")]), policy(), "review",
     ("THIRD_PARTY_CONTENT",)),
    (record("MIT", evidence=[evidence(by="third_party"), SOUND]), policy(), "allow", ()),
    (record("MIT", translator(evidence=[])), policy(), "deny", ("OUTPUT_UNKNOWN",)),
    # R2: what is covered
    (record("MIT", coverage="code"), policy(), "deny", ("LICENSE_COVERS_CODE_ONLY", "UNDISCLOSED")),
    (record("MIT", coverage="database"), policy(), "deny", ("DB_ONLY", "UNDISCLOSED")),
    (record("ODC-By-1.0"), policy(), "deny", ("DB_ONLY", "UNDISCLOSED")),
    (record("ODbL-1.0"), policy("research"), "deny", ("DB_ONLY",)),
    (record("ODC-By-1.0 AND CC-BY-4.0"), policy(), "allow", ()),
    (record("MIT", coverage="unclear"), policy(), "review", ("COVERAGE_UNCLEAR",)),
    (record("MIT", coverage="weights"), policy(), "deny", ("UNDISCLOSED",)),
    (record("MIT", coverage="code"), policy("research", "train_local"), "review", ("UNDISCLOSED",)),
    # R3
    (record("MIT", third_party_content="news"), policy(), "review", ("THIRD_PARTY_CONTENT",)),
    (record("MIT", third_party_content="news"), policy("research", "train_local"), "review",
     ("THIRD_PARTY_CONTENT",)),
    # R5
    (record(None, hub_tag="mit"), policy(), "allow", ()),
    (record(None, hub_tag="MIT"), policy(), "allow", ()),
    (record(None, hub_tag="cc"), policy(), "review", ("LICENSE_AMBIGUOUS",)),
    (record(None, hub_tag="gpl"), policy(), "review", ("LICENSE_AMBIGUOUS",)),
    (record(None, hub_tag="unknown"), policy(), "deny", ("UNDISCLOSED",)),
    (record(None, hub_tag="other"), policy(), "deny", ("UNDISCLOSED",)),
    (record(None), policy(), "deny", ("UNDISCLOSED",)),
    (record(None, hub_tag=["mit", "apache-2.0"]), policy(), "allow", ("LICENSE_LIST_AS_AND",)),
    (record(None, hub_tag=["mit", "cc-by-sa-4.0"]), policy(), "deny", ("SA",)),
    (record(None, hub_tag=["mit", "unknown"]), policy(), "deny", ("UNDISCLOSED",)),
    (record(None, hub_tag="afl-3.0"), policy(), "review", ("UNREGISTERED_LICENSE",)),
    (record(None, hub_tag="odc-by"), policy(), "deny", ("DB_ONLY",)),
    (record("LicenseRef-nobody-knows"), policy(), "review", ("UNREGISTERED_LICENSE",)),
    (record("MIT", hub_tag="cc-by-nc-4.0"), policy(), "review", ("CONFLICTING",)),
    (record("MIT", hub_tag="mit"), policy(), "allow", ()),
    (record("MIT", translator(None, hub_tag="gemma")), policy(), "deny", ("OUTPUT_TERMS",)),
    (record("MIT", translator(None, hub_tag="openrail")), policy("commercial"), "deny",
     ("OUTPUT_UNKNOWN",)),
    # R6
    (record("MIT", evidence=[evidence(at_revision="older")]), policy(), "review",
     ("EVIDENCE_REVISION_MISMATCH",)),
    (record("MIT", evidence=[evidence(at_revision="newer")]), policy(), "review",
     ("EVIDENCE_REVISION_MISMATCH",)),
    (record("MIT", evidence=[evidence(age_days=365)]), policy(), "allow", ()),
    (record("MIT", evidence=[evidence(age_days=366)]), policy(), "review", ("EVIDENCE_STALE",)),
    (record("MIT", evidence=[evidence(age_days=366)]), policy(max_evidence_age_days=400), "allow",
     ()),
    (record("MIT", evidence=[evidence("card_tag")]), policy(), "allow", ("UPSTREAM_TEXT_MISSING",)),
    (record("MIT", evidence=[evidence("card_tag")]), policy(min_evidence="A"), "review",
     ("EVIDENCE_WEAK",)),
    (record("MIT", evidence=[evidence(age_days=900), evidence("card_tag")]), policy(), "allow", ()),
    (record("MIT", translator(evidence=[evidence(age_days=900)])), policy(), "review",
     ("EVIDENCE_STALE",)),
    # R7
    (record(None, status="undisclosed", evidence=[]), policy("research", "publish_model"), "deny",
     ("UNDISCLOSED",)),
    # R8
    (record(None, status="conflicting", readings=["MIT", "Apache-2.0"]), policy(), "allow",
     ("CONFLICTING",)),
    (record(None, status="conflicting", readings=["CC-BY-NC-4.0", "CC-BY-SA-4.0"]), policy(),
     "deny", ("CONFLICTING", "NC", "SA")),
    (record(None, status="conflicting", readings=["MIT", "CC-BY-SA-4.0"]), policy(), "review",
     ("CONFLICTING",)),
    (record(None, status="conflicting", readings=["MIT", None]), policy(), "review",
     ("CONFLICTING",)),
    (record("MIT", translator(None, status="conflicting", readings=["Apache-2.0", GEMMA])),
     policy(), "review", ("CONFLICTING",)),
    # R9
    (record("MIT", status="conditional"), policy(), "review", ("CONDITIONAL",)),
    (record("MIT", status="conditional", condition_met=True), policy(), "allow", ()),
    # R10: ND
    (record("CC-BY-ND-4.0"), policy("research", "publish_model"), "review", ("ND",)),
    (record("CC-BY-ND-4.0"), policy("research", "train_local"), "allow", ()),
    (record("CC-BY-ND-4.0"), policy(target="train_local"), "allow", ()),
    (record("CC-BY-ND-3.0"), policy("research", "train_local"), "deny", ("ND",)),
    (record("CC-BY-NC-ND-4.0"), policy("research", "train_local"), "allow", ()),
    # R10: NC
    (record("CC-BY-NC-4.0"), policy(), "deny", ("NC",)),
    (record("CC-BY-NC-4.0"), policy("commercial", outbound="CC-BY-NC-4.0"), "deny", ("NC",)),
    (record("CC-BY-NC-4.0"), policy("commercial", "train_local"), "deny", ("NC",)),
    (record("CC-BY-NC-4.0"), policy("research"), "deny", ("OUTBOUND_TOO_PERMISSIVE",)),
    (record("CC-BY-NC-4.0"), policy("research", outbound="CC-BY-NC-4.0"), "allow", ()),
    (record("CC-BY-NC-4.0"), policy("research", outbound="per-record"), "allow", ()),
    (record("CC-BY-NC-4.0"), policy("research", "train_local"), "allow", ()),
    (record("CC-BY-NC-4.0"), policy("research", "publish_model"), "deny",
     ("OUTBOUND_TOO_PERMISSIVE",)),
    (record("MIT"), policy("research", outbound="CC-BY-NC-4.0"), "allow", ()),
    # R10: SA
    (record("CC-BY-SA-4.0"), policy("commercial"), "deny", ("SA",)),
    (record("CC-BY-SA-3.0"), policy("commercial", outbound="CC-BY-SA-4.0"), "allow", ()),
    (record("CC-BY-SA-4.0"), policy("commercial", outbound="CC-BY-SA-3.0"), "deny", ("SA",)),
    (record("CC-BY-SA-4.0"), policy("commercial", outbound=None), "allow", ()),
    (record("CC-BY-SA-4.0"), policy("research", outbound="CC-BY-NC-4.0"), "deny", ("SA",)),
    (record("CC-BY-NC-SA-4.0"), policy("research", outbound="CC-BY-NC-4.0"), "deny", ("SA",)),
    (record("CC-BY-NC-SA-3.0"), policy("research", outbound="CC-BY-NC-SA-4.0"), "allow", ()),
    (record("CC-BY-SA-4.0"), policy("commercial", "publish_model", outbound="CC-BY-SA-4.0"),
     "review", ("SA_MODEL_UNSETTLED",)),
    (record("CC-BY-SA-4.0"), policy(target="train_local"), "deny", ("SA",)),
    (record("CC-BY-SA-4.0"), policy("commercial", "train_local"), "allow", ()),
    (record("MIT"), policy("commercial", outbound="CC-BY-SA-4.0"), "allow", ()),
    # R10: lists
    (record("Apache-2.0"), policy(allow=["MIT"]), "deny", ("NOT_IN_ALLOWLIST",)),
    (record("Apache-2.0"), policy(allow=["MIT", "apache-2.0"]), "allow", ()),
    (record("Apache-2.0"), policy(deny=["Apache-2.0"]), "deny", ("DENYLISTED",)),
    (record("MIT", translator(GEMMA)), policy("commercial", deny=[GEMMA]), "deny",
     ("DENYLISTED",)),
    # R11
    (with_layers(layer("source_text", "CC-BY-SA-4.0"), layer("response", "CC-BY-NC-4.0"),
                 layer("label")), policy("research", outbound=None), "deny", ("SA_CLASH",)),
    (with_layers(layer("source_text", "CC-BY-SA-3.0"), layer("response", "CC-BY-SA-4.0"),
                 layer("label")), policy("commercial", outbound="CC-BY-SA-4.0"), "allow", ()),
    (with_layers(layer("source_text", "CC-BY-SA-4.0"), layer("response", "CC-BY-NC-SA-4.0"),
                 layer("label")), policy("research", outbound=None), "deny", ("SA_CLASH",)),
    # R12
    (record("MIT OR CC-BY-SA-4.0"), policy(), "allow", ("CHOICE",)),
    (record("CC-BY-NC-4.0 OR Apache-2.0"), policy(), "allow", ("CHOICE",)),
    (record("CC-BY-NC-4.0 AND Apache-2.0"), policy(), "deny", ("NC",)),
    (record("CC-BY-NC-4.0 OR CC-BY-SA-4.0"), policy(), "deny", ()),
    (record("ODC-By-1.0 OR MIT"), policy(), "allow", ("CHOICE",)),
    (record("MIT", translator(f"Apache-2.0 OR {GEMMA}")), policy(), "allow", ("CHOICE",)),
    # R14
    (record("CC-BY-SA-4.0", translator(GEMMA)), policy("commercial", outbound="CC-BY-SA-4.0"),
     "review", ("SA_EXTRA_TERMS",)),
]  # fmt: skip


@pytest.mark.parametrize(("inputs", "asked", "verdict", "reasons"), TRACE)
def test_a_rule_gives_its_verdict_and_reasons(
    inputs: Any, asked: Any, verdict: str, reasons: tuple[str, ...]
) -> None:
    check(inputs, asked, verdict, *reasons)


OUTPUTS = {
    # rule: (terms, {(preset, target): verdict})
    "none": ("Apache-2.0", "aaa aaa aaa"),
    "notice": (LLAMA31, "dda aaa aaa"),
    "derivative_model": (GEMMA, "dda ara ara"),
    "no_compete": (OPENAI, "ddd rrr rrr"),
    "no_other_llm": (LLAMA2, "ddd rdd rdd"),
    "unknown": ("LicenseRef-nobody-knows", "ddr ddr ddr"),
}
PRESETS = ("permissive-only", "commercial", "research")
TARGETS = ("publish_dataset", "publish_model", "train_local")
VERDICTS = {"a": "allow", "r": "review", "d": "deny"}
CELLS = [
    (terms, preset, target, VERDICTS[letter])
    for terms, row in OUTPUTS.values()
    for preset, letters in zip(PRESETS, row.split(), strict=True)
    for target, letter in zip(TARGETS, letters, strict=True)
]  # fmt: skip


@pytest.mark.parametrize("role", ["translator", "response_model", "judge"])
@pytest.mark.parametrize(("terms", "preset", "target", "verdict"), CELLS)
def test_output_rules_follow_the_table_for_every_generator(
    terms: str, preset: str, target: str, verdict: str, role: str
) -> None:
    maker = layer(role, terms, evidence=[TERMS])

    found = check(record("MIT", maker), policy(preset, target), verdict)

    assert found["downstream_terms"] == ([] if terms == "Apache-2.0" else [terms])


@pytest.mark.parametrize("terms", [OPENAI, ANTHROPIC])
def test_a_person_may_accept_terms_whose_text_travels_and_no_others(terms: str) -> None:
    inputs = record("MIT", translator(terms, evidence=[TERMS]))
    inputs["decisions"] = [human(["OUTPUT_TERMS"], "x/translator")]

    verdict = "allow" if terms == OPENAI else "review"
    found = check(inputs, policy("commercial"), verdict, "OUTPUT_TERMS")
    assert ("DECISION_NOT_APPLIED" in found["reasons"]) is (terms == ANTHROPIC)


@pytest.mark.parametrize(
    ("accepted", "terms", "verdict"),
    [
        ("no_compete", OPENAI, "allow"),
        ("no_compete", ANTHROPIC, "deny"),
        (ANTHROPIC, ANTHROPIC, "allow"),
        (ANTHROPIC, OPENAI, "deny"),
        ("LicenseRef-nobody-knows", "LicenseRef-nobody-knows", "deny"),
    ],
)
def test_terms_that_are_held_as_an_extract_are_accepted_by_id_alone(
    accepted: str, terms: str, verdict: str
) -> None:
    asked = replace(preset("permissive-only"), output_rules={"publish_dataset": [accepted]})

    check(record("MIT", translator(terms, evidence=[TERMS])), asked, verdict)


def test_a_denied_license_is_unwanted_in_text_and_model() -> None:
    for inputs in (
        record("ISC"),
        record("MIT", translator("ISC")),
        record("MIT", layer("judge", "ISC")),
    ):
        check(inputs, policy(deny=["isc"]), "deny", "DENYLISTED")
        check(inputs, policy(deny=["BSD-3-Clause"]), "allow")


def test_a_decision_that_nothing_waits_for_is_told() -> None:
    inputs = record("MIT")
    inputs["decisions"] = [human(["CONDITIONAL"])]

    found = check(inputs, policy(), "allow", "DECISION_NOT_APPLIED")
    assert "HUMAN_DECISION" not in found["reasons"]


LLAMA = translator(LLAMA31)


@pytest.mark.parametrize(
    ("looser", "inputs", "verdict"),
    [
        ({"commercial": "optional"}, record("CC-BY-NC-4.0"), "deny"),
        ({"share_alike": "allowed"}, record("CC-BY-SA-4.0"), "deny"),
        (
            {"output_rules": {"publish_dataset": ["notice"]}},
            record("MIT", translator(LLAMA31)),
            "deny",
        ),
        ({"other_outputs": "review"}, record("MIT", translator(OPENAI)), "deny"),
    ],
)
def test_a_case_cannot_loosen_its_preset(looser: Any, inputs: Any, verdict: str) -> None:
    check(inputs, policy(outbound=None, **looser), verdict)


@pytest.mark.parametrize("tighter", [{"commercial": "required"}, {"share_alike": "forbidden"}])
def test_a_case_can_tighten_its_preset(tighter: Any) -> None:
    inputs = record("CC-BY-NC-SA-4.0")

    check(inputs, policy("research", outbound=None), "allow")
    check(inputs, policy("research", outbound=None, **tighter), "deny")


def test_terms_of_a_model_on_a_text_are_for_a_person() -> None:
    for terms in (GEMMA, LLAMA31, "LicenseRef-scancode-nvidia-open-model-2025-04-28"):
        check(record(terms), policy("commercial", outbound=None), "review", "COVERAGE_UNCLEAR")


def test_the_quick_start_accepts_the_terms_of_its_own_writer_alone() -> None:
    asked = policy("quickstart")

    check(record("CC0-1.0", translator(ANTHROPIC, evidence=[TERMS])), asked, "allow")
    check(record("CC0-1.0", translator(OPENAI, evidence=[TERMS])), asked, "deny", "OUTPUT_TERMS")


def test_notices_of_outputs_travel_as_obligations() -> None:
    maker = translator(LLAMA31, evidence=[TERMS])

    dataset = check(record("MIT", maker), policy("commercial"), "allow")
    model = check(record("MIT", maker), policy("commercial", "publish_model"), "allow")

    assert f"output_notice:{LLAMA31}" in dataset["obligations"]
    assert f"model_notice:{LLAMA31}" in model["obligations"]


@pytest.mark.parametrize(
    ("base", "target", "verdict"),
    [
        (LLAMA2, "publish_model", "allow"),
        (LLAMA2, "train_local", "allow"),
        ("llama-2-something", "publish_model", "allow"),
        (LLAMA31, "publish_model", "deny"),
        (GEMMA, "train_local", "deny"),
        (None, "publish_model", "deny"),
    ],
)
def test_llama_2_may_improve_its_own_family_alone(base: Any, target: str, verdict: str) -> None:
    inputs = record("MIT", translator(LLAMA2, evidence=[TERMS]))

    check(inputs, policy("commercial", target, base_model_terms=base), verdict)


COMPILATION = {"role": "compilation", "artifact": "x/mix", "hub_tag": "cc-by-nc-4.0"}


@pytest.mark.parametrize(
    ("flags", "license", "verdict"),
    [
        ({"upstream_listed": True, "rows_hash_matched_upstream": True}, "MIT", "allow"),
        ({"upstream_listed": True}, "MIT", "review"),
        ({"rows_hash_matched_upstream": True}, "MIT", "allow"),
        ({"upstream_listed": False}, "MIT", "review"),
        ({}, "MIT", "review"),
        ({"upstream_listed": True, "rows_hash_matched_upstream": False}, "MIT", "review"),
        ({"upstream_listed": True, "rows_hash_matched_upstream": True}, "CC-BY-NC-4.0", "deny"),
    ],
)
def test_a_compilation_neither_cures_nor_burdens(flags: Any, license: str, verdict: str) -> None:  # noqa: A002
    inputs = record(license, translator(), {**COMPILATION, **flags})

    found = check(inputs, policy(), verdict, "AGGREGATOR_NOT_AUTHORITATIVE")

    assert ("AGGREGATOR_UPSTREAM_UNKNOWN" in found["reasons"]) == (verdict == "review")
    assert "NC" not in found["expression"]


def test_a_record_of_which_only_the_compilation_is_known_waits_whatever_people_decide() -> None:
    inputs = with_layers({**COMPILATION, "upstream_listed": False}, translator(), contains=[])
    inputs["decisions"] = [human(["AGGREGATOR_UPSTREAM_UNKNOWN", "NO_LINEAGE"], "x/mix")]

    check(inputs, policy(), "review", "AGGREGATOR_UPSTREAM_UNKNOWN")


POSTS = record("CC-BY-4.0", third_party_content="reddit")
STALE = record("CC-BY-4.0", third_party_content="reddit", evidence=[evidence(age_days=999)])
TPC = "THIRD_PARTY_CONTENT"
DECISIONS = [
    (POSTS, human([TPC]), "allow", "HUMAN_DECISION"),
    (POSTS, human([TPC], decision="deny"), "deny", "HUMAN_DECISION"),
    (POSTS, human([TPC], scope="x"), "review", "DECISION_NOT_APPLIED"),
    (
        record("CC-BY-4.0", third_party_content="reddit", artifact="x/data posts"),
        human([TPC]),
        "allow",
        "HUMAN_DECISION",
    ),
    (
        record("CC-BY-4.0", third_party_content="reddit", artifact="x/data/posts"),
        human([TPC]),
        "allow",
        "HUMAN_DECISION",
    ),
    (
        record("CC-BY-4.0", third_party_content="reddit", artifact="x/database"),
        human([TPC]),
        "review",
        "DECISION_NOT_APPLIED",
    ),
    (POSTS, human([TPC], scope="*"), "review", "DECISION_NOT_APPLIED"),
    (POSTS, human([TPC], scope="x/*"), "review", "DECISION_NOT_APPLIED"),
    (POSTS, human([TPC], scope=""), "review", "DECISION_NOT_APPLIED"),
    (POSTS, human([TPC], scope="x/dat"), "review", "DECISION_NOT_APPLIED"),
    (POSTS, human([TPC], scope="x/translator"), "review", "DECISION_NOT_APPLIED"),
    (POSTS, human([TPC], expired=True), "review", "DECISION_NOT_APPLIED"),
    (POSTS, human([TPC], revision_matches=False), "review", "DECISION_NOT_APPLIED"),
    (POSTS, human(["EVIDENCE_STALE"]), "review", "DECISION_NOT_APPLIED"),
    (STALE, human([TPC]), "review", "DECISION_NOT_APPLIED"),
    (STALE, human([TPC, "EVIDENCE_STALE"]), "allow", "EVIDENCE_STALE"),
    (record("CC-BY-SA-4.0"), human(["SA"]), "deny", "DECISION_NOT_APPLIED"),
    (record(None), human(["UNDISCLOSED"]), "deny", "DECISION_NOT_APPLIED"),
]


@pytest.mark.parametrize(("inputs", "decision", "verdict", "reason"), DECISIONS)
def test_a_human_decision_resolves_a_review_within_its_scope_and_nothing_else(
    inputs: Any, decision: Any, verdict: str, reason: str
) -> None:
    check({**inputs, "decisions": [decision]}, policy(), verdict, reason)


def test_the_tables_hold_what_they_promise() -> None:
    labels = [case["expected"]["verdict"] for case in HELD_OUT if not case.get("open")]

    assert (len(OPEN), len(HELD_OUT), len(labels), len(HARDENING)) == (15, 367, 329, 17)
    assert all(labels.count(verdict) > 50 for verdict in ("allow", "review", "deny"))


def test_no_decision_lets_the_undisclosed_pass_at_home() -> None:
    inputs = {**record(None), "decisions": [human(["UNDISCLOSED"])]}

    check(inputs, policy("research", "train_local"), "review", "UNDISCLOSED")


def test_a_decision_on_one_artifact_says_nothing_of_another() -> None:
    other = layer("label", third_party_content="news", artifact="y/labels")
    inputs = with_layers(*POSTS["layers"][:2], other, decisions=[human([TPC])])

    check(inputs, policy(), "review", "DECISION_NOT_APPLIED")


@pytest.mark.parametrize("gate", ["fail", "exclude"])
def test_a_hash_mismatch_ends_with_5_in_every_mode(gate: str) -> None:
    groups = [{"count": 3, **record()}]
    inputs = {"record_groups": groups, "integrity": {"hash_mismatches": 1}}

    found = check(inputs, policy(gate=gate), "deny", "HASH_MISMATCH")

    assert (found["exit_code"], found["published"]) == (5, 0)
    single = judge({**record(), "integrity": {"hash_mismatches": 2}}, policy())
    assert single.exit_code == 5


GROUPS = {"allow": record(), "review": POSTS, "deny": record(None)}
BUILDS = [
    ("fail", {"allow": 9}, "allow", 0, 9),
    ("fail", {"allow": 9, "review": 1}, "review", 4, 0),
    ("fail", {"allow": 9, "review": 1, "deny": 1}, "deny", 3, 0),
    ("exclude", {"allow": 9, "review": 1, "deny": 1}, "allow", 0, 9),
    ("exclude", {"review": 1}, "review", 3, 0),
    ("exclude", {"deny": 4, "review": 1}, "deny", 3, 0),
    ("exclude", {"allow": 0, "deny": 4}, "deny", 3, 0),
]


@pytest.mark.parametrize(("gate", "counts", "verdict", "exit_code", "published"), BUILDS)
def test_the_gate_of_a_build_counts_and_publishes(
    gate: str, counts: dict[str, int], verdict: str, exit_code: int, published: int
) -> None:
    groups = [{"count": n, **GROUPS[name]} for name, n in counts.items()]

    found = check({"record_groups": groups}, policy(gate=gate), verdict)

    assert (found["exit_code"], found["published"]) == (exit_code, published)
    assert found["counts"] == {"allow": 0, "review": 0, "deny": 0, **counts}


def test_several_targets_take_the_worst_verdict() -> None:
    inputs = record("MIT", translator(GEMMA, evidence=[TERMS]))
    asked = policy("commercial", ["publish_dataset", "publish_model"])

    check(inputs, asked, "review", "OUTPUT_TERMS")


def test_the_expression_is_the_and_of_content_and_outbound() -> None:
    mixed = with_layers(
        layer("source_text", "CC-BY-4.0"), layer("response", MODIFIED), layer("label")
    )

    found = check(mixed, policy(outbound="Apache-2.0"), "allow")

    assert Expressions().is_equivalent(
        found["expression"], f"MIT AND CC-BY-4.0 AND {MODIFIED} AND Apache-2.0"
    )


def test_public_domain_content_owes_nothing() -> None:
    found = check(record("CC0-1.0"), policy(outbound=None), "allow")

    assert (found["obligations"], found["expression"]) == ([], "CC0-1.0")


def test_a_choice_takes_the_branch_that_the_policy_names_first() -> None:
    inputs = record("MIT OR Apache-2.0 OR ISC")

    found = check(inputs, policy(outbound=None, allow=["ISC", "Apache-2.0"]), "allow", "CHOICE")

    assert found["expression"] == "ISC"


def test_outbound_may_differ_from_source_to_source() -> None:
    asked = policy("commercial", outbound={"x/data": "CC-BY-SA-4.0", "z/data": "MIT"})

    found = check(record("CC-BY-SA-4.0"), asked, "allow")

    assert found["expression"] == "CC-BY-SA-4.0"
    check(record("CC-BY-SA-4.0", artifact="y/data"), asked, "deny", "OUTBOUND_TOO_PERMISSIVE")


BAD = [
    ({"layers": [{"role": "author", "artifact": "x"}]}, policy()),
    ({"layers": [{"role": "label", "artifact": "x", "status": "fine"}]}, policy()),
    ({"layers": "none"}, policy()),
    ({}, policy()),
    (record(coverage="everything"), policy()),
    (record(), {"preset": "anything-goes"}),
    (record(), policy(target="publish_everything")),
    (record(), policy(min_evidence="Z")),
    (record(), policy(output_rules={"publish_dataset": ["unknown"]})),
    (record(), None),
]


@pytest.mark.parametrize(("inputs", "asked"), BAD)
def test_a_malformed_case_is_an_error_and_never_an_allow(inputs: Any, asked: Any) -> None:
    with pytest.raises(InputError):
        judge(inputs, asked)
