"""What tries to get around a rule: terms as licenses, healed evidence, dropped statements."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefdata.core.errors import ConfigError
from prefdata.licensing.decide import decide, judge
from prefdata.licensing.expression import MOST_ALTERNATIVES, Expressions
from prefdata.licensing.license_book import License, LicenseBook
from prefdata.licensing.registry import shipped
from tests.licensing.cases import (
    CONTENT,
    GEMMA,
    LLAMA2,
    LLAMA31,
    OPENAI,
    SOUND,
    TERMS,
    evidence,
    human,
    layer,
    policy,
    record,
    translator,
)

NVIDIA = "LicenseRef-scancode-nvidia-open-model-2025-04-28"
NC_WEIGHTS = translator("CC-BY-NC-4.0")
OLD = evidence(at_revision="older")
BY_COMPILER = evidence("card_tag", "compiler")
CONFLICT = {"status": "conflicting"}


def without_coverage(license: str | None = "MIT", **rest: Any) -> dict[str, Any]:  # noqa: A002
    inputs = record(license, **rest)
    for one in inputs["layers"][:3]:
        del one["coverage"]
    return inputs


CASES = [
    # terms of a model or service, given as the license of a text
    (record(OPENAI), policy(), "deny", ("OUTPUT_TERMS",)),
    (record(GEMMA), policy("commercial"), "review", ("COVERAGE_UNCLEAR",)),
    (record(GEMMA), policy("commercial", "publish_model"), "review", ("OUTPUT_TERMS",)),
    (record(LLAMA2), policy("commercial", "publish_model"), "deny", ("OUTPUT_TERMS",)),
    (record(None, hub_tag="llama3.1"), policy(), "deny", ("OUTPUT_TERMS",)),
    (record(f"MIT AND {GEMMA}"), policy(), "deny", ("OUTPUT_TERMS",)),
    (record(f"MIT OR {GEMMA}"), policy(), "allow", ("CHOICE",)),
    (record(NVIDIA), policy(), "review", ("COVERAGE_UNCLEAR",)),
    (record(f"ODC-By-1.0 AND {NVIDIA}"), policy(), "deny", ("DB_ONLY", "UNDISCLOSED")),
    (record(f"CC-BY-SA-4.0 AND {GEMMA}"), policy("commercial", outbound="CC-BY-SA-4.0"), "review",
     ("SA_EXTRA_TERMS",)),
    # a compiler's word beside the owner's
    (record(evidence=[OLD, BY_COMPILER]), policy(), "review", ("EVIDENCE_REVISION_MISMATCH",)),
    (record(evidence=[evidence(age_days=900), BY_COMPILER]), policy(), "review",
     ("EVIDENCE_STALE",)),
    (record(evidence=[evidence("card_tag"), evidence(by="compiler")]), policy(min_evidence="A"),
     "review", ("EVIDENCE_WEAK",)),
    (record("MIT", translator(evidence=[BY_COMPILER])), policy(), "deny", ("OUTPUT_UNKNOWN",)),
    (record("MIT", layer("judge", evidence=[BY_COMPILER])), policy(), "deny", ("OUTPUT_UNKNOWN",)),
    (record("MIT", translator(evidence=[BY_COMPILER, TERMS])), policy(), "allow", ()),
    # every statement counts
    (record("CC-BY-NC-4.0", readings=["MIT", "Apache-2.0"], **CONFLICT), policy(), "review",
     ("CONFLICTING", "NC")),
    (record(None, hub_tag="cc-by-nc-4.0", readings=["MIT", "Apache-2.0"], **CONFLICT), policy(),
     "review", ("CONFLICTING",)),
    (record("MIT", hub_tag="cc-by-nc-4.0", readings=["MIT", "Apache-2.0"], **CONFLICT), policy(),
     "review", ("CONFLICTING",)),
    (record("MIT", readings=["MIT", "Apache-2.0"], **CONFLICT), policy(), "allow",
     ("CONFLICTING",)),
    (record("MIT", hub_tag=["mit", "cc-by-nc-4.0"]), policy(), "review", ("CONFLICTING", "NC")),
    (record("MIT", hub_tag=["unknown", "cc-by-nc-4.0"]), policy(), "review", ("CONFLICTING",)),
    (record("MIT", hub_tag="unknown"), policy(), "allow", ()),
    (record("MIT", hub_tag="gpl"), policy(), "review", ("LICENSE_AMBIGUOUS",)),
    (record("MIT", hub_tag=["mit", "cc"]), policy(), "review", ("LICENSE_AMBIGUOUS",)),
    (record("CC-BY-4.0", hub_tag="cc"), policy(), "allow", ()),
    # the name that stands for a family tag is nobody's license
    (record("LicenseRef-hub-family-evil"), policy(), "review", ("UNREGISTERED_LICENSE",)),
    (record("LicenseRef-hub-family-gpl"), policy(), "review", ("UNREGISTERED_LICENSE",)),
    (record(None, hub_tag="LicenseRef-hub-family-x"), policy(), "review",
     ("UNREGISTERED_LICENSE",)),
    (record(None, readings=["MIT", "gpl"], **CONFLICT), policy(), "review",
     ("LICENSE_AMBIGUOUS",)),
    (record(None, readings=["MIT", "LicenseRef-hub-family-x"], **CONFLICT), policy(), "review",
     ("UNREGISTERED_LICENSE",)),
    # what a content layer covers where nobody says it
    (without_coverage(), policy(), "allow", ()),
    (without_coverage(None, hub_tag="mit"), policy(), "allow", ()),
    (without_coverage("ODC-By-1.0"), policy(), "deny", ("DB_ONLY", "UNDISCLOSED")),
    (without_coverage("ODbL-1.0"), policy("research"), "deny", ("DB_ONLY", "UNDISCLOSED")),
    (without_coverage(GEMMA), policy("commercial"), "deny",
     ("LICENSE_COVERS_NO_DATA", "UNDISCLOSED")),
    (without_coverage("LicenseRef-nobody-knows"), policy(), "review", ("UNREGISTERED_LICENSE",)),
    # weights under an NC license: its text has no clause on outputs
    *[(record("MIT", NC_WEIGHTS), policy(preset, target), "allow", ())
      for preset in ("permissive-only", "commercial", "research")
      for target in ("train_local", "publish_dataset", "publish_model")],
]  # fmt: skip


@pytest.mark.parametrize(("inputs", "asked", "verdict", "reasons"), CASES)
def test_no_way_around_a_rule(
    inputs: Any, asked: Any, verdict: str, reasons: tuple[str, ...]
) -> None:
    found = judge(inputs, asked).as_tree()

    assert found["verdict"] == verdict, found
    assert set(reasons) <= set(found["reasons"]), found


def test_terms_on_a_text_travel_with_it() -> None:
    found = judge(record(GEMMA), policy("commercial", outbound=None)).as_tree()

    assert found["downstream_terms"] == [GEMMA]
    assert found["expression"] == GEMMA
    assert f"output_notice:{GEMMA}" in found["obligations"]


def test_an_unregistered_generator_at_home_is_one_open_question() -> None:
    inputs = record("MIT", translator("LicenseRef-nobody-knows"))
    asked = policy(target="train_local")
    decided = {**inputs, "decisions": [human(["OUTPUT_UNKNOWN"], scope="x/translator")]}

    assert judge(inputs, asked).decision.reasons == ("OUTPUT_UNKNOWN", "UNREGISTERED_LICENSE")
    assert str(judge(decided, asked).decision.verdict) == "allow"


@pytest.mark.parametrize("reading", ["unknown", None, "ODC-By-1.0"])
def test_no_decision_on_a_conflict_lifts_an_undisclosed_reading(reading: str | None) -> None:
    inputs = record(None, readings=["MIT", reading], **CONFLICT)
    inputs["decisions"] = [human(["CONFLICTING", "UNDISCLOSED"])]

    found = judge(inputs, policy()).as_tree()

    assert found["verdict"] == "review"
    assert {"CONFLICTING", "UNDISCLOSED"} <= set(found["reasons"])
    assert found["expression"] == ""


def test_no_decision_on_a_conflict_lifts_unread_terms() -> None:
    maker = translator(None, readings=["Apache-2.0", "LicenseRef-nobody-knows"], **CONFLICT)
    inputs = {**record("MIT", maker), "decisions": [human(["CONFLICTING"], scope="x/translator")]}

    assert str(decide(inputs, policy()).verdict) == "review"


OPEN_CODES = ["THIRD_PARTY_CONTENT", "COVERAGE_UNCLEAR"]
DENIALS = [
    ({}, "review"),
    ({"covers": OPEN_CODES}, "deny"),
    ({"covers": ["EVIDENCE_STALE"]}, "allow"),
    ({"expired": True}, "allow"),
    ({"revision_matches": False}, "allow"),
    ({"scope": "y/other"}, "allow"),
    ({"decision": "allow"}, "allow"),
]


@pytest.mark.parametrize(("change", "verdict"), DENIALS)
@pytest.mark.parametrize("is_first", [True, False])
def test_a_persons_no_to_one_open_code_bars_the_allow(
    change: dict[str, Any], verdict: str, is_first: bool
) -> None:
    inputs = record("CC-BY-4.0", coverage="unclear", third_party_content="reddit")
    said_no = {**human(["THIRD_PARTY_CONTENT"], decision="deny"), "id": "d2", **change}
    both = [said_no, human(OPEN_CODES)]

    found = decide({**inputs, "decisions": both if is_first else both[::-1]}, policy())

    assert str(found.verdict) == verdict


FAMILIES = [
    (LLAMA2, "deny", "meta-llama/Llama-3.1-8B"),
    (LLAMA2, "deny", "llama-community-finetune"),
    (LLAMA2, "deny", "meta-llama/Llama-20B"),
    (LLAMA2, "allow", "meta-llama/Llama-2-70b-chat-hf"),
    ("LicenseRef-scancode-tongyi-qianwen-2023", "deny", "Qwen/Qwen3-8B"),
    (LLAMA2, "deny", [LLAMA2, LLAMA31]),
    (LLAMA2, "allow", [LLAMA2, "llama-2-chat"]),
    (LLAMA2, "deny", []),
]


@pytest.mark.parametrize(("terms", "verdict", "base"), FAMILIES)
@pytest.mark.parametrize("target", ["publish_model", "train_local"])
def test_a_family_is_that_of_the_registry_for_every_base_model(
    terms: str, verdict: str, base: Any, target: str
) -> None:
    inputs = record("MIT", translator(terms, evidence=[TERMS]))

    found = decide(inputs, policy("commercial", target, base_model_terms=base))

    assert str(found.verdict) == verdict


def test_names_decide_on_a_family_only_where_the_registry_knows_neither() -> None:
    book = LicenseBook({"a": License("a", family="x")})

    assert book.is_same_family("sakura-1", "org/sakura-7b")
    assert not book.is_same_family("sakura-1", "momiji-1")
    assert not book.is_same_family("a", "a-2")


def test_no_decision_registers_an_outbound_license() -> None:
    inputs = {**record(), "decisions": [human(["UNREGISTERED_LICENSE"])]}

    found = decide(inputs, policy(outbound="LicenseRef-evil"))

    assert str(found.verdict) == "review"


def test_two_spellings_of_one_id_are_one_id_registered_twice() -> None:
    nc = License("CC-BY-NC-4.0", commercial=False)

    with pytest.raises(ConfigError, match="twice"):
        LicenseBook({nc.id: nc, "cc-by-nc-4.0": License("cc-by-nc-4.0")})


def test_a_card_over_no_license_is_weaker_than_nothing_can_be() -> None:
    assert Expressions().is_weaker("MIT", "")
    assert Expressions().is_weaker("", "")


def test_a_choice_of_a_million_branches_is_refused_before_it_is_spelled_out() -> None:
    text = " AND ".join(f"(A{n} OR B{n})" for n in range(40))

    assert Expressions().alternatives(text) == ((text,),)
    assert MOST_ALTERNATIVES < 2**40


@pytest.mark.parametrize(
    "text", ["((", "(((", "MIT OR ((", "))", "AND", "MIT WITH", "( AND MIT OR", "\x00", " "]
)
def test_what_is_no_expression_is_a_name_that_nobody_has_registered(text: str) -> None:
    assert "" not in Expressions().alternatives(text)[0] or not text.strip()
    assert str(decide(record(text), policy()).verdict) != "allow"


def test_an_expression_nested_too_deeply_names_nothing() -> None:
    text = "MIT"
    for n in range(3_000):
        text = f"({text} {'OR' if n % 2 else 'AND'} A{n})"

    assert Expressions().alternatives(text) == ((text,),)


IDS = st.sampled_from([*sorted(shipped().book.licenses), "LicenseRef-x", "unknown", "NONE", ""])
TEXTS = st.lists(IDS, min_size=1, max_size=3).flatmap(
    lambda ids: st.sampled_from([" AND ".join(ids), " OR ".join(ids), ids[0]])
)
LAYER = st.fixed_dictionaries(
    {"role": st.sampled_from(CONTENT), "artifact": st.sampled_from(["x/data", "y/data"])},
    optional={
        "license": TEXTS,
        "hub_tag": st.sampled_from(["mit", "gpl", "unknown", "odc-by", ["mit", "cc"]]),
        "readings": st.lists(st.one_of(st.none(), IDS), max_size=3),
        "status": st.sampled_from(["declared", "conflicting", "conditional", "undisclosed"]),
        "coverage": st.sampled_from(["data", "unclear", "code", "database"]),
        "evidence": st.lists(st.sampled_from([SOUND, BY_COMPILER, OLD]), max_size=2),
    },
)
CODES = ["CONFLICTING", "UNDISCLOSED", "UNREGISTERED_LICENSE", "LICENSE_AMBIGUOUS", "CONDITIONAL",
         "COVERAGE_UNCLEAR", "THIRD_PARTY_CONTENT", "EVIDENCE_REVISION_MISMATCH"]  # fmt: skip


@given(
    st.lists(LAYER, min_size=1, max_size=3),
    st.sampled_from(["permissive-only", "commercial", "research"]),
    st.sampled_from(["train_local", "publish_dataset", "publish_model"]),
)
def test_what_is_allowed_always_has_an_expression(
    layers: list[dict[str, Any]], preset: str, target: str
) -> None:
    inputs = {
        "layers": layers,
        "record_contains": [],
        "decisions": [human(CODES), human(CODES, scope="y/data")],
    }

    found = judge(inputs, policy(preset, target, outbound=None)).as_tree()

    assert found["expression"] or found["verdict"] != "allow"
    for name in ("UNDISCLOSED", "NO_LINEAGE"):
        assert name not in found["reasons"] or found["verdict"] != "allow"
