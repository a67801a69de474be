"""Lengths in two languages: the ratio of characters, and the bands of source length it is read in."""

from __future__ import annotations

import re
from bisect import bisect_right
from itertools import groupby
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
# Of an English text whose end marks and line ends are all full stops: `re` finds that one fast. A run of
# marks is tried from its first one alone, or a million dots take hours.
_SENTENCE_END_EN = re.compile(r"\.(?<!\.\.)\.*+[\"'”’)\]]*+(?=\s)")
# The full stop after an abbreviation or initial. Those of one length look back together.
_ABBREVIATED = re.compile(
    r"\.(?:"
    + "|".join(
        rf"(?<=\b(?:{'|'.join(map(re.escape, words))})\.)"
        for _, words in groupby(sorted(word_list("abbreviations"), key=len), len)
    )
    + r"|(?<=\b[A-Z]\.))"
)
# ASCII texts by what matters to sentences: x for letters and digits, end marks, blanks and line ends. What may
# close after an end mark is left out.
_SHAPES: Final = bytes(
    ord(
        "x" if mark.isalnum() or mark == "_"
        else "." if mark in ".!?"
        else "\n" if mark == "\n"
        else " " if mark.isspace()
        else ","
    )
    for mark in map(chr, range(128))
) + bytes(128)  # fmt: skip
_CLOSING: Final = b"\"')]"
_NEXT_SENTENCE = re.compile(rb"\. [^x]*+x")
# Of lines with a line end before each: ``^`` with ``re.MULTILINE`` would be tried at every character.
_ITEM_NUMBER = re.compile(r"\n[^\S\n]*[(（]?\d{1,3}[.)．）、][^\S\n]*")
_MARKER: Final = (
    r"[ \t\u3000]*(?:[-*+•・●○◆‐–－](?=[ \t\u3000]|[^\s\-*ーｰ])"
    r"|[(（]?[0-9０-９]{1,3}[.)．）、](?![0-9])|[①-⑳]|[(（]?[a-z][.)）][ \t])"
)
ITEM: Final = re.compile(_MARKER)
_ITEMS = re.compile("\n" + _MARKER)
_END_MARKS: Final = (("!", "."), ("?", "."), ("…", "."), ("\n", ". "))
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
    """Split English; list numbers, titles and initials end no sentence. What ends one is cut off.

    Marks that end none are full stops in what is returned, as is the last one.

    >>> english_sentences("1. Ask Dr. Lee (now!) Why? \\nOK")
    ['Ask Dr Lee (now', ' Why', ' OK']
    """
    text = _ABBREVIATED.sub("", _without_numbers(text))
    for mark, stop in _END_MARKS:
        text = text.replace(mark, stop)
    return list(filter(_LETTERS.search, _SENTENCE_END_EN.split(text)))


def count_english_sentences(text: str) -> int:
    """Count the sentences that `english_sentences` finds, twice as fast for ASCII.

    >>> count_english_sentences("1. Ask Dr. Lee (now!) Why? \\nOK")
    3
    """
    if not text.isascii():
        return len(english_sentences(text))
    text = _ABBREVIATED.sub("", _without_numbers(text))
    shape = text.encode("ascii").translate(_SHAPES, _CLOSING).replace(b"\n", b". ").strip(b"., ")
    return len(_NEXT_SENTENCE.findall(shape)) + bool(shape)


def japanese_sentences(text: str) -> list[str]:
    """Split Japanese at 。！？ and line ends; the end marks are cut off."""
    return list(filter(_LETTERS.search, _SENTENCE_END_JA.split(_without_numbers(text))))


def _without_numbers(text: str) -> str:
    """Take out the numbers of list items."""
    is_possible = "\n" in text or text[:1].isdigit()
    return _ITEM_NUMBER.sub("\n", f"\n{text}")[1:] if is_possible else text


def list_items(text: str) -> int:
    """Count lines that begin with a list marker."""
    return len(_ITEMS.findall(f"\n{text}"))
