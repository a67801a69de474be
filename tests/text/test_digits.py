"""Numbers are found where they begin, in whatever digits."""

from __future__ import annotations

import re
import sys

import pytest

from prefdata.text.bitext import Bitext
from prefdata.text.dates import changed_ordinals
from prefdata.text.digits import beginnings, matches
from prefdata.text.numbers import (
    english_figures,
    japanese_figures,
    japanese_integers,
    plain_figures,
)


def test_a_digit_of_any_script_begins_a_number() -> None:
    digits = [c for c in map(chr, range(sys.maxunicode + 1)) if c.isdecimal()]
    assert len(digits) > 600
    assert all(matches(re.compile(r"\d"), f"é {digit}") for digit in digits)


@pytest.mark.parametrize(
    "text", ["two of 12,000 in 3.5", "１２ and 34５ twos", "5two", "no number"]
)
def test_matches_are_those_of_a_scan(text: str) -> None:
    pattern = re.compile(r"\d[\d,.]*|two\b")
    found = [match.span() for match in matches(pattern, text, beginnings(text, ["two"]))]
    assert found == [match.span() for match in pattern.finditer(text)]


@pytest.mark.parametrize(
    ("english", "plain"),
    [
        ("It takes 10 days, $25 and (in all) 2-4 cups.", {10.0, 25.0, 2.0, 4.0}),
        ("about 5 million, 2.5 billion or at 5.30 pm of 3-million", set()),
        ("about 1,000 or 2.5 of 12,345.6 and 1234,567", {1000.0, 2.5}),
        ("1. tea\n2) at 7\n3. B2B and 5GB, on a COVID-19", set()),
    ],
)
def test_plain_figures_are_figures(english: str, plain: set[float]) -> None:
    assert plain_figures(english) == plain
    assert plain <= frozenset().union(*english_figures(english))


def test_japanese_integers_leave_no_figure() -> None:
    assert japanese_integers("3月10日に5人") == {3.0, 10.0, 5.0}
    assert japanese_figures("3月10日に5人", {3.0, 10.0, 5.0}) == []
    for other in ("3万円", "1,000人", "2.5倍", "5時半", "3割", "5ドル30セント", "٣人"):
        assert japanese_integers(other) is None


def test_an_ordinal_in_odd_letters_is_none() -> None:
    assert list(changed_ordinals(Bitext("The firſt edition.", "第2版です。"))) == []
