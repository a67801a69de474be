"""One MeCab pass per text: words, and one character of word class for each of them.

The compact output format (surface and left context id) and string operations in C make this 2.7
times as fast as walking nodes. The left id holds part of speech and inflection, so the classes need
no feature strings; unknown words print their part of speech themselves. Where the extra ``[fast]`` is
installed, `accelerated` walks the nodes in compiled code; both give equal words.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from threading import Lock
from typing import Any, Final, Protocol

from prefdata.core.errors import MissingExtra
from prefdata.text.classes import PARTICLES, SYMBOLS, of_left_ids, of_unknown
from prefdata.text.loops import may_loop

_LOG = logging.getLogger(__name__)
SEP: Final = "\x1f"
UNKNOWN: Final = "\x01"
END: Final = "|"
BLANKS: Final = dict.fromkeys((*range(32), 127), " ")
LONGEST: Final = 5000  # one text of 150,000 characters costs 2-3 times as much per character
_UNBROKEN: Final = 250  # without blank or full stop: unknown words are tried at every length
ITEM: Final = "§"  # stands for the marker of a list item or table row
LINE_END: Final = "．"  # a full stop that Japanese prose hardly writes
_ITEM_MARK = re.compile(  # of lines with a line end before each
    r"\n(?:[ \t　]*(?:[-*•・●○◆■*+>＞]|[(（]?\d{1,3}[.)．）、:：]|[①-⑳]|#{1,6}|\|)[ \t　]*(?=\S)"
    # A line "label: text" is an item, too; after a Japanese label even with several sentences.
    r"|(?!\d+[:：])[^\s。、！？:：「（(]{1,12}[:：](?=[^\n。！？]{1,200}(?:\n|\Z))"
    r"|[^\w\s]?[ぁ-ヶー一-鿿]{2,8}：(?=[^\n]{1,400}(?:\n|\Z)))"
)
_RUN = re.compile(r"(.)\1{30,}", re.DOTALL)  # of a long text; nothing is lost on thirty
_CUT = re.compile(r"[\s。！？]")
_REMEMBERED: Final = 8192  # texts
_PAYS: Final = 10_000  # texts from which on a second for loading the compiled walk is won back
PROBE: Final = "今日はWi-Fiの設定を3回も見直しました。\nとても、とても、とても疲れた😂"


@dataclass(slots=True)
class Words:
    """The words of one text, symbols included; `classes` has one character a word, see `classes`.

    `may_loop` tells whether they may hold a loop, see `loops.may_loop`; `has_items` whether a mark of
    a list item is among them.
    """

    surfaces: Sequence[str]
    classes: str
    may_loop: bool
    has_items: bool

    @property
    def count(self) -> int:
        """Return the number of words, symbols left out."""
        return len(self.classes) - sum(map(self.classes.count, SYMBOLS))

    @property
    def particles(self) -> int:
        """Return the number of particles."""
        return sum(map(self.classes.count, PARTICLES))

    @property
    def distinct_bigrams(self) -> int:
        """Return the number of distinct pairs of neighboring words."""
        return len(set(zip(self.surfaces, self.surfaces[1:], strict=False)))


def dictionary() -> str:
    """Return the folder of MeCab's dictionary.

    Raises:
        MissingExtra: fugashi or unidic-lite is not installed.
    """
    try:
        import fugashi  # noqa: F401  # looked for together: one is of no use without the other
        import unidic_lite
    except ImportError as error:
        raise MissingExtra.needed(
            "fugashi and unidic-lite", by="the text checks", extra="test"
        ) from error
    return str(unidic_lite.DICDIR)


def prepare(text: str) -> str:
    """Return what MeCab is given: a line end as ．, a list marker as §, controls as blanks."""
    if "\n" in text or text[:1] in "-*•・●1234567890①(（#|>＞":
        text = _ITEM_MARK.sub(f"\n{ITEM}", f"\n{text}")[1:].replace("\n", LINE_END)
    if not text.isprintable():
        text = text.translate(BLANKS)
        if not text.isprintable():  # lone surrogates cannot be encoded
            text = text.encode("utf-8", "replace").decode("utf-8")
    return text


class Road(Protocol):
    """A way through MeCab: through fugashi, or in compiled code."""

    def words(self, texts: Sequence[str]) -> list[Words]:
        """Return the words of each text; see `prepare` for what the texts are."""


def tagger() -> Any:
    """Return a new tagger that prints surface and left id, or for unknown words part of speech."""
    folder = dictionary()
    import fugashi

    # The empty --output-format-type: unidic's dicrc names a type, which would win over -F. The end mark
    # is needed because fugashi strips its output, and \x1f counts as white space.
    return fugashi.GenericTagger(
        f'-r "{folder}/mecabrc" -d "{folder}" --output-format-type= --eos-format={END} --bos-format= '
        f"-F'%m{SEP}%phl{SEP}' -U'%m{SEP}{UNKNOWN}%f[0]{SEP}'"
    )


class Pure:
    """The road through fugashi: its compact output, taken apart by string operations."""

    def __init__(self) -> None:
        self._parse = tagger().parse
        self._classes = {UNKNOWN + pos: mark for pos, mark in of_unknown().items()}
        self._classes |= {str(number): mark for number, _, mark in of_left_ids(dictionary())}

    def words(self, texts: Sequence[str]) -> list[Words]:
        """Return the words of each text; MeCab goes over all of them first, and then each next step.

        MeCab fills the processor's cache, and what is done between two texts finds nothing there.
        """
        parts = [out.split(SEP) for out in map(self._out, texts)]
        surfaces = [tuple(own[:-1:2]) for own in parts]
        marks = ["".join(map(self._classes.__getitem__, own[1::2])) for own in parts]
        return [
            Words(words, classes, may_loop(words, classes), ITEM in text)
            for words, classes, text in zip(surfaces, marks, texts, strict=True)
        ]

    def _out(self, text: str) -> str:
        """Return MeCab's output: surface and class of each word, and an end mark."""
        if len(text) <= LONGEST:
            return str(self._parse(text))
        text = _RUN.sub(r"\1" * 30, text)
        return "".join(self._parse(chunk)[:-1] for chunk in _chunks(text)) + END


class Parser:
    """This process's road through MeCab: the pure one, then the compiled one when it pays."""

    def __init__(self) -> None:
        self._road: Road = Pure()
        self._left = _PAYS

    def words(self, texts: Sequence[str]) -> list[Words]:
        """Return the words of each text; see `prepare` for what the texts are."""
        if self._left > 0:
            self._left -= len(texts)
            if self._left <= 0:
                self.accelerate()
        return self._road.words(texts)

    def accelerate(self) -> None:
        """Take the compiled road from now on, if it is there and agrees on a fixed sentence."""
        self._left = 0
        try:
            from prefdata.text.accelerated import Accelerated

            compiled, probes = Accelerated(), [prepare(PROBE), ""]
            if compiled.words(probes) == self._road.words(probes):
                self._road = compiled
        except (ImportError, OSError, AttributeError, RuntimeError) as error:
            # Not installed, another layout of MeCab, or no folder for what numba compiled.
            _LOG.debug("The compiled walk over MeCab's nodes is not used: %s", error)


@cache
def parser() -> Parser:
    """Return this process's parser."""
    return Parser()


_words: dict[str, Words] = {}
_turn = Lock()


def analyze_all(texts: Iterable[str]) -> list[Words]:
    """Parse texts, each once; the last ones are remembered. Threads take turns: MeCab is one."""
    texts = list(texts)
    with _turn:
        new = [text for text in dict.fromkeys(texts) if text not in _words]
        if len(_words) + len(new) > _REMEMBERED:
            new = list(dict.fromkeys(texts))
            _words.clear()
        _words.update(zip(new, parser().words([prepare(text) for text in new]), strict=True))
        return [_words[text] for text in texts]


def analyze(text: str) -> Words:
    """Parse a text once; equal texts share the result.

    >>> words = analyze("猫が好きです。")
    >>> tuple(words.surfaces), words.classes
    (('猫', 'が', '好き', 'です', '。'), 'NgJM.')
    """
    return _words.get(text) or analyze_all([text])[0]


def forget() -> None:
    """Forget all texts that were parsed."""
    with _turn:
        _words.clear()


def _chunks(text: str) -> Iterator[str]:
    """Cut a long text after a blank or a sentence end, or else soon."""
    start = 0
    while start < len(text):
        end = min(start + LONGEST, len(text))
        if end < len(text):
            cuts = [m.end() for m in _CUT.finditer(text, end - 500, end)]
            end = cuts[-1] if cuts else start + _UNBROKEN
        yield text[start:end]
        start = end
