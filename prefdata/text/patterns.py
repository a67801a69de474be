"""Patterns from ``patterns.yaml``: regular expressions behind a look for words they need."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml

_FILE = Path(__file__).with_name("patterns.yaml")


class Pattern:
    """A regular expression that is tried only on texts that hold one of the words it needs.

    Looking for ten words costs a tenth of scanning for a pattern, and most texts have none. Where
    `also` is given, one of those must be there, too.
    """

    __slots__ = ("also", "near", "regex")

    def __init__(
        self, near: tuple[str, ...], also: tuple[str, ...], regex: re.Pattern[str]
    ) -> None:
        self.near = near
        self.also = also
        self.regex = regex

    def is_possible(self, text: str) -> bool:
        """Tell whether the text holds the words that a match needs."""
        return (not self.also or has_one(text, self.also)) and (
            not self.near or has_one(text, self.near)
        )

    def search(self, text: str) -> re.Match[str] | None:
        """Return the first match, as ``re.search`` does."""
        return self.regex.search(text) if self.is_possible(text) else None


def has_one(text: str, words: tuple[str, ...]) -> bool:
    """Tell whether a text holds one of the words."""
    for word in words:  # noqa: SIM110  # any() with a generator costs three times as much
        if word in text:
            return True
    return False


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
    return Pattern(tuple(entry.get("near", ())), tuple(entry.get("also", ())), regex)


def names(prefix: str) -> list[str]:
    """Return the names of the patterns that begin with a prefix, in the order of the file."""
    return [name for name in _tree() if name.startswith(prefix)]
