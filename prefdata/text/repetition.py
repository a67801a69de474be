"""Degenerate repetition that the source does not have: phrase loops, list loops, sentence loops."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from operator import eq
from typing import Final

from prefdata.text.bitext import Bitext
from prefdata.text.loops import longest_loop
from prefdata.text.masking import HOLE
from prefdata.text.seen import Seen

_ITEM = re.compile(r"[^\S\n]*(?:[-*•・●]|[(（]?\d{1,3}[.)．）、:]|[①-⑳])[^\S\n]*+(\S.*)")
_ENGLISH = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
# Ten in a row are three in a row among every third, which are looked at first.
_THREE = re.compile(r"(.)\1\1", re.DOTALL)
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
    if words.may_loop:
        times, unit = longest_loop(words.surfaces, words.classes)
        # "merrily, merrily, merrily, merrily" may be sung four times in Japanese, too.
        own = longest_source_loop(text.source) if times >= 3 else 1
        if times >= 3 and times > own + 1 and HOLE not in unit and unit.strip(_PLACEHOLDERS):
            yield Seen("repetition_loop", "run", float(times), unit[:60])
    if "\n" in text.target:
        yield from _repeated_items(text)
    yield from _repeated_sentences(text)
    target = text.japanese.text
    drawn_out = _DRAWN_OUT.search(target) if _THREE.search(target[::3]) else None
    if drawn_out and drawn_out.group(1).isalpha() and not _LAUGH.search(text.source):
        yield Seen("repetition_loop", "character", float(_length_of(target, drawn_out)))


def _length_of(text: str, match: re.Match[str]) -> int:
    rest = text[match.start() :]
    return len(rest) - len(rest.lstrip(match.group(1)))


def longest_source_loop(source: str) -> int:
    """Return how often in a row the English repeats a word or phrase of up to six words."""
    words = _ENGLISH.findall(source.lower())
    best = 1
    for size in range(1, 7):
        equal = bytes(
            map(eq, words[size:], words)
        )  # 1 where a word is the one of `size` words before
        best = max(best, 1 + max(map(len, equal.split(b"\0"))) // size)
    return best


def _repeated_items(text: Bitext) -> Iterator[Seen]:
    """Yield the share of duplicates among six or more list items."""
    target = text.japanese.text
    items = _items(target) if target.count("\n") >= 4 else []
    if len(items) >= 5:
        share = 1 - len(set(items)) / len(items)
        own = _items(text.english.text.lower())
        own_share = 1 - len(set(own)) / len(own) if own else 0.0
        if share > own_share:
            yield Seen("repetition_loop", "items", share - own_share)


def _items(text: str) -> list[str]:
    return [found[1].rstrip() for found in map(_ITEM.match, text.split("\n")) if found]


def _repeated_sentences(text: Bitext) -> Iterator[Seen]:
    """Yield how often one sentence of ten characters or more comes back beyond the source's own."""
    found = text.target_sentences
    bare = [s.strip(_EDGES) for s in found]
    if len(set(bare)) == len(bare):
        return
    sentences = [s for s, whole in zip(bare, found, strict=True) if len(whole.strip()) >= 10]
    if len(set(sentences)) == len(sentences):
        return
    times = max(Counter(sentences).values())
    own = Counter(s.lower().strip(" .,;:!?-\t") for s in text.source_sentences)
    extra = times - max(own.values(), default=1)
    if extra > 0:
        yield Seen("repetition_loop", "sentence", float(extra + 1))
