"""Politeness at the ends of sentences: です・ます, である and だ, and neither."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from prefdata.text.mecab import ITEM, LINE_END, Words

_QUOTE = re.compile(r"\([^()]{0,1000}\)")
_MARKS: Final = "~- (),"  # what may stand after the last word
# です, ます (M), ました and ません (w + t/z), でしょう (Q), within the last four words.
_POLITE = re.compile(r"(?:[MQ]|w[tzrq]?)[a-zA-Z]{0,2}$")
_PLAIN: Final = frozenset("VdtzxOEy")
_COMMANDS: Final = frozenset("Ew")


class Register(NamedTuple):
    """Sentences by the register of their end; noun endings and list items are not counted."""

    polite: int = 0
    plain: int = 0

    @property
    def total(self) -> int:
        """Return the number of sentences that have a register."""
        return self.polite + self.plain

    @property
    def mixture(self) -> float:
        """Return the share of the rarer register, 0.0 to 0.5."""
        return min(self.polite, self.plain) / self.total if self.total else 0.0


def register_of(words: Words) -> Register:
    """Count polite and plain sentence ends outside quotations and list items.

    >>> from prefdata.text.mecab import analyze
    >>> register_of(analyze("簡単です。蓋が要る。「やめろ」と言いました。")).polite
    2
    """
    surfaces, classes = words.surfaces, words.classes
    if "(" in classes:  # what is quoted speaks in its own register; places stay as they are
        classes = _QUOTE.sub(lambda match: "~" * len(match.group()), classes)
    polite = plain = start = 0
    in_item = False
    for sentence in classes.split("."):
        end = start + len(sentence)
        if sentence:
            in_item = in_item or (words.has_items and surfaces[start] == ITEM)
            if not in_item:
                kind = _ending(surfaces, sentence, start)
                polite += kind == "polite"
                plain += kind == "plain"
        in_item = in_item and surfaces[end : end + 1] != (LINE_END,)
        start = end + 1
    return Register(polite, plain)


def _ending(surfaces: Sequence[str], sentence: str, start: int) -> str:
    """Return ``polite``, ``plain`` or nothing for the sentence whose words begin at `start`."""
    bare = sentence.rstrip(_MARKS).rstrip("e")
    if _is_polite(bare[-4:]):
        return "polite"
    if bare[-1:] in _COMMANDS:
        last = surfaces[start + len(bare) - 1]
        if last in ("ください", "下さい", "ませ"):
            return "polite"
        if last == "なさい":
            return ""  # it stands beside である
    if bare[-1:] not in _PLAIN:
        return ""
    is_asked = sentence.startswith("e", len(bare)) and surfaces[start + len(bare)] == "か"
    return "" if is_asked else "plain"  # どこに置くか asks on behalf of 書いてください


@lru_cache(maxsize=4096)
def _is_polite(classes: str) -> bool:
    return _POLITE.search(classes) is not None


def final_words(words: Words, n: int = 3) -> tuple[Sequence[str], str]:
    """Return the last `n` words before closing marks, and their classes."""
    classes = words.classes
    stop = len(classes)
    while stop and classes[stop - 1] in ".~-) ":
        stop -= 1
    start = max(0, stop - n)
    return words.surfaces[start:stop], classes[start:stop]
