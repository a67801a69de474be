"""Laws of the filter stage over any mix of good and broken texts: blind, conserving, levelled."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prefdata.core.finding import Finding
from prefdata.core.records import Completion, Message, Original, Preference
from prefdata.core.stage import Context
from prefdata.filters.stage import FilterStage
from tests.records import a_pair, answer, say

STAGE = FilterStage(FilterStage.Config.from_tree({}), Context())
ENGLISH = "The museum opens at 9 and closes at 5 on weekdays."
# One English text and what a translator made of it, and others that go with it in a pair.
TEXTS = [
    (ENGLISH, "博物館は平日の9時に開き、5時に閉まります。"),
    (ENGLISH, "博物館は平日の9時に開き、"),
    (ENGLISH, "博物館は平日の9時に開き、6時に閉まります。"),
    (ENGLISH, ENGLISH),
    (ENGLISH, "以下は日本語訳です。\n\n博物館は平日の9時に開き、5時に閉まります。"),
    ("It opens at 10 and closes at 6.", "10時に開き、6時に閉まります。"),
    ("It opens at 10 and closes at 6.", "9時に開き、5時に閉まります。"),
    ("It opens at 9 and closes at 5.", "10時に開き、6時に閉まります。"),
    ("I do not know.", "わかりません。"),
    ("I do not know.", "博物館は平日の9時に開き、5時に閉まります。"),
    ("No idea, sorry.", "わかりません。"),
    ("Sure.", ""),
]
texts = st.sampled_from(TEXTS)


def a_ranking(sides: list[tuple[str, str]], prompt: tuple[str, str]) -> Preference:
    """Return a record of two or more completions, all of the first rank's order."""
    completions = tuple(Completion(answer(ja), n) for n, (_, ja) in enumerate(sides, 1))
    original = Original("en", say(prompt[0]), tuple(answer(en) for en, _ in sides))
    kind = "pair" if len(sides) == 2 else "ranking"
    return replace(
        a_pair(), kind=kind, prompt=say(prompt[1]), completions=completions, original=original
    )


def found(record: Preference) -> tuple[Finding, ...]:
    ((_, findings),) = STAGE.judged([record])
    return findings


def by_text(record: Preference) -> set[tuple[str, str, str, float | None, str]]:
    """Return findings with the text of their side in the place of its name."""
    sides = {record.side(n): str(c.messages) for n, c in enumerate(record.completions)}
    return {
        (f.code, f.band, sides.get(f.side, f.side), f.measured, f.action) for f in found(record)
    }


@given(texts, texts, texts)
@settings(deadline=None)
def test_swapping_chosen_and_rejected_never_changes_a_verdict(
    prompt: tuple[str, str], one: tuple[str, str], other: tuple[str, str]
) -> None:
    pair = a_ranking([one, other], prompt)
    turned = pair.swapped()
    reasons = [{f.code for f in found(record) if f.action == "drop"} for record in (pair, turned)]
    assert reasons[0] == reasons[1]
    before, after = by_text(pair), by_text(turned)
    if one[1] != other[1]:  # else the two sides cannot be told by their text
        assert before == after
    causes = [next((f.code for f in found(record)), None) for record in (pair, turned)]
    assert causes[0] == causes[1]


@given(st.lists(texts, min_size=3, max_size=3, unique_by=lambda text: text[1]), texts)
@settings(deadline=None, max_examples=30)
def test_the_order_of_a_ranking_changes_no_finding(
    sides: list[tuple[str, str]], prompt: tuple[str, str]
) -> None:
    assert len({frozenset(by_text(a_ranking(list(p), prompt))) for p in permutations(sides)}) == 1


@given(st.lists(st.tuples(texts, texts, texts), max_size=5))
@settings(deadline=None)
def test_a_batch_is_judged_as_its_records_one_by_one(
    rows: list[tuple[tuple[str, str], tuple[str, str], tuple[str, str]]],
) -> None:
    records = [a_ranking([one, other], prompt) for prompt, one, other in rows]
    outcome = STAGE(records)
    alone = [STAGE([record]) for record in records]
    assert list(outcome.kept) == [r for one in alone for r in one.kept]
    assert list(outcome.dropped) == [r for one in alone for r in one.dropped]
    assert len(outcome.kept) + len(outcome.dropped) == len(records)


CUT = "博物館は平日の9時に開き、"


@pytest.mark.parametrize(
    ("level", "prompt", "sides"),
    [
        ("prompt", (ENGLISH, CUT), [TEXTS[0], TEXTS[8]]),
        ("chosen", TEXTS[8], [(ENGLISH, CUT), TEXTS[8]]),
        ("rejected", TEXTS[8], [TEXTS[8], (ENGLISH, CUT)]),
        ("pair", TEXTS[8], [TEXTS[8], ("No idea, sorry.", "わかりません。")]),
    ],
)
def test_a_finding_names_its_level(
    level: str, prompt: tuple[str, str], sides: list[tuple[str, str]]
) -> None:
    dropping = [f for f in found(a_ranking(sides, prompt)) if f.action == "drop"]
    assert {f.side for f in dropping} == {level}
    assert {f.turn for f in dropping} == {-1 if level == "pair" else 0}


def test_a_finding_of_a_conversation_names_its_turn() -> None:
    pair = a_ranking([TEXTS[0], TEXTS[8]], TEXTS[8])
    assert pair.original is not None
    longer = replace(
        pair,
        prompt=(*pair.prompt, Message("assistant", CUT), Message("user", "それで？")),
        original=replace(
            pair.original,
            prompt=(*pair.original.prompt, Message("assistant", ENGLISH), Message("user", "So?")),
        ),
    )
    assert {(f.side, f.turn) for f in found(longer) if f.action == "drop"} == {("prompt", 1)}
