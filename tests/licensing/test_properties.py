"""Laws over random layers: combining never frees, order and names do not matter."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from prefdata.core.verdict import Verdict
from prefdata.licensing.decide import decide
from prefdata.licensing.expression import Expressions
from prefdata.licensing.registry import shipped
from tests.licensing.cases import CONTENT, GEMMA, LLAMA2, OPENAI

IDS = [
    "MIT", "Apache-2.0", "CC0-1.0", "CC-BY-4.0", "CC-BY-SA-3.0", "CC-BY-SA-4.0", "CC-BY-NC-4.0",
    "CC-BY-NC-SA-4.0", "CC-BY-ND-4.0", "ODC-By-1.0", "LicenseRef-nobody", "MIT OR CC-BY-SA-4.0",
    "CC-BY-NC-4.0 OR CC-BY-SA-4.0", "MIT AND CC-BY-4.0",
]  # fmt: skip
TERMS = ["Apache-2.0", GEMMA, LLAMA2, OPENAI, "LicenseRef-nobody", "MIT", f"{GEMMA} OR MIT"]
TAGS = ["mit", "cc-by-nc-4.0", "bsd", "unknown", "gemma", "odbl"]
ARTIFACTS = ["a/one", "b/two", "c/three posts", "c/three"]

evidence = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["license_file", "card_tag", "tos", "unmerged_pr", "none_found"]),
        "by": st.sampled_from(["rights_holder", "rights_holder", "compiler", "third_party"]),
        "at_revision": st.sampled_from(["same", "same", "same", "older"]),
        "age_days": st.sampled_from([1, 1, 1, 400]),
    }
)
base = {
    "artifact": st.sampled_from(ARTIFACTS),
    "evidence": st.lists(evidence, min_size=1, max_size=2),
    "status": st.sampled_from(["declared", "declared", "declared", "undisclosed", "conditional"]),
}
content = st.fixed_dictionaries(
    {
        **base,
        "role": st.sampled_from(CONTENT),
        "license": st.sampled_from(IDS),
        "coverage": st.sampled_from(["data", "data", "data", "code", "unclear"]),
    },
    optional={"third_party_content": st.just("news")},
)
conflict = st.fixed_dictionaries(
    {
        **base,
        "role": st.sampled_from(CONTENT),
        "status": st.just("conflicting"),
        "readings": st.lists(st.sampled_from([*IDS, "unknown"]), max_size=3),
    },
    optional={"hub_tag": st.lists(st.sampled_from(TAGS), max_size=2)},
)
tagged = st.fixed_dictionaries(
    {**base, "role": st.sampled_from(CONTENT), "hub_tag": st.lists(st.sampled_from(TAGS))}
)
maker = st.fixed_dictionaries(
    {
        **base,
        "role": st.sampled_from(["translator", "judge", "response_model"]),
        "license": st.sampled_from(TERMS),
        "coverage": st.just("weights"),
    }
)
compilation = st.fixed_dictionaries(
    {"role": st.just("compilation"), "artifact": st.sampled_from(ARTIFACTS)},
    optional={"upstream_listed": st.booleans(), "rows_hash_matched_upstream": st.booleans()},
)
texts = st.one_of(content, content, conflict, tagged)
layers = st.lists(st.one_of(texts, texts, maker, compilation), min_size=1, max_size=5)
human = st.fixed_dictionaries(
    {
        "id": st.sampled_from(["d1", "d2"]),
        "decision": st.sampled_from(["allow", "deny"]),
        "covers": st.lists(
            st.sampled_from(
                ["THIRD_PARTY_CONTENT", "EVIDENCE_STALE", "UNDISCLOSED", "OUTPUT_TERMS"]
            ),
            max_size=4,
        ),
        "scope": st.sampled_from([*ARTIFACTS, "*", "a"]),
        "revision_matches": st.booleans(),
        "expired": st.booleans(),
    }
)
policies = st.fixed_dictionaries(
    {
        "preset": st.sampled_from(["permissive-only", "commercial", "research"]),
        "target": st.sampled_from(["train_local", "publish_dataset", "publish_model"]),
        "outbound": st.sampled_from([None, "MIT", "CC-BY-SA-4.0", "CC-BY-NC-SA-4.0"]),
    }
)


def verdict(found: list[Any], policy: Any, decisions: Any = ()) -> Verdict:
    contains = sorted({layer["role"] for layer in found} & set(CONTENT))
    inputs = {"layers": found, "record_contains": contains, "decisions": list(decisions)}
    return decide(inputs, policy).verdict


@given(layers, st.one_of(texts, maker), policies)
@settings(max_examples=120)
def test_another_layer_never_adds_freedom(found: Any, more: Any, policy: Any) -> None:
    if not any(layer["role"] in CONTENT for layer in found):
        return  # a record without content has no lineage; its first content layer gives it one

    assert verdict([*found, more], policy) >= verdict(found, policy)


@given(layers, st.lists(human, max_size=2), policies, st.randoms(use_true_random=False))
@settings(max_examples=120)
def test_the_order_of_layers_and_decisions_does_not_matter(
    found: Any, decisions: Any, policy: Any, draw: Any
) -> None:
    mixed, others = list(found), list(decisions)
    draw.shuffle(mixed)
    draw.shuffle(others)
    one, two = (
        decide({"layers": a, "record_contains": [], "decisions": b}, policy)
        for a, b in ((found, decisions), (mixed, others))
    )

    assert (one.verdict, set(one.reasons), one.downstream_terms, one.decisions) == (
        two.verdict, set(two.reasons), two.downstream_terms, two.decisions,
    )  # fmt: skip
    assert Expressions().is_equivalent(one.expression, two.expression)
    assert set(one.obligations) == set(two.obligations)


@given(layers, st.lists(human, max_size=2), policies)
@settings(max_examples=120)
def test_renaming_artifacts_consistently_changes_nothing(
    found: Any, decisions: Any, policy: Any
) -> None:
    names = {"a": "zzz", "b": "y-1", "c": "Llama-2"}

    def renamed(text: str) -> str:
        head, slash, tail = text.partition("/")
        return names.get(head, head) + slash + tail

    others = copy.deepcopy((found, decisions))
    for layer in others[0]:
        layer["artifact"] = renamed(layer["artifact"])
    for decision in others[1]:
        decision["scope"] = renamed(decision["scope"])
    one = decide({"layers": found, "record_contains": [], "decisions": decisions}, policy)
    two = decide({"layers": others[0], "record_contains": [], "decisions": others[1]}, policy)

    assert one == two


@given(layers, policies, st.lists(human, max_size=2))
@settings(max_examples=120)
def test_the_undisclosed_is_never_allowed(found: Any, policy: Any, decisions: Any) -> None:
    bare = {"role": "label", "artifact": "a/one", "status": "undisclosed"}

    assert verdict([*found, bare], policy, decisions) != Verdict.ALLOW


@given(layers, policies)
@settings(max_examples=80)
def test_a_policy_with_longer_lists_of_refusals_allows_no_more(found: Any, policy: Any) -> None:
    strict = {**policy, "deny": ["MIT", "Apache-2.0"], "min_evidence": "A"}

    if verdict(found, policy) != Verdict.ALLOW:
        assert verdict(found, strict) != Verdict.ALLOW


expressions = st.recursive(
    st.sampled_from(["MIT", "Apache-2.0", "CC-BY-4.0", "ISC", "LicenseRef-new"]),
    lambda inner: st.builds(
        lambda a, op, b: f"({a} {op} {b})", inner, st.sampled_from(["AND", "OR"]), inner
    ),
    max_leaves=6,
)


@given(expressions, expressions)
def test_combining_expressions_is_the_and_of_both(one: str, two: str) -> None:
    table = shipped().book.expressions
    both = table.combine([one, two])

    assert table.is_equivalent(both, f"({two}) AND ({one})")
    assert not table.is_weaker(both, one)
    assert table.is_equivalent(both, table.combine([two, both, one.lower()]))
    assert {*table.ids_in(both)} <= {*table.ids_in(one), *table.ids_in(two)}


def test_an_id_that_nobody_has_registered_is_no_parse_error() -> None:
    table = shipped().book.expressions

    assert table.alternatives("licenseref-NEW OR mit") == (("licenseref-NEW",), ("MIT",))
    assert table.combine(["mit", "NOASSERTION", "cc-by-4.0"]) == "CC-BY-4.0 AND MIT AND NOASSERTION"


def test_what_a_choice_adds_to_one_of_its_branches_is_nothing() -> None:
    assert shipped().book.expressions.combine(["MIT OR ISC", "MIT"]) == "MIT"


def test_a_hub_tag_is_no_name_of_a_license() -> None:
    assert shipped().book.expressions.alternatives("llama3.1") == (("llama3.1",),)
