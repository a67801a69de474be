"""Words that rules look for, and which of them a text holds: all are found in one pass over it.

To look for each of a thousand words costs more than all else that a check does. Aho and Corasick's
automaton goes through a text once, however many they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from ahocorasick_rs import AhoCorasick, Implementation


class Lexicon:
    """Words that rules look for in one language.

    `prepare` writes a text so that its words are found, with `edge` at both ends of each word.
    """

    def __init__(self, prepare: Callable[[str], str] = str, edge: str = "") -> None:
        self._prepare, self._edge = prepare, edge
        self._words: dict[str, str] = {}  # by how they stand in a text
        self._find: Callable[..., list[str]] | None = None

    def add(self, words: Iterable[str]) -> frozenset[str]:
        """Look for these words, too, and return them; one that ends in a dash is a beginning: un-."""
        named = frozenset(words)
        for word in named:
            is_beginning = word.endswith("-")
            self._words[self._edge + (word[:-1] if is_beginning else word + self._edge)] = word
        self._find = None
        return named

    def terms(self, text: str) -> frozenset[str]:
        """Return which of the words a text holds.

        >>> kinds = Lexicon()
        >>> sorted(kinds.add(["猫", "子猫", "犬"]) & kinds.terms("子猫がいる"))
        ['子猫', '猫']
        """
        if self._find is None:
            automaton = AhoCorasick(
                sorted(self._words), implementation=Implementation.DFA, store_patterns=True
            )
            self._find = automaton.find_matches_as_strings
        try:
            found = self._find(self._prepare(text), overlapping=True)
        except UnicodeEncodeError:  # a lone surrogate has no UTF-8
            text = text.encode("utf-8", "replace").decode("utf-8")
            found = self._find(self._prepare(text), overlapping=True)
        return frozenset(map(self._words.__getitem__, found))


_LETTERS: Final = bytes(
    ord(chr(code).lower()) if chr(code).isalpha() else 32 for code in range(128)
) + bytes([32] * 128)


def _spaced(text: str) -> str:
    """Return an English text in lower case, with a blank for each character that is no letter.

    >>> _spaced("It's 5km -- 'well-known'.")
    ' it s  km     well known   '
    """
    return f" {text.encode('ascii', 'replace').translate(_LETTERS).decode('ascii')} "


ENGLISH: Final = Lexicon(_spaced, " ")
JAPANESE: Final = Lexicon()
