"""Did a quantity become another one?

Three to six in a hundred good translations lack a number of the source (COVID-19 becomes
新型コロナ, 5:30pm 5時半), so only a missing number together with a new one that nothing explains
counts as a change.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from prefdata.text.bitext import Bitext
from prefdata.text.numbers import Readings, english_numbers, japanese_numbers, word_numbers
from prefdata.text.seen import Seen

_NUMERAL = re.compile(r"[0-9]+")
_SCALED = re.compile("[0-9０-９][万億兆千百半]")
_DIGIT = re.compile("[0-9０-９]")
_IMPERIAL = re.compile(
    r"\b(?:feet|foot|ft|inch(?:es)?|miles?|mph|pounds?|lbs?|ounces?|oz|fahrenheit|degrees?|gallons?"
    r"|yards?|acres?|cups?|pints?|quarts?)\b|°\s?F|\d\s?F\b|\d['\"′″]",
    re.IGNORECASE,
)
_METRIC = re.compile(
    "メートル|キロ|センチ|グラム|リットル|度|℃|ヘクタール|平方|cm|kg|km|ml|mL|ミリ|m"
)
_TO_METRIC: Final = (
    0.3048, 1.609, 0.4536, 2.54, 28.35, 3.785, 0.9144, 240, 200, 250, 0.4047, 0.4732, 0.9464, 30.48, 453.6,
)  # fmt: skip
_TIME: Final = frozenset(
    [
        "second",
        "seconds",
        "minute",
        "minutes",
        "hour",
        "hours",
        "day",
        "days",
        "week",
        "weeks",
        "month",
        "months",
        "year",
        "years",
    ]
)
_TO_OTHER_TIME: Final = (1 / 12, 12, 1 / 7, 7, 1 / 24, 24, 1 / 60, 60)
_DURATION = re.compile(
    r"(?<![\d.,$])(\d{1,3}|two|three|four|five|six|seven|eight|nine|ten)[ -](second|minute|hour|day|week|month|year)s?\b"
)
_SMALL: Final = {
    word: str(n)
    for n, word in enumerate(
        ["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"], 2
    )
}
_JA_UNIT: Final = {
    "second": "秒", "minute": "分", "hour": "時", "day": "日", "week": "週", "month": "[かカヶケヵ箇ヵ]?月", "year": "[年歳才]",
}  # fmt: skip
_ANY_UNIT = re.compile("秒|分(?!の)|時間|日間|週間?|[かカヶケヵ箇]月|年(?!代)")


def check(text: Bitext) -> Iterator[Seen]:
    """Yield the number of quantities that changed, and what they became."""
    if text.is_native or not _DIGIT.search(text.target):
        return
    if _has_new_digits(text):
        yield from _changed_numbers(text)
    elif not _TIME.isdisjoint(text.source_vocabulary):
        units = _changed_units(text)
        if units:
            yield Seen("number_mismatch", "unit", float(len(units)), ", ".join(units))


def _has_new_digits(text: Bitext) -> bool:
    """Tell whether the target has digits that the source lacks, or 万, 半 and the like."""
    if _SCALED.search(text.japanese.text):
        return True
    given = set(_NUMERAL.findall(text.japanese.text))
    return not given.issubset(_NUMERAL.findall(text.english.text))


def _changed_numbers(text: Bitext) -> Iterator[Seen]:
    source = english_numbers(text.english.text)
    missing, new = changed(source, text) if source else ([], [])
    if missing and new:
        band = "short" if text.english_words <= 60 else "long"
        shown = f"{_show(missing)} became {_show(new)}"
        yield Seen("number_mismatch", band, float(min(len(missing), len(new))), shown)


def changed(source: list[Readings], text: Bitext) -> tuple[list[Readings], list[Readings]]:
    """Return numbers of the source that are missing, and those of the target nothing explains."""
    target = japanese_numbers(text.japanese.text)
    there = frozenset().union(*(readings for readings, _ in target))
    missing = [readings for readings in source if not _matches(readings, there)]
    if not missing:
        return [], []
    known = frozenset().union(*source, word_numbers(text.english.text))
    new = [r for r, is_explicit in target if is_explicit and not _matches(r, known)]
    return _without_conversions(missing, new, _factors(text)) if new else (missing, new)


def _matches(readings: Readings, others: frozenset[float]) -> bool:
    if not readings.isdisjoint(others):
        return True
    return any(
        abs(a - b) <= 0.001 * max(abs(a), abs(b)) for a in readings if a > 100 for b in others
    )


def _factors(text: Bitext) -> tuple[float, ...]:
    """Return by what a number of the source may have been multiplied: miles, 12 months."""
    factors = () if _TIME.isdisjoint(text.source_vocabulary) else _TO_OTHER_TIME
    if _IMPERIAL.search(text.english.text) and _METRIC.search(text.japanese.text):
        return (*factors, *_TO_METRIC)
    return factors


def _without_conversions(
    missing: list[Readings], new: list[Readings], factors: tuple[float, ...]
) -> tuple[list[Readings], list[Readings]]:
    tolerance = 0.12 if len(factors) > len(_TO_OTHER_TIME) else 0.001

    def is_converted(a: float, b: float) -> bool:
        if any(abs(b - a * factor) <= tolerance * abs(b) for factor in factors):
            return True
        return tolerance > 0.1 and abs(b - (a - 32) * 5 / 9) <= 2

    kept = [n for n in new if not any(is_converted(a, b) for m in missing for a in m for b in n)]
    return (missing if kept else []), kept


def _changed_units(text: Bitext) -> list[str]:
    """Return durations whose number is there with another unit of time: 10 months became 10年."""
    found = []
    for number, unit in _DURATION.findall(text.english.text.lower()):
        digits = _SMALL.get(number, number)
        kept = re.findall(rf"(?<!\d){digits}(.{{1,4}})", text.japanese.text)
        other = [tail for tail in kept if _ANY_UNIT.match(tail)]
        if other and not any(re.match(_JA_UNIT[unit], tail) for tail in kept):
            found.append(f"{number} {unit} became {digits}{other[0][:2]}")
    return found


def _show(numbers: list[Readings]) -> str:
    return ", ".join(f"{min(n):g}" for n in numbers[:4])
