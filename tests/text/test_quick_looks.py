"""What a quick look passes over is not there: it changes no finding."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefdata.text import script
from prefdata.text.assess import assess
from prefdata.text.masking import HOLE, mask

_LETTERS = st.text(st.sampled_from("aあア漢時时ｱＡ１1、◇ー々\x00\x85\ud800é〜"), max_size=12)


@pytest.mark.parametrize("before", ["", "と", "とて", "とても"])
@pytest.mark.parametrize("times", [9, 10])
def test_a_letter_drawn_out_ten_times_is_found_wherever_it_begins(before: str, times: int) -> None:
    seen = assess("It was far.", before + "遠" + "い" * times + "所でした。")
    assert any(one.band == "character" for one in seen) is (times == 10)


@pytest.mark.parametrize("before", range(21))
def test_forty_digits_are_masked_wherever_they_begin(before: int) -> None:
    assert mask("a" * before + "7" * 40 + "b").text == "a" * before + HOLE + "b"
    assert mask("a" * before + "7" * 39 + "b").text == "a" * before + "7" * 39 + "b"


@given(_LETTERS)
def test_the_scripts_of_a_text_are_those_of_its_characters(text: str) -> None:
    assert script.scripts(text) == frozenset().union(*map(script.scripts, text))
    assert not (script.is_usual(text) and script.WIDE.search(text))
