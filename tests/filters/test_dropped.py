"""What a drop log tells of a record: the texts behind its cause, each under its language."""

from __future__ import annotations

from dataclasses import replace

from prefdata.core.finding import Finding
from prefdata.filters.dropped import texts_of
from tests.records import a_pair

ENGLISH = ("Any rhymes for moon?", "June.", "Cat.")
JAPANESE = ("moonと韻を踏む語は？", "6月。", "猫。")


def test_a_translated_turn_has_both_texts() -> None:
    record = a_pair(*JAPANESE, english=ENGLISH)
    assert texts_of(record, Finding("truncated", "chosen", 0)) == ("June.", "6月。")
    assert texts_of(record, Finding("pair_collapsed", "pair")) == ("June. ⇔ Cat.", "6月。 ⇔ 猫。")


def test_what_left_before_its_translation_is_english() -> None:
    record = replace(a_pair(*ENGLISH), lang="en")
    found = texts_of(record, Finding("language_dependent_task", "prompt", 0))
    assert found == ("Any rhymes for moon?", "")


def test_a_native_text_is_japanese() -> None:
    assert texts_of(a_pair(*JAPANESE), Finding("mojibake", "rejected", 0)) == ("", "猫。")
