"""Patterns from ``patterns.yaml``: regular expressions behind a look for words they need."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence, Set
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from prefdata.text.lexicon import ENGLISH, JAPANESE

_FILE = Path(__file__).with_name("patterns.yaml")
DIGITS: Final = tuple("0123456789")
# A pattern at the edge of a word: one group of alternatives, or none, and what follows.
_AT_EDGE = re.compile(r"\\b(?:\(\?:([^()]*)\)(?![?*+{]))?(.*)", re.DOTALL)
_LITERAL = re.compile("[a-z]+(?![a-z]?[?*+{])")
_MOST: Final = 40  # literals of one pattern that are looked for one by one
WIDE_DIGITS: Final = tuple("０１２３４５６７８９")


class Pattern:
    """A regular expression that is tried only on texts that hold one of the words it needs.

    Looking for ten words costs a tenth of scanning for a pattern, and most texts have none. Where
    `also` is given, one of those must be there, too. `words` and `also_words` stand in the lexicon of
    their language: where it is known which of its words a text holds, they are not looked for again.

    Alternatives are tried one after the other, for each of them begins with characters that ``re`` finds
    fast, and all of them together do not. One that begins at the edge of a word is tried from the
    letters that follow, where the text holds them; if that cannot be done for all, they are tried
    together. Where all begin at the text's beginning (``\\A``), they are tried there alone.
    """

    __slots__ = ("also", "also_words", "near", "regex", "searches", "words")

    def __init__(self, entry: Mapping[str, Any]) -> None:
        flags = re.NOFLAG
        for letter in entry.get("flags", ""):
            flags |= {"i": re.IGNORECASE, "m": re.MULTILINE}[letter]
        self.regex = re.compile("|".join(entry["any"]), flags)
        parts = [part for one in entry["any"] for part in _by_first_word(one)]
        if all(part.startswith(r"\A") for _, part in parts):
            self.searches = [("", self.regex.match)]
        elif (
            flags & re.IGNORECASE
            or len(parts) > _MOST
            or any(part.startswith(r"\b") for _, part in parts)
        ):
            self.searches = [("", self.regex.search)]
        else:
            self.searches = [(word, re.compile(part, flags).search) for word, part in parts]
        self.words = frozenset(entry.get("words", ()))
        self.also_words = frozenset(entry.get("also_words", ()))
        lexicon = ENGLISH if all(map(str.isascii, self.words)) else JAPANESE
        lexicon.add(self.words | self.also_words)
        self.near = tuple(entry.get("near", [word.rstrip("-") for word in self.words]))
        self.also = tuple(entry.get("also", ()))

    def is_possible(self, text: str) -> bool:
        """Tell whether the text holds what a match needs."""
        also = self.also or [word.rstrip("-") for word in self.also_words]
        return (not self.near or has_one(text, self.near)) and (not also or has_one(text, also))

    def search(self, text: str, terms: Set[str] | None = None) -> re.Match[str] | None:
        """Return the first match, as ``re.search`` does.

        `terms` are the words that its language's lexicon finds in the text, or in what it is a part of.
        """
        if terms is None or not self.words:
            if not self.is_possible(text):
                return None
        elif (
            self.words.isdisjoint(terms)
            or (self.also_words and self.also_words.isdisjoint(terms))
            or (self.also and not has_one(text, self.also))
        ):
            return None
        first = None
        for word, search in self.searches:
            found = search(text) if word in text else None
            if found and (first is None or found.start() < first.start()):
                first = found
        return first


def _by_first_word(regex: str) -> list[tuple[str, str]]:
    """Return a pattern for each literal that one at a word's edge begins with, and the literal.

    Any other pattern is returned alone, with no literal.

    >>> _by_first_word(r"\\b(?:say|wri(?:te|tten)) it")
    [('', '\\\\b(?:say|wri(?:te|tten)) it')]
    >>> _by_first_word(r"\\b(?:say|writ\\w*) it")
    [('say', 'say(?<=\\\\bsay) it'), ('writ', 'writ(?<=\\\\bwrit)\\\\w* it')]
    """
    found = _AT_EDGE.fullmatch(regex)
    if not found or _has_alternatives(regex):
        return [("", regex)]
    options = [f"{option}{found[2]}" for option in (found[1] or "").split("|")]
    literals = [_LITERAL.match(option) for option in options]
    if not all(literals):
        return [("", regex)]
    return [
        (m[0], rf"{m[0]}(?<=\b{m[0]}){option[m.end() :]}")
        for m, option in zip(literals, options, strict=True)
        if m
    ]


def _has_alternatives(regex: str) -> bool:
    """Tell whether a regular expression has alternatives outside of all groups."""
    bare, before = re.sub(r"\\.|\[[^\]]*\]", "", regex), ""
    while bare != before:
        bare, before = re.sub(r"\([^()]*\)", "", bare), bare
    return "|" in bare


def has_one(text: str, words: Sequence[str]) -> bool:
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
    return Pattern(_tree()[name])


def names(prefix: str) -> list[str]:
    """Return the names of the patterns that begin with a prefix, in the order of the file."""
    return [name for name in _tree() if name.startswith(prefix)]
