"""Texts that break naive code: none raises, each gets a verdict in bounded time."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prefdata.text.assess import problems
from prefdata.text.lexicon import ENGLISH, JAPANESE
from prefdata.text.patterns import names, pattern
from prefdata.text.repair import repair

MANY = 150_000
SECONDS = 20.0  # of CPU, on a busy machine; quadratic work on these texts takes minutes

HOSTILE = {
    "empty": ("", ""),
    "one turn of 150,000 characters": ("The cat sat. " * 11_000, "猫が座った。" * 25_000),
    "one character again and again": ("x", "あ" * MANY),
    "digits": ("9" * MANY, "8" * MANY),
    "open brackets": ("x", "「" * MANY),
    "backticks": ("x", "`" * MANY),
    "dollars": ("x", "$ a" * (MANY // 3)),
    "open tags": ("x", "<a " * (MANY // 3)),
    "fences": ("x", "```\n" * (MANY // 4)),
    "an item that looks like a price": ("Pay as you like.", "1.ドルです。\n2.円です。"),
    "an unclosed fence": ("Use it.", "```\n使う"),
    "markers": ("x", "\nHuman: あ" * (MANY // 10)),
    "names in odd letters": ("ſystem: x", "ſystem: あ\naİ: い"),
    "addresses": ("a@b.com " * 20_000, "a@" * MANY),
    "links": ("http://a " * 15_000, "http://" * 20_000),
    "commas": ("1," * MANY, "2," * MANY),
    "list items": ("- a\n" * 30_000, "- あ\n" * 30_000),
    "pronouns": ("x", "彼女は彼女の" * (MANY // 6)),
    "refusals": ("x", "お答えこの翻訳" * (MANY // 7)),
    "questions": ("?" * MANY, "？" * MANY),
    "near periods": ("x", "あいうえおか" * (MANY // 6) + "ん"),
    "half-width kana": ("x", "ｱｲｳ" * (MANY // 3)),
    "emoji": ("😂", "😂" * MANY),
    "NUL": ("x", "\x00" * MANY),
    "half characters": ("\udc00x", "あ\ud83dい"),
    "line ends": ("a\r\nb\rc", "あ\r\nい\rう\n"),
    "Hebrew": ("x", "שלום " * (MANY // 5)),
    "mojibake": ("x", "ã‚«ãƒ•" * (MANY // 5)),
    "LaTeX": ("x", "\\begin{a}" * (MANY // 9)),
    "empty lines": ("\n" * MANY + "x", "\n" * MANY + "あ"),
    "lines of blanks": ("\n " * MANY + "x", "\n　" * MANY + "あ"),
    "dots": ("." * MANY + "x", "。" * MANY + "あ"),
    "question marks before a word": ("?!" * MANY + "x", "？" * MANY + "あ"),
    "one word": ("x" * MANY, "x" * MANY),
    "joined words": ("a-" * MANY, "a-" * MANY),
    "blanks within a line": (" " * MANY + "x ", "あ" + " " * MANY + "あ "),
    "wide digits": ("9 cents", "９" * MANY + "セント"),
    "a command again and again": ("ls" + " -a" * MANY + "\n!", "ls" + " -a" * MANY + "\n!"),
}


@pytest.mark.parametrize(("source", "target"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_text_gets_a_verdict_in_bounded_time(source: str, target: str) -> None:
    begun = time.process_time()
    cleaned, _ = repair(source, target)
    assert isinstance(problems(source, cleaned, role="user", kind="hh"), tuple)
    assert time.process_time() - begun < SECONDS


SIGNS = "\n 　\taあ漢ｱ1１一。、.,!?！？「」()[]<>*_`$|#-@＠:'/%年円です😂\u3099\x00"
LONGER = ("\r\n", "```", "- ", "1. ", "[1]", "http://", "a@b.c", "<a ", "\\[", "Human: ")
WORDS = ("以下は", "丁目", "万", "ない", "not ", "million ")
PIECES = st.lists(st.sampled_from([*SIGNS, *LONGER, *WORDS]), min_size=1, max_size=4)


@given(PIECES, PIECES, PIECES, st.sampled_from(["user", "assistant"]))
@settings(max_examples=12, deadline=None)
def test_what_comes_again_and_again_before_something_else_takes_bounded_time(
    english: list[str], japanese: list[str], tail: list[str], role: str
) -> None:
    source, target = ("".join(p) * (30_000 // len(p)) + "".join(tail) for p in (english, japanese))
    begun = time.process_time()
    cleaned, _ = repair(source, target)
    assert isinstance(problems(source, cleaned, role=role), tuple)
    assert isinstance(problems(None, target, role=role), tuple)
    assert time.process_time() - begun < SECONDS


def test_fifty_turns_within_one_text_are_counted() -> None:
    turns = "".join(f"\n\nHuman: はい{n}。\n\nAssistant: いいえ。" for n in range(25))
    assert "hallucinated_turn" in problems("Fine.", "大丈夫です。" + turns)


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_two_texts_get_a_verdict(source: str, target: str) -> None:
    assert isinstance(problems(source, target), tuple)
    assert isinstance(problems(None, target), tuple)


@given(
    st.text(
        st.sampled_from("あのはです。、「」？\n- 123[]`$<>|#*:：Human訳または漢字彼女ab "),
        max_size=80,
    )
)
def test_any_japanese_of_marks_and_words_gets_a_verdict(target: str) -> None:
    assert isinstance(problems("Write a list of 3 things.\n- one [1]\n- `two`", target), tuple)
    cleaned, _ = repair("x", target)
    assert repair("x", cleaned)[0] == cleaned


@settings(max_examples=30)
@pytest.mark.parametrize("name", names(""))
@given(st.data())
def test_looking_for_words_and_parts_first_changes_no_result(
    name: str, data: st.DataObject
) -> None:
    one = pattern(name)
    text = data.draw(st.from_regex(one.regex))
    lexicon = ENGLISH if all(map(str.isascii, one.words)) else JAPANESE
    wanted = one.regex.search(text)  # none where what is drawn breaks a condition on what precedes
    for found in (one.search(text), one.search(text, lexicon.terms(text))):
        assert (found and found.span()) == (wanted and wanted.span())
