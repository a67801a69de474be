"""Two completions of one prompt: when equal Japanese is a loss, and when it is right."""

from __future__ import annotations

import pytest

from prefdata.filters.judge import Judge
from prefdata.filters.view import blind
from prefdata.text.limits import Limits
from tests.records import a_pair


def reasons(chosen: tuple[str, str], rejected: tuple[str, str]) -> set[str]:
    """Judge (English, Japanese) of both sides, in both orders."""
    found = []
    for one, other in ((chosen, rejected), (rejected, chosen)):
        english = ("Go on.", one[0], other[0])
        view = blind(a_pair("続けて。", one[1], other[1], english=english)).view
        found.append({f.code for f in Judge(Limits()).comparison(view) if f.action == "drop"})
    assert found[0] == found[1]
    return found[0]


@pytest.mark.parametrize(
    ("chosen", "rejected", "japanese"),
    [
        ("You can swim here.", "You can't swim here.", "ここで泳げます。"),
        ("It opens at nine.", "It opens at ten.", "9時に開きます。"),
        ("Ask your doctor first.", "Ask a friend first.", "まず相談してください。"),
        ("I like tea.", "I love tea, it is the best drink there is.", "お茶が好きです。"),
        ("Yes, it is safe.", "No, it is not safe.", "安全です。"),
        ("Write x < 3 there.", "Write x > 3 there.", "そこにx < 3と書いてください。"),
        ("Great, thank you!", "That is sad.", "😂"),
    ],
)
def test_equal_japanese_of_different_english_is_a_collapsed_pair(
    chosen: str, rejected: str, japanese: str
) -> None:
    assert "pair_collapsed" in reasons((chosen, japanese), (rejected, japanese))


@pytest.mark.parametrize(
    ("chosen", "rejected", "japanese"),
    [
        ("The colour is grey.", "The color is gray.", "色はグレーです。"),
        ("I don't know.", "I do not know!", "わかりません。"),
        ("We're travelling by train.", "We are traveling by train", "電車で旅行しています。"),
        (
            "He realised it at the theatre.",
            "He realized it at the theater.",
            "彼は劇場で気づいた。",
        ),
        ("yes", "Yes.", "はい。"),
        ("😂😂", "😂 😂", "😂😂"),
    ],
)
def test_one_english_in_two_spellings_is_rightly_one_japanese(
    chosen: str, rejected: str, japanese: str
) -> None:
    assert reasons((chosen, japanese), (rejected, japanese)) == set()


@pytest.mark.parametrize(
    ("chosen", "rejected"),
    [("x < 3", "x > 3"), ("😂", "👍"), ("はい！", "はい。"), ("```\nf()\n```", "```\nf()")],
)
def test_native_answers_that_differ_by_a_mark_are_two(chosen: str, rejected: str) -> None:
    view = blind(a_pair("続けて。", chosen, rejected)).view
    assert "pair_collapsed" not in {f.code for f in Judge(Limits()).comparison(view)}


def test_native_answers_that_differ_by_a_blank_are_one() -> None:
    view = blind(a_pair("続けて。", "はい、そうです。", "はい、 そうです。\n")).view
    assert "pair_collapsed" in {f.code for f in Judge(Limits()).comparison(view)}


def test_unlike_english_that_became_nearly_one_japanese_is_a_collapsed_pair() -> None:
    chosen = (
        "Soak the beans overnight, then simmer them for an hour.",
        "豆は一晩水に浸してから、やわらかくなるまで1時間ほど煮てください。",
    )
    rejected = (
        "Beans? Dunno, boil em till soft i guess",
        "豆は一晩水に浸してから、やわらかくなるまで1時間ほど煮ましょう。",
    )
    assert "pair_collapsed" in reasons(chosen, rejected)


def test_short_replies_are_alike_by_chance() -> None:
    assert (
        reasons(("Right, exactly.", "はい、そうですね。"), ("Yes, it is.", "はい、そうです。"))
        == set()
    )
