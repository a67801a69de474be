"""Evaluation sets in their authors' formats; the real ones where they lie beside the checkout."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from prefdata.core.errors import ConfigError, InputError, LicenseDenied
from prefdata.core.stage import Context
from prefdata.training.benchmarks import FORMATS, read_questions
from prefdata.training.evaluate import Evaluate, by_subset, pair_share, seen
from tests.training import toy

# One invented row in each format, and what it must become.
ROWS = {
    "rewardbench": (
        {"id": 3, "prompt": "質問", "chosen": "よい", "rejected": "わるい", "subset": "chat"},
        ("chat", "質問", ("よい", "わるい"), 1),
    ),
    "m-rewardbench": (
        {"id": 3, "language": "jpn_Jpan", "prompt": "質問", "chosen": "よい", "rejected": "わるい",
         "category": "Safety"},
        ("Safety", "質問", ("よい", "わるい"), 1),
    ),
    "halueval": (
        {"knowledge": "空は青い。", "question": "空の色は？", "right_answer": "青",
         "hallucinated_answer": "緑"},
        ("qa", "空は青い。\n\n空の色は？", ("青", "緑"), 1),
    ),
    "crows-pairs": (
        {"sent_more": "甲は弱い", "sent_less": "乙は弱い", "bias_type": "age"},
        ("age", "", ("甲は弱い", "乙は弱い"), 1),
    ),
    "hh-rlhf": (
        {"chosen": "\n\nHuman: 駅は？\n\nAssistant: 右です", "rejected":
         "\n\nHuman: 駅は？\n\nAssistant: 知りません"},
        ("hh", "\n\nHuman: 駅は？\n\nAssistant:", (" 右です", " 知りません"), 1),
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", list(ROWS))
def test_a_row_of_each_format_becomes_a_question(kind: str, tmp_path: Path) -> None:
    row, wanted = ROWS[kind]
    file = tmp_path / "rows.jsonl"
    file.write_text(json.dumps(row, ensure_ascii=False) + "\n", encoding="utf-8")

    (question,) = read_questions(kind, file)

    assert (question.subset, question.prompt, question.choices, question.right) == wanted


def test_japanese_truthful_qa_has_answers_in_one_cell(tmp_path: Path) -> None:
    file = tmp_path / "jtruthfulqa.csv"
    file.write_text(
        "Type,Category,Question,Original Answer,Correct Answers,Incorrect Answers\n"
        "Fact,迷信,夜に口笛を吹くと？,何も起きない,何も起きない; 音が出る,蛇が出る; 泥棒が来る\n",
        encoding="utf-8",
    )

    (question,) = read_questions("jtruthfulqa", file)

    assert question.choices == ("何も起きない", "音が出る", "蛇が出る", "泥棒が来る")
    assert question.right == 2
    assert FORMATS["jtruthfulqa"].eval_only


def test_a_model_that_learned_from_a_set_for_evaluation_alone_is_not_measured_on_it(
    tmp_path: Path,
) -> None:
    question = toy.pairs(1, seed=1)[0]["prompt"][0]["content"]
    release = toy.release(tmp_path / "release", pairs={"train": toy.pairs(3, seed=1)})
    file = tmp_path / "jtruthfulqa.csv"
    file.write_text(
        "Type,Category,Question,Original Answer,Correct Answers,Incorrect Answers\n"
        f"Fact,x,{question},はい,はい,いいえ\n",
        encoding="utf-8",
    )
    config = Evaluate.Config.from_tree({"sets": [{"format": "jtruthfulqa", "path": str(file)}]})
    found = seen({"jtruthfulqa": read_questions("jtruthfulqa", file)}, release)

    assert found == {"jtruthfulqa": 1}
    with pytest.raises(LicenseDenied, match="is for evaluation alone"):
        Evaluate(config, Context()).refuse_trained_on(found)


def test_a_row_of_another_format_is_named(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text('{"prompt": "x"}\n')

    with pytest.raises(InputError, match="not in the format rewardbench") as error:
        read_questions("rewardbench", file)

    assert "row 1" in str(error.value)


@pytest.mark.parametrize(
    ("kind", "file", "at_least"),
    [
        ("truthfulqa", "TruthfulQA.csv.gz", 700),
        ("halueval-general", "HaluEval.general.rows-0000-2999.jsonl.gz", 2900),
        ("winogender", "winogender.all_sentences.tsv", 240),
    ],
)
def test_the_real_sets_are_read_whole(
    shared_data: Path, kind: str, file: str, at_least: int
) -> None:
    found = read_questions(kind, shared_data / "eval" / file)

    assert len(found) >= at_least
    assert all(len(q.choices) > q.right for q in found)
    assert len(read_questions(kind, shared_data / "eval" / file, limit=5)) == 5


def test_every_format_says_its_license_and_what_it_measures() -> None:
    for about in FORMATS.values():
        assert about.license
        assert about.measures
    assert "may not be a good indicator" in FORMATS["crows-pairs"].caution


def test_shares_are_over_pairs_and_ties_count_half() -> None:
    assert pair_share([2.0, 1.0, 0.0], 2) == 1.0
    assert pair_share([0.0, 0.0], 1) == 0.5
    assert by_subset({(0, "a"): 1.0, (1, "a"): 0.0, (2, "b"): 1.0}) == {"a": 0.5, "b": 1.0}


def test_unknown_formats_metrics_and_missing_files_are_told_in_planning(tmp_path: Path) -> None:
    def config(kind: str, **more: object) -> Evaluate.Config:
        tree = {"sets": [{"format": kind, "path": "none.csv"}], **more}
        found: Evaluate.Config = Evaluate.Config.from_tree(tree)
        return found

    context = Context(base=tmp_path)
    with pytest.raises(ConfigError, match="did you mean 'truthfulqa'"):
        Evaluate.plan(config("truthfulqua"), context)
    with pytest.raises(ConfigError, match="did you mean 'reward_truthfulqa'"):
        Evaluate.plan(config("truthfulqa", gates={"rewrd_truthfulqa": ">=0.5"}), context)
    told = "\n".join(map(str, Evaluate.lacks(config("truthfulqa"), context, [])))
    assert "no such file" in told
    assert "nothing to evaluate" in told
