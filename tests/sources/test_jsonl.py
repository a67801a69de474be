"""A user's own pairs and rankings, in every layout that is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefdata.core.records import Message
from prefdata.sources.layouts import ranks_of
from tests.sources.reading import lines, read, reasons, source, texts


def said(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


USER, GOOD, BAD = said("user", "p"), said("assistant", "a"), said("assistant", "b")


@pytest.mark.parametrize(
    "row",
    [
        {"prompt": "p", "chosen": "a", "rejected": "b"},
        {"prompt": [USER], "chosen": [GOOD], "rejected": [BAD]},
        {"prompt": "p", "chosen": [GOOD], "rejected": [BAD]},
        {"prompt": "p", "chosen": GOOD, "rejected": BAD},
        {"chosen": [USER, GOOD], "rejected": [USER, BAD]},
        {"prompt": "p", "chosen": [USER, GOOD], "rejected": [USER, BAD]},
    ],
    ids=["plain", "conversational", "mixed", "single messages", "implicit", "prompt repeated"],
)
def test_every_layout_of_a_pair_is_the_same_record(tmp_path: Path, row: dict[str, Any]) -> None:
    ([record], _) = read("jsonl", path=lines(tmp_path / "rows.jsonl", [row]))

    assert record.prompt == (Message("user", "p"),)
    assert texts(record) == ["a", "b"]
    assert (record.kind, record.lang, record.origin.kind) == ("pair", "en", "own")


def test_plain_texts_without_a_prompt_share_their_beginning(tmp_path: Path) -> None:
    row = {"chosen": "The sky is blue.", "rejected": "The sky is black."}

    ([record], _) = read("jsonl", path=lines(tmp_path / "rows.jsonl", [row]))

    assert [m.content for m in record.prompt] == ["The sky is"]
    assert texts(record) == ["blue.", "black."]


def test_a_ranking_gives_all_pairs_or_the_best_against_the_worst(tmp_path: Path) -> None:
    row = {"prompt": "p", "completions": ["A", "B", "C", "D"], "ranks": [3, 4, 1, 2]}
    path = lines(tmp_path / "rows.jsonl", [row])

    ([every], _) = read("jsonl", path=path)
    ([extremes], _) = read("jsonl", path=path, pairing="best_worst")

    def pairs(record: Any) -> set[str]:
        return {texts(record)[better] + texts(record)[worse] for better, worse in record.pairs()}

    assert pairs(every) == {"CD", "CA", "CB", "DA", "DB", "AB"}
    assert pairs(extremes) == {"CB"}


def test_scores_rank_from_the_highest_and_ties_share_the_better_rank(tmp_path: Path) -> None:
    row = {"prompt": "p", "completions": ["A", "B", "C", "D"], "scores": [0.5, 2, 2, -1]}

    ([record], _) = read("jsonl", path=lines(tmp_path / "rows.jsonl", [row]))

    assert texts(record) == ["B", "C", "A", "D"]
    assert [c.rank for c in record.completions] == [1, 1, 3, 4]
    assert record.completions[0].scores == (("score", 2.0),)
    assert record.margin == 3.0


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=8))
def test_ranks_count_what_is_better(values: list[float]) -> None:
    ranks = ranks_of(values)

    assert min(ranks) == 1
    for one, rank in zip(values, ranks, strict=True):
        for other, lower in zip(values, ranks, strict=True):
            assert (one < other) == (rank < lower)


def test_an_empty_completion_leaves_its_ranking(tmp_path: Path) -> None:
    row = {"prompt": "p", "completions": ["A", " ", "C"], "ranks": [3, 1, 2]}

    ([record], _) = read("jsonl", path=lines(tmp_path / "rows.jsonl", [row]))

    assert [(t, c.rank) for t, c in zip(texts(record), record.completions, strict=True)] == [
        ("C", 1),
        ("A", 2),
    ]


@pytest.mark.parametrize(
    ("row", "reason", "bad"),
    [
        ({"prompt": "p", "completions": ["A", ""], "ranks": [1, 2]},
         "source_too_few_completions", False),
        ({"prompt": "p", "completions": ["A", "B"], "ranks": [1, 1]}, "source_tie", False),
        ({"prompt": "p", "completions": ["A", "A"], "ranks": [1, 2]},
         "source_identical_completions", False),
        ({"prompt": "p", "completions": ["A", "B"], "ranks": [1]}, "source_bad_value", True),
        ({"prompt": "p", "completions": ["A", "B"]}, "source_missing_column", True),
        ({"prompt": "p", "completions": ["A", "B"], "scores": [1, True]},
         "source_wrong_type", True),
        ({"prompt": "p", "completions": ["A", USER], "ranks": [1, 2]}, "source_bad_value", True),
        ({"prompt": " ", "chosen": "a", "rejected": "b"}, "source_no_prompt", False),
        ({"prompt": "p", "chosen": "", "rejected": "b"}, "source_empty_completion", False),
        ({"prompt": "p", "chosen": "a", "rejected": "a"}, "source_identical_completions", False),
        ({"chosen": [USER, GOOD], "rejected": [said("user", "q"), BAD]},
         "source_histories_differ", False),
        ({"chosen": [USER, GOOD], "rejected": []}, "source_empty_completion", False),
        ({"chosen": "blue", "rejected": "green"}, "source_no_prompt", False),
        ({"chosen": "The sky", "rejected": "The sky"}, "source_identical_completions", False),
        ({"chosen": "\n\nHuman: a\n\nAssistant: b", "rejected": "\n\nHuman: a\n\nAssistant: c"},
         "source_other_layout", False),
        ({"prompt": [said("tool", "x")], "chosen": "a", "rejected": "b"},
         "source_bad_value", True),
        ({"prompt": [{"role": "user"}], "chosen": "a", "rejected": "b"},
         "source_missing_column", True),
    ],
)  # fmt: skip
def test_rows_that_are_no_comparison_are_skipped_with_the_reason(
    tmp_path: Path, row: dict[str, Any], reason: str, bad: bool
) -> None:
    records, [skip] = read("jsonl", path=lines(tmp_path / "rows.jsonl", [row]))

    assert records == []
    assert (skip.reason, skip.bad) == (reason, bad)


def test_columns_can_have_names_of_their_own(tmp_path: Path) -> None:
    row = {"question": "p", "good": "a", "bad": "b", "distance": 2, "thread": 17}
    path = lines(tmp_path / "rows.jsonl", [row, {**row, "question": "p2"}])

    records, _ = read(
        "jsonl",
        path=path,
        columns={
            "prompt": "question",
            "chosen": "good",
            "rejected": "bad",
            "margin": "distance",
            "group": "thread",
        },
    )

    assert texts(records[0]) == ["a", "b"]
    assert records[0].margin == 2.0
    assert records[0].group == records[1].group


def test_an_unknown_column_is_answered_with_the_nearest() -> None:
    with pytest.raises(ValueError, match="did you mean 'chosen'"):
        source("jsonl", path="x.jsonl", columns={"choosen": "good"})


def test_the_shipped_rankings_are_native_japanese(root: Path) -> None:
    records, skips = read("jsonl", path=root / "data/quickstart/rankings.ja.jsonl", lang="ja")

    assert len(records) == 16
    assert skips == []
    assert {(r.kind, r.lang, r.origin.kind) for r in records} == {("ranking", "ja", "native")}
    assert [c.rank for c in records[5].completions] == [1, 1, 3, 4]


def test_what_nobody_declared_is_named_so(tmp_path: Path) -> None:
    row = {"prompt": "p", "chosen": "a", "rejected": "b"}
    path = lines(tmp_path / "found somewhere.jsonl", [row])

    ([record], _) = read("jsonl", path=path)

    assert record.origin.source == "undeclared:found_somewhere.jsonl"
    assert {layer.artifact for layer in record.origin.layers} == {record.origin.source}


def test_models_and_judge_are_layers_of_their_own(tmp_path: Path) -> None:
    row = {"prompt": "p", "chosen": "a", "rejected": "b"}
    path = lines(tmp_path / "rows.jsonl", [row])

    ([record], _) = read(
        "jsonl", path=path, artifact="mine", response_models=["org/m"], judge="org/judge"
    )

    assert [(layer.role, layer.artifact) for layer in record.origin.layers] == [
        ("source_text", "mine"),
        ("response", "mine"),
        ("label", "mine"),
        ("response_model", "org/m"),
        ("judge", "org/judge"),
    ]


@pytest.mark.parametrize("scores", [{"help": 1.0, "truth": 2.0}, None])
def test_published_rankings_can_be_read_back(tmp_path: Path, scores: Any) -> None:
    kind = pa.list_(
        pa.struct(
            [
                ("content", pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))),
                ("rank", pa.int32()),
                ("scores", pa.map_(pa.string(), pa.float64())),
            ]
        )
    )
    completions = [
        {"content": [BAD], "rank": 2, "scores": []},
        {"content": [GOOD], "rank": 1, "scores": list((scores or {}).items())},
    ]
    table = pa.table({"prompt": pa.array([[USER]]), "completions": pa.array([completions], kind)})
    pq.write_table(table, tmp_path / "rankings.parquet")

    ([record], _) = read("jsonl", path=tmp_path / "rankings.parquet")

    assert texts(record) == ["a", "b"]
    assert dict(record.completions[0].scores) == (scores or {})


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({}, "give 'path'"),
        ({"path": "x.jsonl", "repo_id": "o/d", "revision": "0" * 40}, "not both"),
        ({"repo_id": "o/d"}, "pinned 'revision'"),
        ({"repo_id": "o/d", "revision": "main"}, "pattern"),
    ],
)
def test_a_place_that_is_none_is_refused(settings: dict[str, str], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        source("jsonl", **settings)


def test_no_row_of_a_file_vanishes(tmp_path: Path) -> None:
    rows = [{"prompt": f"p{n}", "chosen": "a", "rejected": "ab"[n % 2]} for n in range(20)]
    records, skips = read("jsonl", path=lines(tmp_path / "rows.jsonl", rows))

    assert len(records) + len(skips) == 20
    assert reasons(skips) == {"source_identical_completions": 10}


@pytest.mark.parametrize(
    ("columns", "missing"), [({}, "chosen is missing"), ({"chosen": "better"}, "better is missing")]
)
def test_a_missing_column_is_told_with_the_names_that_are_there(
    tmp_path: Path, columns: dict[str, str], missing: str
) -> None:
    path = lines(tmp_path / "rows.jsonl", [{"prompt": "p", "good": "a", "rejected": "b"}])

    (_, [skip]) = read("jsonl", path=path, columns=columns)

    assert skip.reason == "source_missing_column"
    assert skip.detail.startswith(f"{missing}; the row's columns: prompt, good, rejected")
