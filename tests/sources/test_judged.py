"""Verdicts of a judge, and the pairs of two models that nobody judged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.sources.reading import lines, read, reasons, texts

PAIRWISE = "ja-vicuna-qa/pairwise*.jsonl"


def row(**changed: Any) -> dict[str, Any]:
    base = {
        "model_1": "org--one", "model_2": "org--two", "question_id": 1, "question": "質問",
        "answer_1": "\n\n答え一", "answer_2": "答え二", "g1_judgment": "SECRET REASONING",
        "g1_winner": "model_2", "g2_winner": "model_2", "judge_model": "gpt-4",
    }  # fmt: skip
    return {**base, **changed}


def test_a_pair_is_kept_where_both_orders_agree(tmp_path: Path) -> None:
    ([record], _) = read("verdicts", path=lines(tmp_path / "rows.jsonl", [row()]))

    assert texts(record) == ["答え二", "答え一"]
    assert (record.lang, record.origin.kind) == ("ja", "native")
    assert "SECRET" not in repr(record)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"g2_winner": "model_1"}, "source_disagreement"),
        ({"g2_winner": "tie"}, "source_disagreement"),
        ({"g1_winner": "tie", "g2_winner": "tie"}, "source_tie"),
        ({"g1_winner": "tie", "g2_winner": None}, "source_tie"),
        ({"g1_winner": "error"}, "source_no_verdict"),
        ({"g1_winner": None}, "source_missing_column"),
        ({"answer_2": " "}, "source_empty_completion"),
        ({"answer_2": "答え一"}, "source_identical_completions"),
    ],
)
def test_other_verdicts_are_counted_with_their_reason(
    tmp_path: Path, changed: dict[str, Any], reason: str
) -> None:
    records, [skip] = read("verdicts", path=lines(tmp_path / "rows.jsonl", [row(**changed)]))

    assert records == []
    assert skip.reason == reason


def test_one_verdict_alone_decides(tmp_path: Path) -> None:
    single = {k: v for k, v in row(g1_winner="model_1").items() if k != "g2_winner"}

    ([record], _) = read("verdicts", path=lines(tmp_path / "rows.jsonl", [single]))

    assert texts(record)[0] == "答え一"


def test_models_and_judge_are_layers_by_their_registry_names(tmp_path: Path) -> None:
    path = lines(tmp_path / "rows.jsonl", [row()])

    ([record], _) = read("verdicts", path=path, artifact="mine", models={"org--two": "other/two"})

    assert [(x.role, x.artifact) for x in record.origin.layers[3:]] == [
        ("response_model", "org/one"),
        ("response_model", "other/two"),
        ("judge", "openai/gpt-4"),
    ]


def test_the_real_verdicts_add_up(shared_data: Path) -> None:
    records, skips = read(
        "verdicts", path=shared_data / PAIRWISE, artifact="ku-nlp/ja-vicuna-qa-benchmark"
    )

    assert len(records) == 210
    assert reasons(skips) == {"source_disagreement": 27, "source_tie": 3}
    assert len({record.group for record in records}) <= 80


def test_synthetic_pairs_are_single_turns_without_role_markers(fixtures: Path) -> None:
    records, skips = read(
        "synthetic_instruct_gptj_pairwise",
        path=fixtures / "synthetic-instruct-gptj-pairwise.hf-schema.fixture.jsonl",
    )

    assert len(records) == 8
    assert reasons(skips) == {"source_empty_completion": 1, "source_identical_completions": 1}
    assert all(len(r.prompt) == len(r.chosen) == len(r.rejected) == 1 for r in records)
    looks_like_turns = next(r for r in records if "7 × 8" in r.prompt[0].content)
    assert looks_like_turns.rejected[0].content.endswith("Assistant: you are welcome")
    assert {r.origin.kind for r in records} == {"synthetic"}
