"""The drift report: which side loses more, and what translation did to length and register."""

from __future__ import annotations

from typing import Any

from prefdata.core.finding import Finding
from prefdata.filters.drift import drift
from tests.records import a_pair

ENGLISH = ("How far is it?", "It is five minutes away.", "No.")


NOTHING = {"english_characters": None, "japanese_characters": None, "polite_share": None}


def a_drop(code: str, side: str) -> dict[str, Any]:
    return {"findings": [Finding(code, side, 0, 1.0, 1.0)], "record": None}


def test_drops_are_counted_by_the_side_that_caused_them() -> None:
    rows = [
        a_drop("truncated", "chosen"),
        a_drop("truncated", "chosen"),
        a_drop("refusal", "prompt"),
    ]
    sides = drift([], rows)["sides"]
    assert sides["chosen"] == {
        "dropped": 2,
        "reasons": {"truncated": 2},
        **NOTHING,
        "before": NOTHING,
    }
    assert sides["prompt"]["reasons"] == {"refusal": 1}


def test_lengths_registers_and_margins_stand_side_by_side() -> None:
    record = a_pair(
        "どのくらい遠いですか？",
        "5分です。",
        "まったく知らないのだ、そんなことは。",
        english=ENGLISH,
    )
    found = drift([record], [])
    assert found["sides"]["chosen"]["polite_share"] == 1.0
    assert found["sides"]["rejected"]["polite_share"] in (0.0, None)
    assert found["margin"]["english"] > 0 > found["margin"]["japanese"]
    assert found["margin"]["turned"] == 1


def test_what_was_dropped_counts_before_and_not_after() -> None:
    short = a_pair("何分？", "5分です。", "知らない。", english=ENGLISH)
    long = a_pair("何分？", "5分です。" * 9, "知らない。", english=ENGLISH)
    row = {"findings": [Finding("repetition_loop", "chosen", 0, 9.0, 4.0)], "record": long}
    chosen = drift([short], [row])["sides"]["chosen"]
    assert chosen["dropped"] == 1
    assert chosen["japanese_characters"] < chosen["before"]["japanese_characters"]
