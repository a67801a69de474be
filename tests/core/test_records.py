"""Records: ids, groups, derived pairs."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from records import a_pair, answer, preferences, say

from prefdata.core.records import Completion, digest, group_of, pairs_of_ranks, record_id


@pytest.mark.parametrize(
    ("ranks", "pairing", "expected"),
    [
        ([1, 2], "all", [(0, 1)]),
        ([1, 1], "all", []),
        ([1, 2, 3, 4], "all", [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]),
        ([1, 1, 3, 4], "all", [(0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]),
        ([1, 2, 3, 4], "best_worst", [(0, 3)]),
        ([1, 1, 1], "best_worst", []),
    ],
)
def test_a_ranking_yields_each_pair_of_different_ranks_once(
    ranks: list[int], pairing: str, expected: list[tuple[int, int]]
) -> None:
    assert list(pairs_of_ranks(ranks, pairing)) == expected


def test_both_languages_of_a_row_share_the_key_but_not_the_id() -> None:
    record = a_pair()

    assert record_id(record.pair_key, "en") != record_id(record.pair_key, "ja")


@given(st.lists(st.text(), max_size=4), st.lists(st.text(), max_size=4))
def test_two_different_lists_never_share_a_digest(left: list[str], right: list[str]) -> None:
    assert (digest(*left) == digest(*right)) == (left == right)


def test_a_dialogue_and_its_continuation_are_one_group() -> None:
    short = say("How do I cook rice?")
    long = say("  how do I  cook rice? ", "In a pot.", "And then?")

    assert group_of(short) == group_of(long)
    assert group_of(short) != group_of(say("How do I cook pasta?"))


def test_swapping_a_pair_twice_gives_it_back() -> None:
    pair = a_pair(english=("Where is it?", "Straight on.", "No idea."))

    assert pair.swapped().chosen == pair.rejected
    assert pair.swapped().swapped() == pair


@given(preferences())
def test_only_keeps_text_and_original_together(record) -> None:  # type: ignore[no-untyped-def]
    kept = record.only([0])

    assert kept.completions == record.completions[:1]
    assert kept.original is None or kept.original.completions == record.original.completions[:1]


def test_a_side_is_named_by_what_people_preferred() -> None:
    pair = a_pair()
    ranking = replace(
        pair, kind="ranking", completions=(*pair.completions, Completion(answer("さあ"), 3))
    )

    assert [pair.side(n) for n in (0, 1)] == ["chosen", "rejected"]
    assert ranking.side(2) == "completion_2"
