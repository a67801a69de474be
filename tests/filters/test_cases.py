"""Labelled texts, judged raw: recall, right reasons, false drops; every code with ten texts."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from prefdata.filters.cases import Case, CaseJudge, read_case
from prefdata.filters.judge import Judge
from prefdata.text.limits import Limits, causes

HERE = Path(__file__).parent
# Found by a scorer, a judge or over a whole data set, or flags: tested elsewhere.
NOT_CHEAP = {
    "entity_mismatch", "mistranslation", "polarity_flip", "flaw_repaired", "contradicting_labels",
    "cultural_fit", "pii_suspected", "needs_normalization",
}  # fmt: skip


def rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (HERE / name).read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def judge() -> CaseJudge:
    return CaseJudge(Judge(Limits()), repairs=False)


@pytest.mark.parametrize(
    ("name", "recall", "right"),
    [("cases.jsonl", 1.0, 1.0), ("heldout.jsonl", 0.95, 0.9), ("fresh.jsonl", 0.95, 0.95)],
)
def test_faults_are_found_for_the_right_reason_and_good_texts_kept(
    name: str, recall: float, right: float, judge: CaseJudge
) -> None:
    found = reasoned = faults = dropped = keeps = 0
    for row in rows(name):
        reasons = judge(read_case(row, row["id"])).reasons
        if row["verdict"] == "keep":
            keeps += 1
            dropped += bool(reasons)
        elif row["detectable"] == "heuristic":
            faults += 1
            found += bool(reasons)
            reasoned += bool(set(reasons) & set(row["reasons"]))
    assert found >= recall * faults
    assert reasoned >= right * faults
    assert dropped <= 0.02 * keeps


def test_every_cheap_code_has_ten_texts_positive_and_negative() -> None:
    positive = Counter(code for row in rows("cases.jsonl") for code in row["reasons"])
    negative = Counter(row["near"] for row in rows("cases.jsonl") if "near" in row)
    for code in set(causes()) - NOT_CHEAP:
        assert positive[code] + negative[code] >= 10, code
        assert positive[code] >= 3, code


@pytest.mark.parametrize(
    "row", [r for r in rows("cases.jsonl") if r["flags"]], ids=lambda r: str(r["id"])
)
def test_a_flag_is_stored_and_does_not_drop(row: dict[str, Any], judge: CaseJudge) -> None:
    verdict = judge(read_case(row, row["id"]))
    assert set(row["flags"]) <= set(verdict.flags)
    assert verdict.reasons == []


@pytest.mark.parametrize(
    "row", [r for r in rows("cases.jsonl") if r["level"] == "pair"], ids=lambda r: str(r["id"])
)
def test_the_verdict_on_a_pair_does_not_depend_on_the_side(
    row: dict[str, Any], judge: CaseJudge
) -> None:
    case = read_case(row, row["id"])
    side = "rejected" if case.side == "chosen" else "chosen"
    turned = Case(
        case.id, case.other_en, case.other_ja, "pair", case.source_kind, side, case.en, case.ja
    )
    assert set(judge(turned).reasons) == set(judge(case).reasons)


def test_repairs_save_what_is_only_wrapped() -> None:
    raw, cleaned = (CaseJudge(Judge(Limits()), repairs=on) for on in (False, True))
    case = Case(
        "1",
        "Let it cool before you cut it.",
        "以下は日本語訳です。\n\n冷ましてから切ってください。",
    )
    assert raw(case).reasons == ["meta_commentary"]
    assert cleaned(case).reasons == []
    assert [f.code for f in cleaned(case).findings if f.action == "repair"] == ["meta_commentary"]


def test_profiles_differ_in_strictness() -> None:
    counts = {
        profile: sum(
            bool(CaseJudge(Judge(Limits(profile)), repairs=False)(read_case(row, "")).reasons)
            for row in rows("cases.jsonl")
        )
        for profile in ("lenient", "default", "strict")
    }
    assert counts["lenient"] < counts["default"] < counts["strict"]
