"""Profiles and overrides: for all records, for one source kind, for one code."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from prefdata.core.errors import ConfigError, UsageError
from prefdata.core.records import Preference
from prefdata.core.stage import Context
from prefdata.filters.stage import FilterStage
from prefdata.filters.what_if import changed_limits
from prefdata.text.limits import Limits, causes
from tests.records import a_pair

ENGLISH = ("Why do bees dance?", "To show where food is. [1][2]", "No idea, sorry.")
RENUMBERED = ("なぜミツバチは踊るのですか？", "餌の場所を教えるためです。[1][3]", "わかりません。")
MIXED_EN = ("How do I run?", "First stretch. Then run. Drink water. Rest well.", "Do not run.")
MIXED = (
    "どう走ればいいですか？",
    "まず伸びをします。次に走る。水を飲みます。よく休むのだ。",
    "走らないでください。",
)


def reasons(record: Preference, **settings: Any) -> tuple[str, ...]:
    outcome = FilterStage(FilterStage.Config.from_tree(settings), Context())([record])
    return outcome.dropped[0].reasons if outcome.dropped else ()


def of_kind(kind: str, *texts: tuple[str, str, str]) -> Preference:
    record = a_pair(*texts[0], english=texts[1])
    return replace(record, origin=replace(record.origin, kind=kind))


def test_an_answer_with_other_citations_leaves_webgpt_under_every_profile() -> None:
    for profile in ("strict", "default", "lenient"):
        record = of_kind("webgpt", RENUMBERED, ENGLISH)
        assert reasons(record, profile=profile) == ("citation_mismatch",)
    assert reasons(of_kind("hh", RENUMBERED, ENGLISH), profile="lenient") == ()


def test_a_summary_may_mix_registers() -> None:
    assert reasons(of_kind("hh", MIXED, MIXED_EN)) == ("register_inconsistent",)
    assert reasons(of_kind("summarize", MIXED, MIXED_EN)) == ()


@pytest.mark.parametrize(
    ("thresholds", "hh", "webgpt"),
    [
        ({}, ("register_inconsistent",), ("register_inconsistent",)),
        ({"register_inconsistent": "flag"}, (), ()),
        ({"register_inconsistent.several": 0.9}, (), ()),
        ({"webgpt/register_inconsistent": "ignore"}, ("register_inconsistent",), ()),
        ({"register_inconsistent": "flag", "hh/register_inconsistent": "drop"},
         ("register_inconsistent",), ()),
    ],
)  # fmt: skip
def test_a_pipeline_overrides_a_rule_for_all_or_for_one_source_kind(
    thresholds: dict[str, Any], hh: tuple[str, ...], webgpt: tuple[str, ...]
) -> None:
    assert reasons(of_kind("hh", MIXED, MIXED_EN), thresholds=thresholds) == hh
    assert reasons(of_kind("webgpt", MIXED, MIXED_EN), thresholds=thresholds) == webgpt


def test_an_override_wins_over_the_source_kinds_own_rule() -> None:
    record = of_kind("summarize", MIXED, MIXED_EN)
    thresholds = {"summarize/register_inconsistent": "drop"}
    assert reasons(record, thresholds=thresholds) == ("register_inconsistent",)


@pytest.mark.parametrize("name", ["webgpt/no_such_code", "no_such_code", "truncated.wrod"])
def test_an_unknown_rule_is_an_error_before_any_record(name: str) -> None:
    with pytest.raises(ConfigError):
        Limits("default", {name: "flag"})


def test_every_rule_can_be_overridden() -> None:
    for rule in Limits().rules:
        assert Limits("strict", {rule: 0.5}).rules_for("hh")[rule].limit == 0.5
        assert Limits("lenient", {f"hh/{rule}": "ignore"}).rules_for("hh")[rule].action == "ignore"


def test_every_code_but_those_of_models_has_a_rule() -> None:
    of_models = {"entity_mismatch", "mistranslation"}
    assert {rule.partition(".")[0] for rule in Limits().rules} == set(causes()) - of_models


def test_what_if_moves_the_limit_of_one_source_kind() -> None:
    limits = changed_limits("default", {}, ["webgpt/length_ratio_high.81++=0.1"])
    assert limits.rules_for("webgpt")["length_ratio_high.81+"].limit == pytest.approx(1.0)
    assert limits.rules_for("hh")["length_ratio_high.81+"].limit == pytest.approx(0.9)
    with pytest.raises(UsageError, match="no rule"):
        changed_limits("default", {}, ["webgpt/lenght_ratio_high=1"])
