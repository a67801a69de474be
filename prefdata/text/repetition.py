"""Degenerate repetition that the source does not have: phrase loops, list loops, sentence loops."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from prefdata.text.bitext import Bitext
from prefdata.text.masking import HOLE
from prefdata.text.mecab import SYMBOLS, Words
from prefdata.text.seen import Seen

_LONGEST: Final = 24  # words of a unit that is repeated
_PERIOD = re.compile(rf"(.{{1,{_LONGEST}}}?)\1{{2,}}", re.DOTALL)
_CONTENT = frozenset("NUPJTAVrEOISC")
_ITEM = re.compile(r"(?m)^\s*(?:[-*•・●]|[(（]?\d{1,3}[.)．）、:]|[①-⑳])\s*(.+?)\s*$")
_ENGLISH = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_DRAWN_OUT = re.compile("(.)" + r"\1" * 9, re.DOTALL)  # three times as fast as with {9}
_EDGES: Final = " 、\u3000\t。．.！？!?…"  # the last sentence still has its mark
_PLACEHOLDERS: Final = "〇○◯●×＊*＿_"  # 〇〇〇〇様
_LAUGH = re.compile(r"(?i)(?:ha){3}|(?:he){3}|lol|lmao|([a-z])\1{2}|haha|hehe")


def check(text: Bitext) -> Iterator[Seen]:
    """Yield loops of words, of list items and of sentences, and single drawn-out characters.

    >>> from prefdata.text.assess import problems
    >>> problems("Rinse the rice.", "米を洗い、米を洗い、米を洗い、米を洗い、米を洗います。")
    ('repetition_loop',)
    >>> problems("The pier is closed today.", "桟橋は今日閉まっています。桟橋は今日閉まっています。")
    ('repetition_loop',)
    >>> problems("The heart goes thump, thump.", "心臓がドキドキドキドキする。")
    ()
    """
    words = text.words
    if _may_loop(words) and _has_period(words):
        times, unit = longest_loop(words.surfaces, words.classes)
        # "merrily, merrily, merrily, merrily" may be sung four times in Japanese, too.
        own = longest_source_loop(text.source) if times >= 3 else 1
        if times >= 3 and times > own + 1 and HOLE not in unit and unit.strip(_PLACEHOLDERS):
            yield Seen("repetition_loop", "run", float(times), unit[:60])
    yield from _repeated_items(text)
    yield from _repeated_sentences(text)
    drawn_out = _DRAWN_OUT.search(text.japanese.text)
    if drawn_out and drawn_out.group(1).isalpha() and not _LAUGH.search(text.source):
        yield Seen("repetition_loop", "character", float(_length_of(text.japanese.text, drawn_out)))


def _length_of(text: str, match: re.Match[str]) -> int:
    rest = text[match.start() :]
    return len(rest) - len(rest.lstrip(match.group(1)))


def _may_loop(words: Words) -> bool:
    """Tell whether a word that is no particle comes back three times at the same distance."""
    for places in words.repeated.values():
        if words.classes[places[0]] in _CONTENT:
            gaps = [b - a for a, b in pairwise(places)]
            if any(a == b for a, b in pairwise(gaps)) or len(places) >= 8:
                return True
    return False


def _has_period(words: Words) -> bool:
    """Tell whether any 1 to 24 words stand three times in a row."""
    surfaces = words.surfaces
    for places in words.repeated.values():
        there = set(places)
        for n, first in enumerate(places):
            for second in places[n + 1 : n + 1 + _LONGEST]:
                size = second - first
                if size > _LONGEST:
                    break
                third = second + size
                if third in there and (
                    surfaces[first:second]
                    == surfaces[second:third]
                    == surfaces[third : third + size]
                ):
                    return True
    return False


def longest_loop(surfaces: Sequence[str], classes: str) -> tuple[int, str]:
    """Return how often in a row a unit of 1 to 24 words is repeated at most, and the unit.

    Units of symbols alone do not count. Words become single characters, so that one regular
    expression over them finds the periods; what one match covers is not looked at again.

    >>> longest_loop(["とても", "とても", "とても", "寒い"], "AAAV")
    (3, 'とても')
    """
    codes: dict[str, str] = {}
    text = "".join(codes.setdefault(word, chr(0x10000 + len(codes))) for word in surfaces)
    best, unit = 1, ""
    for match in _PERIOD.finditer(text):
        size = len(match[1])
        times = len(match[0]) // size
        start = match.start()
        if times > best and _is_worded(classes[start : start + size]):
            best, unit = times, "".join(surfaces[start : start + size])
    return best, unit


def _is_worded(classes: str) -> bool:
    """Tell whether a unit holds words; dots, dashes and digits in a row are layout."""
    return any(mark not in SYMBOLS for mark in classes)


def longest_source_loop(source: str) -> int:
    """Return how often in a row the English repeats a word or phrase of up to six words."""
    words = _ENGLISH.findall(source.lower())
    best = 1
    for size in range(1, 7):
        equal = 0
        for place in range(size, len(words)):
            equal = equal + 1 if words[place] == words[place - size] else 0
            best = max(best, 1 + equal // size)
    return best


def _repeated_items(text: Bitext) -> Iterator[Seen]:
    """Yield the share of duplicates among six or more list items."""
    items = _ITEM.findall(text.japanese.text) if "\n" in text.target else []
    if len(items) >= 5:
        share = 1 - len(set(items)) / len(items)
        own = [item.lower() for item in _ITEM.findall(text.english.text)]
        own_share = 1 - len(set(own)) / len(own) if own else 0.0
        if share > own_share:
            yield Seen("repetition_loop", "items", share - own_share)


def _repeated_sentences(text: Bitext) -> Iterator[Seen]:
    """Yield how often one sentence of ten characters or more comes back beyond the source's own."""
    sentences = [s.strip(_EDGES) for s in text.target_sentences if len(s.strip()) >= 10]
    if len(sentences) < 2 or len(set(sentences)) == len(sentences):
        return
    times = max(Counter(sentences).values())
    own = Counter(s.lower().strip(" .,;:!?-\t") for s in text.source_sentences)
    extra = times - max(own.values(), default=1)
    if extra > 0:
        yield Seen("repetition_loop", "sentence", float(extra + 1))
