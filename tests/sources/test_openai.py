"""webgpt_comparisons and summarize_from_feedback, in both of their layouts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefdata.core.records import Preference
from prefdata.sources.webgpt_comparisons import clean_question, strip_citations
from tests.sources.reading import lines, read, reasons, source, texts

WEBGPT = ("webgpt_comparisons.hf-schema", "webgpt_comparisons.raw-layout")
COMPARED = (
    "summarize_from_feedback.comparisons.hf-schema",
    "summarize_from_feedback.comparisons.raw-layout",
)


def everything(records: list[Preference]) -> str:
    """All that leaves a source, as one text."""
    return "\n".join(map(repr, records))


def by_layout(fixtures: Path, use: str, names: tuple[str, str], **settings: Any) -> Any:
    return [read(use, path=fixtures / f"{name}.fixture.jsonl", **settings) for name in names]


@pytest.mark.parametrize("settings", [{}, {"ties": "keep"}, {"citations": "strip"}])
def test_both_webgpt_layouts_give_the_same_texts(fixtures: Path, settings: dict[str, str]) -> None:
    hub, raw = by_layout(fixtures, "webgpt_comparisons", WEBGPT, **settings)

    def content(records: list[Preference]) -> list[Any]:
        return [(r.prompt, r.completions, r.margin, r.group) for r in records]

    assert content(hub[0]) == content(raw[0])
    assert reasons(hub[1]) == reasons(raw[1])
    assert len(hub[0]) + len(hub[1]) == 14


def test_webgpt_ties_are_dropped_and_counted(fixtures: Path) -> None:
    (records, skips), _ = by_layout(fixtures, "webgpt_comparisons", WEBGPT)

    assert reasons(skips) == {
        "source_tie": 3,
        "source_empty_completion": 1,
        "source_identical_completions": 1,
    }
    assert not any(skip.bad for skip in skips)
    assert all(list(record.pairs()) == [(0, 1)] for record in records)


def test_webgpt_ties_that_are_kept_give_no_pair(fixtures: Path) -> None:
    (records, _), _ = by_layout(fixtures, "webgpt_comparisons", WEBGPT, ties="keep")
    ties = [record for record in records if record.margin == 0]

    assert len(ties) == 2
    assert all(list(tie.pairs()) == [] for tie in ties)


def test_the_higher_score_is_chosen_and_the_difference_is_the_margin(fixtures: Path) -> None:
    (records, _), _ = by_layout(fixtures, "webgpt_comparisons", WEBGPT)

    assert texts(records[1])[0].startswith("Short waves")
    assert records[1].margin == 2.0
    assert [dict(c.scores)["score"] for c in records[1].completions] == [1.0, -1.0]


def test_quotes_and_tokens_never_leave_the_source(fixtures: Path) -> None:
    (records, _), _ = by_layout(fixtures, "webgpt_comparisons", WEBGPT, ties="keep")

    for hidden in ("tides.example", "sea.example", "Water rises", "prefix", "100, 101"):
        assert hidden not in everything(records)


def test_each_origin_of_questions_is_a_layer_of_its_own(fixtures: Path) -> None:
    (records, _), _ = by_layout(fixtures, "webgpt_comparisons", WEBGPT)
    artifacts = {layer.artifact for r in records for layer in r.origin.layers}

    assert artifacts == {
        "openai/webgpt_comparisons",
        "openai/webgpt_comparisons eli5",
        "openai/webgpt_comparisons triviaqa",
        "openai/webgpt_comparisons arc-challenge",
    }


@pytest.mark.parametrize(
    ("answer", "stripped"),
    [
        ("Light goes [1].", "Light goes."),
        ("first [1][2], so [2].", "first, so."),
        ("both [1, 2] and [1,2].", "both and."),
        ("(a myth, mostly) [1]", "(a myth, mostly)"),
        ("[no pun intended] [12].", "[no pun intended]."),
        ("see the figure [3] there", "see the figure there"),
        ("`list[0]` and `x[1]` [1].", "`list[0]` and `x[1]`."),
        ("list[0] counts from 0", "list[0] counts from 0"),
        ("https://example.org/wifi?x=[1] lists", "https://example.org/wifi?x=[1] lists"),
        ("[a] [1a] [1.2] [-1]", "[a] [1a] [1.2] [-1]"),
        ("```\na[1]\n``` [1]", "```\na[1]\n```"),
    ],
)
def test_citations_are_stripped_and_nothing_else(answer: str, stripped: str) -> None:
    assert strip_citations(answer) == stripped


@given(st.text(alphabet="ab (),.!?\n「」", max_size=60), st.integers(1, 99))
def test_stripping_deletes_only_the_citation(text: str, n: int) -> None:
    assert strip_citations(text) == text
    assert strip_citations(f"{text}x [{n}]") == f"{text}x"


@pytest.mark.parametrize(
    ("question", "cleaned"),
    [
        ("Why is ice slippery?\n\n[removed]", "Why is ice slippery?"),
        ("Why?\n\n[deleted]\n\nEdit: thanks", "Why?\n\nEdit: thanks"),
        ("Why do posts say [removed]?", "Why do posts say [removed]?"),
        ("Title\n\nbody with a list:\n\n- one", "Title\n\nbody with a list:\n\n- one"),
        ("[deleted]", ""),
    ],
)
def test_what_reddit_left_of_deleted_text_goes(question: str, cleaned: str) -> None:
    assert clean_question(question) == cleaned


def webgpt_row(**changed: Any) -> dict[str, Any]:
    row = {
        "question": {"dataset": "eli5", "id": "x", "full_text": "q"},
        "answer_0": "a", "score_0": 1.0, "answer_1": "b", "score_1": -1.0,
    }  # fmt: skip
    return {**row, **changed}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (webgpt_row(question={"dataset": "eli5", "full_text": "[removed]"}),
         "source_removed_text"),
        (webgpt_row(question={"dataset": "eli5", "full_text": " "}), "source_no_prompt"),
        (webgpt_row(question={"dataset": "mystery", "full_text": "q"}), "source_bad_value"),
        (webgpt_row(score_1=None), "source_missing_column"),
        (webgpt_row(score_1="1.0"), "source_wrong_type"),
        (webgpt_row(answer_0=["a"]), "source_wrong_type"),
        ([{"question": {}}], "source_wrong_type"),
    ],
)  # fmt: skip
def test_webgpt_rows_that_are_no_comparison(tmp_path: Path, row: Any, reason: str) -> None:
    _, [skip] = read("webgpt_comparisons", path=lines(tmp_path / "rows.jsonl", [row]))

    assert skip.reason == reason


def test_both_layouts_of_comparisons_give_the_same_texts(fixtures: Path) -> None:
    hub, raw = by_layout(fixtures, "summarize_from_feedback", COMPARED)

    def content(records: list[Preference]) -> list[Any]:
        return [(r.prompt, r.completions, r.margin, r.group, r.origin.split) for r in records]

    assert content(hub[0]) == content(raw[0])
    assert reasons(hub[1]) == {"source_identical_completions": 1, "source_empty_completion": 1}
    assert len(hub[0]) == 7


def test_choice_is_the_preferred_summary_and_confidence_the_margin(fixtures: Path) -> None:
    (records, _), _ = by_layout(fixtures, "summarize_from_feedback", COMPARED)

    assert texts(records[1]) == [
        "My neighbour plays the drums at night; how do I get him to stop?",
        "I moved.",
    ]
    assert [record.margin for record in records[:2]] == [None, 8.0]


def test_the_prompt_is_a_post_or_an_article_in_the_stated_layout(fixtures: Path) -> None:
    (records, _), _ = by_layout(fixtures, "summarize_from_feedback", COMPARED)
    article = next(r for r in records if "ARTICLE" in r.prompt[0].content)
    short = next(r for r in records if "No id" in r.prompt[0].content)

    assert short.prompt[0].content == (
        "SUBREDDIT: r/tifu\n\nTITLE: No id\n\nPOST: Short post.\n\nTL;DR:"
    )
    assert article.prompt[0].content == (
        "TITLE: Bridge opens\n\nARTICLE: The new bridge opened on Monday.\n\n"
        "It is 900 metres long.\n\nTL;DR:"
    )


def test_workers_and_notes_stay_behind(fixtures: Path, shared_data: Path) -> None:
    (records, _), _ = by_layout(fixtures, "summarize_from_feedback", COMPARED)
    real, _ = read("summarize_from_feedback", path=shared_data / "summarize_from_feedback")

    assert "wFIXTURE" not in everything(records)
    assert "ikNmucwunMnYJCQpnq6ZYb57OW7NiD" not in everything(real)
    assert "Unclear what happened" not in everything(real)


def test_who_wrote_post_and_summaries_decides_the_layers(fixtures: Path) -> None:
    (records, _), _ = by_layout(fixtures, "summarize_from_feedback", COMPARED)
    own = "openai/summarize_from_feedback"

    def artifacts(record: Preference) -> list[tuple[str, str]]:
        return [(layer.role, layer.artifact) for layer in record.origin.layers]

    assert artifacts(records[0]) == [
        ("source_text", f"{own} reddit_posts"),
        ("response", f"{own} human_reference"),
        ("response", f"{own} labels_and_model_summaries"),
        ("label", f"{own} labels_and_model_summaries"),
    ]
    models_only = next(r for r in records if r.margin == 9.0)
    assert ("response", f"{own} human_reference") not in artifacts(models_only)
    article = next(r for r in records if "ARTICLE" in r.prompt[0].content)
    assert ("source_text", f"{own} cnndm_articles") in artifacts(article)


@pytest.mark.parametrize(
    ("split", "kept"), [("train", 3), ("valid1", 1), ("validation", 4), ("test", 0)]
)
def test_rows_tell_their_own_split(fixtures: Path, split: str, kept: int) -> None:
    records, skips = read(
        "summarize_from_feedback", path=fixtures / f"{COMPARED[1]}.fixture.jsonl", split=split
    )

    assert len(records) == kept
    assert len(records) + len(skips) == 9


def axis_row(post: str, summary: str, overall: int | None, **more: Any) -> dict[str, Any]:
    axes = {"overall": overall, "accuracy": 6}
    return {
        "info": {"id": "t3_x", "post": post, "title": "t", "subreddit": "tifu"},
        "summary": {"text": f" {summary}", "policy": "sup4", "note": "n", "axes": axes},
        "worker": "w", "batch": "tldraxis1", "split": "valid2", **more,
    }  # fmt: skip


def test_ratings_of_a_post_become_one_ranking_wherever_its_rows_stand(tmp_path: Path) -> None:
    rows = [
        axis_row("one", "A", 3),
        axis_row("two", "X", 5),
        axis_row("one", "B", 7),
        axis_row("one", "C", 3),
        axis_row("two", "Y", 4),
        axis_row("one", "A", 5),
        axis_row("alone", "Z", 1),
        axis_row("one", "D", None),
    ]

    records, skips = read(
        "summarize_from_feedback", path=lines(tmp_path / "axis.jsonl", rows), subset="axis"
    )

    assert [texts(record) for record in records] == [["B", "A", "C"], ["X", "Y"]]
    assert [c.rank for c in records[0].completions] == [1, 2, 3]
    assert dict(records[0].completions[1].scores) == {"overall": 4.0, "accuracy": 6.0}
    assert records[0].margin == 4.0
    assert reasons(skips) == {"source_too_few_completions": 1, "source_no_score": 1}
    assert {record.kind for record in records} == {"ranking"}


def test_a_post_whose_summaries_are_rated_alike_is_a_tie_in_each_row(tmp_path: Path) -> None:
    rows = [axis_row("one", "A", 3), axis_row("one", "B", 3)]

    _, skips = read("summarize_from_feedback", path=lines(tmp_path / "axis.jsonl", rows))

    assert [(s.row, s.reason) for s in skips] == [
        ("axis.jsonl:1", "source_tie"),
        ("axis.jsonl:2", "source_tie"),
    ]


def test_a_subset_leaves_the_other_rows_out_by_name(fixtures: Path) -> None:
    _, skips = read(
        "summarize_from_feedback",
        path=fixtures / "summarize_from_feedback.axis.hf-schema.fixture.jsonl",
        subset="comparisons",
    )

    assert reasons(skips) == {"source_other_layout": 3}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"choice": 2}, "source_bad_value"),
        ({"choice": True}, "source_wrong_type"),
        ({"choice": None}, "source_missing_column"),
        ({"summaries": [{"text": "a", "policy": "x"}]}, "source_bad_value"),
        ({"info": {"title": "t"}}, "source_no_prompt"),
        ({"info": None}, "source_missing_column"),
    ],
)
def test_comparisons_that_are_none(
    fixtures: Path, tmp_path: Path, change: dict[str, Any], reason: str
) -> None:
    text = (fixtures / f"{COMPARED[0]}.fixture.jsonl").read_text(encoding="utf-8")
    row = {**json.loads(text.splitlines()[1]), **change}

    _, [skip] = read("summarize_from_feedback", path=lines(tmp_path / "rows.jsonl", [row]))

    assert skip.reason == reason


def test_the_real_rows_of_both_kinds_are_read(shared_data: Path) -> None:
    records, skips = read("summarize_from_feedback", path=shared_data / "summarize_from_feedback")

    assert [record.margin for record in records] == [8.0]
    assert texts(records[0])[0].startswith("we suspect other party")
    assert reasons(skips) == {"source_too_few_completions": 1}


@pytest.mark.parametrize(
    "use",
    ["webgpt_comparisons", "summarize_from_feedback", "synthetic_instruct_gptj_pairwise"],
)
def test_what_has_no_known_commit_can_be_planned_but_says_how_to_be_read(use: str) -> None:
    built = source(use)

    assert built.layers()
    with pytest.raises(Exception, match="no commit of") as error:
        list(built.records())
    assert "refs/convert/parquet" in error.value.fix
