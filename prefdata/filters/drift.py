"""Drift: what translation and filtering did to a data set, for reports and for `calibrate`.

If the chosen side is dropped more often than the rejected one, or one side grew longer or more
polite, the translation has become a part of the label.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from prefdata.core.finding import Finding
from prefdata.core.records import Conversation, Preference
from prefdata.text.length import characters
from prefdata.text.mecab import analyze
from prefdata.text.register import register_of


@dataclass
class Texts:
    """Texts of one side: lengths in characters, sentence ends by register."""

    english: list[int] = field(default_factory=list)
    japanese: list[int] = field(default_factory=list)
    polite: int = 0
    plain: int = 0

    def to_json(self) -> dict[str, float | None]:
        """Return the figures; medians are null for no texts."""
        ends = self.polite + self.plain
        return {
            "english_characters": median(self.english) if self.english else None,
            "japanese_characters": median(self.japanese) if self.japanese else None,
            "polite_share": round(self.polite / ends, 4) if ends else None,
        }


@dataclass
class Side:
    """One side of the pairs: what was dropped for it, and its texts before and after."""

    dropped: Counter[str] = field(default_factory=Counter)
    before: Texts = field(default_factory=Texts)
    kept: Texts = field(default_factory=Texts)

    def to_json(self) -> dict[str, Any]:
        """Return the side's figures: those of the kept records, and under `before` those of all."""
        return {
            "dropped": sum(self.dropped.values()),
            "reasons": dict(self.dropped.most_common()),
            **self.kept.to_json(),
            "before": self.before.to_json(),
        }


def drift(kept: Iterable[Preference], drops: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return how the sides of the pairs fared, as plain values.

    `drops` are rows of a drop log; their records count as before and not as kept. ``margin`` is the
    median of how much longer the chosen side is, in English and in Japanese characters: the two
    should keep their sign.
    """
    sides: dict[str, Side] = defaultdict(Side)
    margins: list[tuple[int, int]] = []
    for record in kept:
        lengths = [
            _measure(record, n, (sides[record.side(n)].before, sides[record.side(n)].kept))
            for n in range(len(record.completions))
        ]
        if record.kind == "pair" and record.original:
            (chosen_en, chosen_ja), (rejected_en, rejected_ja) = lengths
            margins.append((chosen_en - rejected_en, chosen_ja - rejected_ja))
    for row in drops:
        cause = _cause(row["findings"])
        if cause:
            sides[cause.side].dropped[cause.code] += 1
        record = row["record"]
        for n in range(len(record.completions) if record else 0):
            _measure(record, n, (sides[record.side(n)].before,))
    return {
        "sides": {name: side.to_json() for name, side in sorted(sides.items())},
        "margin": {
            "english": median(en for en, _ in margins) if margins else None,
            "japanese": median(ja for _, ja in margins) if margins else None,
            "turned": sum(en * ja < 0 for en, ja in margins),
            "pairs": len(margins),
        },
    }


def _cause(findings: Sequence[Finding]) -> Finding | None:
    return next((finding for finding in findings if finding.action == "drop"), None)


def _measure(record: Preference, place: int, found: Sequence[Texts]) -> tuple[int, int]:
    """Add one completion to texts of its side; return its length in English and in Japanese."""
    messages = record.completions[place].messages
    english = _length(record.original.completions[place]) if record.original else 0
    japanese = _length(messages)
    ends = [register_of(analyze(message.content)) for message in messages]
    for texts in found:
        if record.original:
            texts.english.append(english)
        texts.japanese.append(japanese)
        texts.polite += sum(end.polite for end in ends)
        texts.plain += sum(end.plain for end in ends)
    return english, japanese


def _length(messages: Conversation) -> int:
    return sum(characters(message.content) for message in messages)
