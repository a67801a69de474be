"""Lengths in two languages: the ratio of characters, and the bands of source length it is read in."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import Final

from prefdata.text.lists import word_list

# (lowest number of English words, name); limits per band stand in limits.yaml.
BANDS: Final = ((81, "81+"), (31, "31-80"), (16, "16-30"), (8, "8-15"), (4, "4-7"), (1, "1-3"))
_LOWEST: Final = sorted(lowest for lowest, _ in BANDS)
_NAMES: Final = ("", *(name for _, name in sorted(BANDS)))

# An end mark with what closes after it, or line ends. That one class stands first lets `re` skip fast.
_SENTENCE_END_JA = re.compile(
    r"[。．！？!?…\n](?:(?<=\n)\n*|(?<!\n)[。．！？!?…]*[」』）)\]】”\"'’]*(?=.))", re.DOTALL
)
# A run of marks is tried from its first one alone, or a million dots take hours.
_SENTENCE_END_EN = re.compile(
    r"[.!?…\n](?:(?<=\n)\n*|(?<!\n)(?<![.!?…]{2})[.!?…]*+[\"'”’)\]]*+(?=\s))"
)
# The full stop after an abbreviation or initial: `re` finds full stops fast, and looks back from them.
_ABBREVIATED = re.compile(
    r"\.(?:"
    + "|".join(rf"(?<=\b{re.escape(word)}\.)" for word in sorted(word_list("abbreviations")))
    + r"|(?<=\b[A-Z]\.))"
)
_ITEM_NUMBER = re.compile(r"[^\S\n]*[(（]?\d{1,3}[.)．）、]\s*")
ITEM: Final = re.compile(
    r"[ \t\u3000]*(?:[-*+•・●○◆‐–－](?=[ \t\u3000]|[^\s\-*ーｰ])|[(（]?[0-9０-９]{1,3}[.)．）、](?![0-9])|[①-⑳]|[(（]?[a-z][.)）][ \t])"
)
_LETTERS = re.compile(r"\w")
_BLANKS: Final = bytes(code for code in range(128) if chr(code).isspace())


def without_beginnings(text: str, pattern: re.Pattern[str]) -> str:
    """Take out what a pattern matches at the beginning of lines.

    Lines are split for it: ``^`` with ``re.MULTILINE`` is tried at every character.

    >>> without_beginnings("1. tea\\n2. 3 cups", re.compile("[0-9][.] "))
    'tea\\n3 cups'
    """
    lines = text.split("\n")
    matches = map(pattern.match, lines)
    return "\n".join(
        [line[m.end() :] if m else line for line, m in zip(lines, matches, strict=True)]
    )


def characters(text: str) -> int:
    """Count characters other than white space."""
    if text.isascii():
        return len(text.encode("ascii").translate(None, _BLANKS))
    line = text.replace("\n", " ") if "\n" in text else text
    if line.isprintable():  # then the blank is its only white space
        return len(line) - line.count(" ")
    return sum(map(len, text.split()))


def band_of(words: int) -> str:
    """Return the band of a source text of so many English words; empty for none."""
    return _NAMES[bisect_right(_LOWEST, words)]


def english_sentences(text: str) -> list[str]:
    """Split English; list numbers, titles and initials end no sentence."""
    if "\n" in text or text[:1].isdigit():
        text = without_beginnings(text, _ITEM_NUMBER)
    parts = _SENTENCE_END_EN.split(_ABBREVIATED.sub("", text))
    return list(filter(_LETTERS.search, parts))


def japanese_sentences(text: str) -> list[str]:
    """Split Japanese at 。！？ and line ends; the end marks are cut off."""
    if "\n" in text or text[:1].isdigit():
        text = without_beginnings(text, _ITEM_NUMBER)
    return list(filter(_LETTERS.search, _SENTENCE_END_JA.split(text)))


def list_items(text: str) -> int:
    """Count lines that begin with a list marker."""
    return sum(map(bool, map(ITEM.match, text.split("\n"))))
