"""Patterns from ``patterns.yaml``: regular expressions behind a look for words they need."""

from __future__ import annotations

import re
from collections.abc import Set
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

_FILE = Path(__file__).with_name("patterns.yaml")
_KANJI = re.compile("[一-鿿]")
DIGITS: Final = tuple("0123456789")
WIDE_DIGITS: Final = tuple("０１２３４５６７８９")


class Pattern:
    """A regular expression that is tried only on texts that hold one of the words it needs.

    Looking for ten words costs a tenth of scanning for a pattern, and most texts have none. Where
    `also` is given, one of those must be there, too. `words` are whole words: where those of a text
    are known, they are compared instead of being looked for.
    """

    __slots__ = ("also", "near", "regex", "signs", "words")

    def __init__(
        self,
        near: tuple[str, ...],
        also: tuple[str, ...],
        words: tuple[str, ...],
        regex: re.Pattern[str],
    ) -> None:
        self.near = near or words
        # A character is found four times as fast as a word.
        kanji = ((_KANJI.search(word), word) for word in self.near)
        self.signs = tuple(dict.fromkeys(found[0] if found else word for found, word in kanji))
        self.also = also
        self.words = frozenset(words)
        self.regex = regex

    def is_possible(self, text: str, words: Set[str] | None = None) -> bool:
        """Tell whether the text, of these words if they are known, holds what a match needs."""
        if self.words and words is not None:
            is_near = not self.words.isdisjoint(words)
        else:
            is_near = not self.near or (has_one(text, self.signs) and has_one(text, self.near))
        return is_near and (not self.also or has_one(text, self.also))

    def search(self, text: str, words: Set[str] | None = None) -> re.Match[str] | None:
        """Return the first match, as ``re.search`` does; `words` are those of the text, if known."""
        return self.regex.search(text) if self.is_possible(text, words) else None


def has_one(text: str, words: tuple[str, ...]) -> bool:
    """Tell whether a text holds one of the words."""
    for word in words:  # noqa: SIM110  # any() with a generator costs three times as much
        if word in text:
            return True
    return False


def has_digit(text: str) -> bool:
    """Tell whether a text holds an ASCII digit; a pattern takes ten times as long to find none."""
    return has_one(text, DIGITS)


@cache
def _tree() -> dict[str, Any]:
    tree: dict[str, Any] = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    return tree


@cache
def pattern(name: str) -> Pattern:
    """Return the pattern of that name.

    >>> pattern("refusal.translating").search("訳文です。").group()
    '訳文'
    """
    entry = _tree()[name]
    flags = re.NOFLAG
    for letter in entry.get("flags", ""):
        flags |= {"i": re.IGNORECASE, "m": re.MULTILINE}[letter]
    regex = re.compile("|".join(entry["any"]), flags)
    near, also, words = (tuple(entry.get(key, ())) for key in ("near", "also", "words"))
    return Pattern(near, also, words, regex)


def names(prefix: str) -> list[str]:
    """Return the names of the patterns that begin with a prefix, in the order of the file."""
    return [name for name in _tree() if name.startswith(prefix)]
