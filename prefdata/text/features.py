"""Word counts of Japanese texts for statistics: the fastest safe road through MeCab.

Pure Python reaches about 0.7 of a C loop over MeCab; the accelerator of the extra ``[fast]``, where it
is installed and agrees on a fixed sentence, the C loop itself. Both give equal numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, Final, NamedTuple

from prefdata.text.classes import of_left_ids
from prefdata.text.mecab import BLANKS, PROBE, SEP, UNKNOWN, dictionary, tagger

CONTENT: Final = ("名詞", "動詞", "形容詞", "形状詞", "副詞")


class Features(NamedTuple):
    """Words, content words, unknown words, and distinct pairs of neighbors of one text."""

    words: int
    content: int
    unknown: int
    bigrams: int


class Pure:
    """Counts with string operations over MeCab's compact output."""

    def __init__(self) -> None:
        self.tagger = tagger()
        content = {str(number) for number, pos, _ in of_left_ids(dictionary()) if pos in CONTENT}
        self._is_content = frozenset(content | {UNKNOWN + pos for pos in CONTENT}).__contains__

    def one(self, text: str) -> Features:
        """Return the features of one text."""
        if not text.isprintable():
            text = printable(text)
        out = self.tagger.parse(text)
        parts = out.split(SEP)
        words, ids = parts[0:-1:2], parts[1::2]
        return Features(
            len(ids),
            sum(map(self._is_content, ids)),
            out.count(UNKNOWN),
            len(set(zip(words, words[1:], strict=False))),  # noqa: RUF007  # pairwise is slower
        )

    def many(self, texts: Sequence[str]) -> list[Features]:
        """Return the features of each text."""
        return [self.one(text) for text in texts]


def printable(text: str) -> str:
    """Return a text with blanks for controls and without halves of characters."""
    text = text.replace("\n", " ")  # mostly there is nothing else
    text = text if text.isprintable() else text.translate(BLANKS)
    return text if text.isprintable() else text.encode("utf-8", "replace").decode("utf-8")


@cache
def counter() -> Any:
    """Return the accelerated counter where it works, else the pure one; once per process."""
    pure = Pure()
    try:
        from prefdata.text.accelerated import Accelerated

        accelerated = Accelerated()
        if accelerated.many([PROBE, ""]) == pure.many([PROBE, ""]):
            return accelerated
    except (ImportError, OSError, AttributeError, RuntimeError):  # see `mecab.Parser.accelerate`
        return pure
    return pure


def features(texts: Sequence[str]) -> list[Features]:
    """Return the features of each text.

    >>> features(["猫が好きです。"])
    [Features(words=5, content=2, unknown=0, bigrams=4)]
    """
    found: list[Features] = counter().many(texts)
    return found
