"""Checks over two completions of one prompt. Symmetric: which is preferred is not known here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from prefdata.filters.view import Comparison, Turn
from prefdata.text.numbers import english_numbers, japanese_numbers
from prefdata.text.seen import Seen

_N = 3


def check(view: Comparison) -> Iterator[Seen]:
    """Yield completions that became one in translation, or moved towards each other."""
    for first, second in combinations(view.completions, 2):
        yield from compare(first, second)


def compare(first: Sequence[Turn], second: Sequence[Turn]) -> Iterator[Seen]:
    """Compare two completions; native ones have no English, and only equal ones collapse."""
    targets = _joined(first, "target"), _joined(second, "target")
    if not all(targets):
        return
    sources = _joined(first, "source"), _joined(second, "source")
    if _normal(targets[0]) == _normal(targets[1]):
        if _normal(sources[0]) != _normal(sources[1]) or not sources[0]:
            yield Seen("pair_collapsed", "equal")
        return
    if not all(sources):
        return
    similar = jaccard(*targets)
    if similar >= 0.4 and jaccard(*sources) <= 0.5:
        yield Seen("pair_collapsed", "similar", round(similar, 4))
    moved = _moved_number(sources, targets) + _moved_number(sources[::-1], targets[::-1])
    if moved:
        yield Seen("flaw_repaired", "number", float(moved))


def _joined(turns: Sequence[Turn], side: str) -> str:
    return "\n".join((turn.source if side == "source" else turn.target) or "" for turn in turns)


def _normal(text: str) -> str:
    return "".join(c for c in text.casefold() if c.isalnum())


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
