"""What a quick look passes over is not there: it changes no finding."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefdata.text import latin, length, script
from prefdata.text.assess import assess
from prefdata.text.bitext import Bitext
from prefdata.text.masking import HOLE, mask
from prefdata.text.units import Comparison, units

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


@given(st.data())
def test_each_quantity_in_japanese_holds_a_sign_of_its_unit(data: st.DataObject) -> None:
    unit = data.draw(st.sampled_from(units()))
    quantity = data.draw(st.from_regex(unit.japanese, fullmatch=True))
    assert any(sign in quantity for sign in unit.signs)


@pytest.mark.parametrize(
    ("english", "japanese"),
    [("$7", "7円"), ("7 lbs", "7グラム"), ("seven pints", "7カップ"), ("7 ft", "7㍍")],
)
def test_a_quantity_moves_to_any_unit_of_its_kind(english: str, japanese: str) -> None:
    assert Comparison(Bitext(english, japanese)).moved() == ["7 in another unit"]


_TIMES = {
    "second": "秒", "minute": "分", "hour": "時間", "day": "日間", "week": "週間", "month": "か月",
    "year": "年",
}  # fmt: skip


@pytest.mark.parametrize("unit", _TIMES)
@pytest.mark.parametrize("other", _TIMES)
def test_a_duration_moves_to_any_other_unit_of_time(unit: str, other: str) -> None:
    seen = assess(f"Keep it for 7 {unit}s in there.", f"そこに7{_TIMES[other]}置いてください。")
    assert any(one.band == "unit" for one in seen) is (unit != other)


_ENGLISH = st.lists(
    st.sampled_from(
        [*"aI1_ \n\t.!?…\"')]”’“—,é（．\x1c", "Mr.", "e.g.", "J.", ". ", "\n1. ", "\n (2) ", HOLE]
    )
)


@given(_ENGLISH)
def test_english_sentences_are_counted_as_they_are_split(parts: list[str]) -> None:
    text = "".join(parts)
    typed = latin.typed(text)
    assert length.count_english_sentences(typed) == len(length.english_sentences(text))
    assert latin.count_english_words(typed) == len(latin.english_words(text))
    assert length.characters(typed) == len("".join(text.split()))


@pytest.mark.parametrize(
    "word", ["不過，", "可以用", "什么", "然后", "或者是", "孩子們", "非常好", "请问"]
)
def test_a_chinese_word_within_japanese_is_found(word: str) -> None:
    seen = assess("They left it there.", f"それは{word}そこに置いた。")
    assert "off_target_language" in [one.code for one in seen]


def test_one_word_that_is_foreign_in_two_ways_is_enough() -> None:
    seen = assess("They left it there.", "それはtrès、そこに置いた。")
    assert ("off_target_language", "latin") in [(one.code, one.band) for one in seen]
