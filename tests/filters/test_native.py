"""Texts born in Japanese: what is checked without a source, and what is the author's own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from prefdata.core.finding import Finding
from prefdata.core.records import Preference
from prefdata.core.stage import Context
from prefdata.filters.stage import FilterStage
from tests.records import a_pair

STAGE = FilterStage(FilterStage.Config.from_tree({}), Context())
ASKED = "素数かどうかを調べる関数を書いてください。"
OTHER = "2から順に割ってみればわかります。"
CODE = "def is_prime(n):\n    return n > 1 and all(n % d for d in range(2, n))"


def judged(answer: str, prompt: str = ASKED, other: str = OTHER) -> tuple[Finding, ...]:
    ((_, findings),) = STAGE.judged([a_pair(prompt, answer, other)])
    return findings


@pytest.mark.parametrize(
    ("code", "answer"),
    [
        ("empty_output", " \n　"),
        ("mojibake", "繝代Φ螻九〒縺吶€"),
        ("off_target_language", "这个问题很简单，你可以试试看。"),
        ("off_target_language", "먼저 숫자를 나누어 보세요。"),
        ("repetition_loop", "割り切れるまで割ります。" * 20),
        ("hallucinated_turn", "割ってみましょう。\n\nHuman: ありがとう\n\nAssistant: どうも。"),
        ("pair_collapsed", OTHER),
    ],
)
def test_what_no_reader_takes_for_an_answer_leaves(code: str, answer: str) -> None:
    assert code in {finding.code for finding in judged(answer) if finding.action == "drop"}


@pytest.mark.parametrize(
    "answer",
    [
        CODE,
        f"```python\n{CODE}\n```",
        "はい。",
        "簡単です。2から割る。余りが0なら素数ではない。それだけです。",
        "割り切れる数を探すには、まず",
        "翻訳すると、以下のとおりです。\n\nThis is a prime number.",
        "申し訳ありませんが、その質問にはお答えできません。",
        "「素数」",
        "Pythonのsympyにisprimeという関数があります。",
        "試し割りは遅い。試し割りは遅いが、わかりやすい。試し割りは遅い。",
    ],
)
def test_what_an_author_may_write_is_kept_as_it_is(answer: str) -> None:
    ((record, findings),) = STAGE.judged([a_pair(ASKED, answer, OTHER)])
    assert [finding.code for finding in findings if finding.action == "drop"] == []
    assert record.chosen[0].content == answer


def test_nothing_that_compares_with_a_source_is_measured() -> None:
    found = {finding.code for answer in (CODE, "はい。", OTHER * 9) for finding in judged(answer)}
    of_two_texts = {"length_ratio_low", "length_ratio_high", "number_mismatch", "omission"}
    of_two_texts |= {"addition", "answered_instead", "url_altered", "citation_mismatch"}
    assert not found & of_two_texts


def test_half_width_kana_and_template_tokens_are_mended() -> None:
    ((record, findings),) = STAGE.judged([a_pair(ASKED, "ｶﾀｶﾅで書きます。<|im_end|>", OTHER)])
    assert record.chosen[0].content == "カタカナで書きます。"
    assert {f.code for f in findings if f.action == "repair"} == {
        "needs_normalization",
        "template_artifact",
    }


def vicuna(folder: Path) -> list[Preference]:
    """Return real questions, each with the answers of two models."""
    rows = [
        json.loads(line)
        for path in sorted((folder / "ja-vicuna-qa").glob("pairwise*.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    return [
        a_pair(row["question"], row["answer_1"], row["answer_2"], row=str(n))
        for n, row in enumerate(rows)
    ]


def test_of_real_answers_only_those_that_go_round_in_circles_leave(shared_data: Path) -> None:
    records = vicuna(shared_data)
    dropped = STAGE(records).dropped
    assert len(records) == 240
    assert len(dropped) <= 0.08 * len(records)
    causes = [f for drop in dropped for f in drop.findings if f.action == "drop"]
    assert {f.code for f in causes} == {"repetition_loop"}
    assert all(f.measured is not None and f.measured >= 10 for f in causes)
