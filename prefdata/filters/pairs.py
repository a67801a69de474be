"""Checks over two completions of one prompt. Symmetric: which is preferred is not known here."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import combinations

from prefdata.filters.view import Comparison, Turn
from prefdata.text.length import characters
from prefdata.text.masking import mask
from prefdata.text.numbers import english_numbers, japanese_numbers
from prefdata.text.seen import Seen

_N = 3
_OPERATORS = frozenset("+=<>^")
_FEWEST_WORDS = 16  # of English; shorter texts vary too much
_WORTH_A_LOOK = 1.5  # two good segments of one translator lie below in 95 of 100 pairs
_SENTENCE = 15  # characters; short replies are alike by chance
# British and American spelling, and short forms: one English, so one Japanese. Both sides are
# changed alike, so that it does no harm when "four" becomes "for".
_SPELLINGS = (
    (re.compile(r"(?<=[a-z])our(?=s?\b|ed\b|ing\b|ful|able|ite|hood)"), "or"),
    (re.compile(r"(?<=[a-z])is(?=e[sdr]?\b|ing\b|ation)"), "iz"),
    (re.compile(r"(?<=[bt])re\b"), "er"),
    (re.compile(r"\bgrey"), "gray"),
    (re.compile(r"(?<=[a-z])ll(?=ed\b|ing\b|er\b)"), "l"),
    (re.compile(r"n['’]t\b"), " not"),
    (re.compile(r"['’]m\b"), " am"),
    (re.compile(r"['’]re\b"), " are"),
    (re.compile(r"['’]s\b"), " is"),
    (re.compile(r"['’]ll\b"), " will"),
    (re.compile(r"['’]ve\b"), " have"),
)


def check(view: Comparison) -> Iterator[Seen]:
    """Yield completions that became one in translation, or moved towards each other."""
    for first, second in combinations(view.completions, 2):
        yield from compare(first, second)


def compare(first: Sequence[Turn], second: Sequence[Turn]) -> Iterator[Seen]:
    """Compare two completions; native ones have no English, and only equal ones collapse.

    >>> from dataclasses import replace
    >>> right = [Turn("assistant", "7 times 8 is 56.", "7かける8は56です。")]
    >>> wrong = Turn("assistant", "7 times 8 is 54.", "7かける8は54です。")
    >>> list(compare(right, [wrong]))
    []
    >>> [seen.code for seen in compare(right, [replace(wrong, target="7の8倍は56です。")])]
    ['flaw_repaired']
    >>> [seen.code for seen in compare(right, [replace(wrong, target="7かける8は56です。")])]
    ['pair_collapsed']
    """
    targets = _joined(first, "target"), _joined(second, "target")
    if not all(targets):
        return
    sources = _joined(first, "source"), _joined(second, "source")
    if not any(sources):  # a mark more or less is what a native pair may have been judged by
        if len({"".join(text.split()) for text in targets}) == 1:
            yield Seen("pair_collapsed", "equal")
    elif _normal(targets[0]) == _normal(targets[1]):
        if _one_spelling(sources[0]) != _one_spelling(sources[1]):
            yield Seen("pair_collapsed", "equal")
    elif all(sources):
        yield from _approached(sources, targets)
        yield from _imbalance(sources, targets)


def _approached(sources: tuple[str, str], targets: tuple[str, str]) -> Iterator[Seen]:
    """Yield how two different texts became alike, or took a number of each other."""
    if min(map(len, targets)) >= _SENTENCE:
        similar = jaccard(*targets)
        own = jaccard(*sources) if similar >= 0.4 else 1.0
        if own <= 0.5:
            yield Seen("pair_collapsed", "alike" if own <= 0.2 else "similar", round(similar, 4))
    moved = _moved_number(sources, targets) + _moved_number(sources[::-1], targets[::-1])
    if moved:
        yield Seen("flaw_repaired", "number", float(moved))


def _imbalance(sources: tuple[str, str], targets: tuple[str, str]) -> Iterator[Seen]:
    """Yield how many times longer one side became than the other did, code and links left out.

    >>> even = ("It rains. " * 8, "雨が降る。" * 8), ("Stay in. " * 8, "中にいて。" * 8)
    >>> list(_imbalance(*zip(*even, strict=True)))
    []
    >>> uneven = even[0], ("Stay in. " * 8, "雨だから今日は中にいて。" * 8)
    >>> [(seen.code, seen.measured) for seen in _imbalance(*zip(*uneven, strict=True))]
    [('length_ratio_high', 2.7429)]
    """
    if min(text.count(" ") for text in sources) < _FEWEST_WORDS - 1:
        return
    if _uneven(sources, targets) >= _WORTH_A_LOOK:
        masked = [(mask(one).text, mask(other).text) for one, other in (sources, targets)]
        if min(len(text.split()) for text in masked[0]) >= _FEWEST_WORDS:
            yield Seen("length_ratio_high", "sides", round(_uneven(*masked), 4))


def _uneven(sources: tuple[str, str], targets: tuple[str, str]) -> float:
    ratios = [characters(t) / max(characters(s), 1) for s, t in zip(sources, targets, strict=True)]
    return max(ratios) / min(ratios) if min(ratios) else 0.0


def _joined(turns: Sequence[Turn], side: str) -> str:
    return "\n".join((turn.source if side == "source" else turn.target) or "" for turn in turns)


def _normal(text: str) -> str:
    """Return the letters and digits of a text; of one without any, its marks."""
    return "".join(c for c in text.casefold() if c.isalnum()) or "".join(text.split())


def _one_spelling(text: str) -> str:
    text = text.casefold()
    for regex, one in _SPELLINGS:
        text = regex.sub(one, text)
    signs = "".join(c for c in text if c in _OPERATORS)  # x < 3 and x > 3 are two answers
    return _normal(text) + signs


def jaccard(a: str, b: str) -> float:
    """Return the overlap of the character 3-grams of two texts, 0.0 to 1.0."""
    first, second = ({t[n : n + _N] for n in range(len(t) - _N + 1)} for t in map(_normal, (a, b)))
    union = len(first | second)
    return len(first & second) / union if union else 0.0


def _moved_number(sources: tuple[str, str], targets: tuple[str, str]) -> int:
    """Count numbers of the first source that its target lacks, while it has the other's instead."""
    own, other = (frozenset().union(*english_numbers(text)) for text in sources)
    if not own - other or not other - own:
        return 0
    there = frozenset().union(*(readings for readings, _ in japanese_numbers(targets[0])))
    lost, gained = (own - other) - there, (other - own) & there
    return min(len(lost), len(gained))
