"""Careful translations with one fault planted in each: how many of a kind are found."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from prefdata.text.assess import problems
from prefdata.text.length import english_sentences

Row = dict[str, str]
_SENTENCE = re.compile(r"[^。！？!?\n]+[。！？!?]*\n*")


def sentences(text: str) -> list[str]:
    return [found for found in _SENTENCE.findall(text) if found.strip()]


def aligned(row: Row) -> list[str]:
    """Return the sentences of a translation that has as many as its source, three or more."""
    found = sentences(row["ja"])
    return found if 3 <= len(found) == len(english_sentences(row["en"])) else []


def long(row: Row) -> bool:
    return len(row["ja"]) > 20


def left_in_english(row: Row) -> str:
    found = aligned(row)
    return "".join(found[:-1]) + english_sentences(row["en"])[-1] if found else ""


def half(row: Row) -> str:
    found = aligned(row)
    return "".join(found[: len(found) // 2])


def doubled(row: Row) -> str:
    found = aligned(row)
    return "".join([*found[:2], *found[1:]])


def answered(row: Row) -> str:
    is_question = row["role"] == "user" and row["en"].strip().endswith("?")
    return "はい、可能です。専門家に相談するとよいでしょう。" if is_question else ""


def renumbered(row: Row) -> str:
    return re.sub(r"\d+", lambda m: str(int(m.group()) + 7), row["ja"], count=1)


def miswritten(row: Row) -> str:
    found = next((a for a in "気説時発" if a in row["ja"]), "気")
    return row["ja"].replace(found, dict(zip("気説時発", "气说时发", strict=True))[found], 1)


# kind of fault, how it is made (empty or unchanged: not on this text), the least share to find
FAULTS: list[tuple[str, Callable[[Row], str], float]] = [
    ("the second half is missing", half, 0.9),
    ("one sentence is left in English", left_in_english, 0.9),
    ("a sentence comes twice", doubled, 0.9),
    ("the question is answered", answered, 0.9),
    ("the first number is another one", renumbered, 0.9),
    ("a character is Chinese", miswritten, 1.0),
    ("it is cut short", lambda row: row["ja"][: len(row["ja"]) * 3 // 5] if long(row) else "", 0.8),
    ("a note is added", lambda row: row["ja"] + "\n\n※原文の調子を残して訳しました。", 1.0),
    ("it begins with a preamble", lambda row: "はい、翻訳します。\n\n" + row["ja"], 0.99),
    ("a turn is added", lambda row: row["ja"] + "\n\nHuman: ありがとう。", 1.0),
    (
        "two sentences are added",
        lambda row: (
            row["ja"] + "ぜひ参考にしてみてください。いつでも聞いてくださいね。"
            if long(row)
            else ""
        ),
        0.8,
    ),
]


@pytest.mark.parametrize(("plant", "least"), [f[1:] for f in FAULTS], ids=[f[0] for f in FAULTS])
def test_a_planted_fault_is_found(
    plant: Callable[[Row], str], least: float, shared_data: Path
) -> None:
    path = shared_data / "hh-rlhf-ja" / "translations.jsonl"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    planted = [(row, plant(row)) for row in rows]
    found = [
        bool(problems(row["en"], text, role=row["role"], kind="hh"))
        for row, text in planted
        if text and text != row["ja"]
    ]
    assert len(found) >= 15
    assert sum(found) >= least * len(found)
