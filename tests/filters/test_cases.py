"""Labelled texts, judged raw: recall, right reasons, false drops; every code with ten texts."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from prefdata.filters.cases import Case, CaseJudge, read_case
from prefdata.filters.judge import Judge
from prefdata.text.limits import Limits, causes

HERE = Path(__file__).parent
# Files of texts by code: what has the fault, and the same words without it.
TABLES = {
    HERE.parent / "text" / "rules.yaml": (("changed", "dropped"), ("changed", "kept")),
    HERE / "judged.yaml": (("found",), ("clean",)),
    HERE / "flags.yaml": (("flagged",), ("clean",)),
    HERE / "duplicates.yaml": (("found",), ("clean",)),
}


def rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (HERE / name).read_text(encoding="utf-8").splitlines()]


def table(path: Path) -> dict[str, dict[str, list[Any]]]:
    found: dict[str, dict[str, list[Any]]] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


FLAGS = table(HERE / "flags.yaml")


@pytest.fixture(scope="module")
def judge() -> CaseJudge:
    return CaseJudge(Judge(Limits()), repairs=False)


@pytest.mark.parametrize(
    ("name", "recall", "right"),
    [
        ("cases.jsonl", 1.0, 1.0),
        ("heldout.jsonl", 0.95, 0.9),
        ("fresh.jsonl", 0.95, 0.95),
        ("exams.jsonl", 0.98, 0.97),
    ],
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


def counted() -> tuple[Counter[str], Counter[str]]:
    """Count by code the texts that have it, and those that only look like it."""
    cases = [row for name in ("cases.jsonl", "heldout.jsonl", "fresh.jsonl") for row in rows(name)]
    positive = Counter(code for row in cases for code in (*row["reasons"], *row["flags"]))
    negative = Counter(row["near"] for row in cases if "near" in row)
    for path, columns in TABLES.items():
        for code, texts in table(path).items():
            for count, names in zip((positive, negative), columns, strict=True):
                count[code] += sum(len(texts.get(name, ())) for name in names)
    return positive, negative


@pytest.mark.parametrize("code", [*causes(), "duplicate_exact", "duplicate_near"])
def test_every_code_has_ten_texts_five_of_them_innocent(code: str) -> None:
    positive, negative = counted()
    assert positive[code] >= 5
    assert negative[code] >= 5


@pytest.mark.parametrize(
    ("flag", "english", "japanese"),
    [(flag, *row) for flag, texts in FLAGS.items() for row in texts["flagged"]],
)
def test_a_text_is_flagged_and_kept(
    flag: str, english: str, japanese: str, judge: CaseJudge
) -> None:
    verdict = judge(Case("1", english, japanese))
    assert flag in verdict.flags
    assert verdict.reasons == []


@pytest.mark.parametrize(
    ("flag", "english", "japanese"),
    [(flag, *row) for flag, texts in FLAGS.items() for row in texts["clean"]],
)
def test_the_same_words_meant_otherwise_have_no_flag(
    flag: str, english: str, japanese: str, judge: CaseJudge
) -> None:
    verdict = judge(Case("1", english, japanese))
    assert flag not in verdict.flags
    assert verdict.reasons == []


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
