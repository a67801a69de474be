"""The words that rules look for are found as ``in`` finds them, whatever stands beside them."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from prefdata.text.lexicon import ENGLISH, JAPANESE
from prefdata.text.patterns import names, pattern

_JAPANESE = sorted(word for name in names("") for word in pattern(name).words if not word.isascii())
_ENGLISH = sorted(
    word for name in names("") for word in pattern(name).words if word.isalpha() and word.isascii()
)


@given(
    st.lists(
        st.sampled_from([*_JAPANESE, "猫", "。", "\n", "\ud800", "A", "か", "翻"]), max_size=12
    )
)
def test_japanese_words_are_found_wherever_they_stand(parts: list[str]) -> None:
    text = "".join(parts)
    assert JAPANESE.terms(text) & set(_JAPANESE) == {word for word in _JAPANESE if word in text}


@given(
    st.lists(
        st.sampled_from([*_ENGLISH, "cat", " ", "-", "'", "5", ".", "é", "X", "\ud800"]),
        max_size=12,
    )
)
def test_english_words_are_found_between_whatever_is_no_letter(parts: list[str]) -> None:
    text = "".join(parts)
    runs = set(re.findall("[a-z]+", text.lower()))
    assert ENGLISH.terms(text) & set(_ENGLISH) == runs & set(_ENGLISH)
