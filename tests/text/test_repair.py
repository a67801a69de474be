"""Repairs: what is taken away, and what looks like it and stays."""

from __future__ import annotations

import pytest

from prefdata.text.repair import repair

MENDED = [
    ("Let it cool.", "「冷まします。」", "冷まします。"),
    ("Let it cool.", "```\n冷まします。\n```", "冷まします。"),
    ("Let it cool.", "以下は日本語訳です。\n\n冷まします。", "冷まします。"),
    ("Let it cool.", "承知しました。以下が翻訳です：\n冷まします。", "冷まします。"),
    ("Let it cool.", "日本語訳：冷まします。", "冷まします。"),
    ("Let it cool.", "冷まします。<|im_end|>\n<|im_start|>user", "冷まします。"),
    ("Let it cool.", "<target>冷まします。</target>", "冷まします。"),
    ("Turn on the fan.", "ﾌｧﾝをつけます。", "ファンをつけます。"),
    ("Open the PDF.", "ＰＤＦを開きます。", "PDFを開きます。"),
    ("Open Windows.", "Ｗｉｎｄｏｗｓを開きます。", "Windowsを開きます。"),
    ("One.\nTwo.", "一。\r\n二。  ", "一。\n二。"),
]
KEPT = [
    ('"Let it cool," she said.', "「冷まして」と彼女は言った。"),
    ('"Let it cool."', "「冷まして。」"),
    ("He said yes and no.", "「はい」とも「いいえ」"),
    ("Use this:\n```\nx = 1\n```", "```\nx = 1\n```"),
    ("First x, then y.", "```\nx = 1\n```\n\n```\ny = 2\n```"),
    ("Here is a translation of the poem.", "以下は詩の訳です。\n\n春が来た。"),
    ("What follows is important.", "以下は重要です。\n\n覚えてください。"),
    ("Is 3 < 4?", "\n3 < 4ですか？"),
    ("<s>old</s> new", "<s>古い</s>新しい"),
    ("Type Ａ to quit.", "Ａを押すと終わります。"),
    ("Really?!", "本当？！①"),
    ("what a legend lol", "伝説すぎるだろｗｗｗ"),
]


@pytest.mark.parametrize(("source", "target", "cleaned"), MENDED)
def test_what_wraps_a_translation_is_taken_away_and_recorded(
    source: str, target: str, cleaned: str
) -> None:
    text, done = repair(source, target)
    assert text == cleaned
    assert done
    assert repair(source, text) == (text, ())


@pytest.mark.parametrize(("source", "target"), KEPT)
def test_what_the_source_has_or_means_stays(source: str, target: str) -> None:
    assert repair(source, target) == (target, ())


@pytest.mark.parametrize("target", [target for _, target, _ in MENDED[:5]])
def test_a_text_of_its_own_keeps_what_wraps_it(target: str) -> None:
    assert repair(None, target) == (target, ())
