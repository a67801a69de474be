"""The drift report: which side loses more, and what translation did to length and register."""

from __future__ import annotations

from typing import Any

from prefdata.core.finding import Finding
from prefdata.filters.drift import drift
from tests.records import a_pair

ENGLISH = ("How far is it?", "It is five minutes away.", "No.")


def a_drop(code: str, side: str) -> dict[str, Any]:
    return {"findings": [Finding(code, side, 0, 1.0, 1.0)]}


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
        "english_characters": None,
        "japanese_characters": None,
        "polite_share": None,
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
