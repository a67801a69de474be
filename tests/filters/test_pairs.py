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


LONG = (
    "The old bridge by the mill was built of oak, and it has carried carts and cattle since then."
)
WHOLE = "水車小屋のそばの古い橋は樫の木で造られ、それ以来ずっと荷車や牛を渡してきました。"
PADDED = (
    "水車小屋のすぐそばにある、あの古くて美しい橋は、とても丈夫な樫の木を使って丁寧に造られたもので、"
    "それ以来今日に至るまでずっと、たくさんの荷車や牛たちを渡してきたということなのです。"
)
OTHER = (
    "A new bridge of steel stands a mile down the river, and most people now drive over that one."
)
PLAIN = "1マイル下流には鋼鉄の新しい橋があり、今ではたいていの人がそちらを車で渡ります。"


def imbalance(chosen: tuple[str, str], rejected: tuple[str, str]) -> set[str]:
    view = blind(
        a_pair("続けて。", chosen[1], rejected[1], english=("Go.", chosen[0], rejected[0]))
    ).view
    found = Judge(Limits()).comparison(view)
    assert not [f for f in found if f.band == "sides" and f.action == "drop"]
    return {f.side for f in found if f.band == "sides" and f.action == "flag"}


def test_a_side_that_grew_twice_as_much_as_the_other_is_flagged() -> None:
    assert imbalance((LONG, PADDED), (OTHER, PLAIN)) == {"pair"}
    assert imbalance((OTHER, PLAIN), (LONG, PADDED)) == {"pair"}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((LONG, WHOLE), (OTHER, PLAIN)),
        ((LONG, WHOLE), ("Yes.", "はい、そのとおりだと思いますよ。")),
        (
            (LONG + " `" + "x = f(y) " * 20 + "`", WHOLE + "`" + "x = f(y) " * 20 + "`"),
            (OTHER, PLAIN),
        ),
    ],
)
def test_sides_of_their_own_length_are_not(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert imbalance(one, other) == set()
