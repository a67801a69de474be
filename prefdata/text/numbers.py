"""Quantities in English and Japanese, and whether one became another.

Three to six in a hundred good translations lack a number of the source (COVID-19 becomes
新型コロナ, 5:30pm 5時半), so only a missing number together with a new one that nothing explains
counts as a change.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final, TypeAlias

from prefdata.text.bitext import Bitext
from prefdata.text.seen import Seen

# All readings of one number: "5:30pm" is 5, 17, 5.5 or 30.
Readings: TypeAlias = frozenset[float]

_SCALE: Final = {
    "hundred": 100, "thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12,
    "k": 1e3, "m": 1e6, "mn": 1e6, "b": 1e9, "bn": 1e9,
}  # fmt: skip
_WORDS: Final = {
    word: float(value)
    for value, words in enumerate(
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty"]
    )
    for word in (words,)
} | {
    "thirty": 30.0, "forty": 40.0, "fifty": 50.0, "sixty": 60.0, "seventy": 70.0, "eighty": 80.0, "ninety": 90.0,
}  # fmt: skip
_OTHER_WORDS: Final = {
    "first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8, "ninth": 9, "tenth": 10,
    "half": 2, "quarter": 4, "quarters": 4, "thirds": 3, "fifths": 5, "once": 1, "twice": 2, "both": 2, "pair": 2, "couple": 2, "double": 2, "triple": 3,
    "dozen": 12, "dozens": 10, "hundreds": 100, "thousands": 1000, "millions": 100, "century": 100, "decade": 10, "decades": 10, "fortnight": 2, "score": 20,
    "january": 1, "february": 2, "march": 3, "april": 4, "may": 5, "june": 6, "july": 7, "august": 8, "september": 9,
    "october": 10, "november": 11, "december": 12, "noon": 12, "midnight": 0, "jan": 1, "feb": 2, "mar": 3, "apr": 4,
    "jun": 6, "jul": 7, "aug": 8, "sept": 9, "sep": 9, "oct": 10, "nov": 11, "dec": 12, "single": 1, "another": 1, "an": 1, "a": 1, "either": 1,
    "weekend": 2, "twins": 2, "teens": 10, "twenties": 20, "thirties": 30, "forties": 40, "fifties": 50, "sixties": 60,
    "seventies": 70, "eighties": 80, "nineties": 90, "teenager": 10, "biweekly": 2, "bimonthly": 2, "annual": 1, "daily": 1, "weekly": 1, "monthly": 1, "per": 1, "each": 1, "every": 1, "hourly": 1, "ii": 2, "iii": 3, "iv": 4, "vi": 6,
    "octagon": 8, "triangle": 3, "square": 2, "squared": 2, "cubed": 3, "cubic": 3, "trio": 3, "duo": 2, "quartet": 4, "tenths": 10, "percent": 100,
}  # fmt: skip
_EN = re.compile(
    r"(?<![A-Za-z0-9_.,])(?:[$€£¥]\s?)?(\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)(?:(?P<minute>[:.][0-5]\d)(?=\s?[ap]\.?m)|:(?P<sixty>[0-5]\d)\b)?"
    r"(?:[\s-]?(?P<scale>hundred|thousand|million|billion|trillion|bn|mn|[kKmMbB](?![A-Za-z]))\b)?(?P<half>\s?1/2|½)?\s?(?P<noon>[ap]\.?\s?m\b)?(?P<decade>'?s\b)?(?P<tail>st|nd|rd|th)?",
    re.IGNORECASE,
)
_EN_WORD = re.compile(r"[a-z]+", re.IGNORECASE)
_EN_COMPOUND = re.compile(
    r"\b(?:(twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)[- ](one|two|three|four|five|six|seven|eight|nine)|(one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|a|several|few))(?:[ -](hundred|thousand|million|billion|trillion))?\b",
    re.IGNORECASE,
)
_KANJI: Final = {c: n for n, c in enumerate("〇一二三四五六七八九")} | {"零": 0}
_UNIT: Final = {"十": 10, "百": 100, "千": 1000, "万": 1e4, "億": 1e8, "兆": 1e12}
_JA = re.compile(
    r"(?<![A-Za-z_.\d])(\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)(?:[十百千]?[万億兆](?:\d[\d,]*[千百]?[万億]?)*|[千百](?![円個人]*分の))?(?P<rest>[万億兆千百\d,]*)(?P<half>[年時か個日歳倍分]?[ヶカヵ]?月?間?半)?(?P<wari>割(?![りっ引]))?"
)
_JA_CHAIN = re.compile(r"(\d[\d,]*(?:\.\d+)?)?([十百千]?)([万億兆]?)")
_JA_KANJI = re.compile("(?<![0-9万億兆千百,.])[〇零一二三四五六七八九十百千万億兆]+")
_LATIN_NUMBER = re.compile(
    r"[A-Za-z][A-Za-z-]*-?\d+(?:\.\d+)?[A-Za-z]*|\d+(?:\.\d+)?[A-Za-z-]*[A-HJ-Z]{2,}\d*"
)
_ITEM = re.compile(r"(?m)^[ \t\u3000]*[(（#]*\d{1,3}[.)．）、:](?!\d)")
_IMPERIAL = re.compile(
    r"\b(?:feet|foot|ft|inch(?:es)?|miles?|mph|pounds?|lbs?|ounces?|oz|fahrenheit|gallons?|yards?|acres?|cups?|pints?|quarts?)\b|°\s?F|\d\s?F\b|\d['\"”′″]",
    re.IGNORECASE,
)
_METRIC = re.compile(
    "メートル|キロ|センチ|グラム|リットル|度|℃|ヘクタール|平方|cm|kg|km|ml|mL|ミリ|m"
)
_FACTORS: Final = (
    0.3048,
    1.609,
    0.4536,
    2.54,
    28.35,
    3.785,
    0.9144,
    240,
    200,
    250,
    0.4047,
    0.4732,
    0.9464,
    30.48,
    453.6,
    0.0254,
    0.02835,
)
_LOOSE = re.compile(
    r"\b(?:dozens?|hundreds|thousands|several|couple|few|half|quarter|percent)\b|%|/"
)


def check(text: Bitext) -> Iterator[Seen]:
    """Yield the number of quantities that changed, and what they became."""
    if text.is_native or not _HAS_DIGIT.search(text.target):
        return
    source = english_numbers(text.english.text)
    if not source:
        return
    target = japanese_numbers(text.japanese.text)
    missing, new = changed(source, target, text)
    if missing and new:
        band = "short" if text.english_words <= 60 else "long"
        shown = f"{_show(missing)} became {_show(new)}"
        yield Seen("number_mismatch", band, float(min(len(missing), len(new))), shown)


_HAS_DIGIT = re.compile("[0-9０-９一二三四五六七八九十百千万億兆]")


def changed(
    source: list[Readings], target: list[tuple[Readings, bool]], text: Bitext
) -> tuple[list[Readings], list[Readings]]:
    """Return the numbers of the source that are missing, and those of the target nothing explains."""
    there = frozenset().union(*(readings for readings, _ in target)) if target else frozenset()
    words = word_numbers(text.english.text)
    missing = [readings for readings in source if not _matches(readings, there)]
    known = frozenset().union(*source, words)
    new = [r for r, is_explicit in target if is_explicit and not _matches(r, known)]
    if (
        missing
        and new
        and _IMPERIAL.search(text.english.text)
        and _METRIC.search(text.japanese.text)
    ):
        missing, new = _without_conversions(missing, new)
    return missing, new


def _matches(readings: Readings, others: frozenset[float]) -> bool:
    if not readings.isdisjoint(others):
        return True
    return any(
        abs(a - b) <= 0.001 * max(abs(a), abs(b)) for a in readings for b in others if a > 100
    )


def _without_conversions(
    missing: list[Readings], new: list[Readings]
) -> tuple[list[Readings], list[Readings]]:
    def is_converted(a: float, b: float) -> bool:
        ratios = any(abs(b - a * f) <= 0.12 * abs(b) for f in _FACTORS)
        return ratios or abs(b - (a - 32) * 5 / 9) <= 2

    kept = [n for n in new if not any(is_converted(a, b) for m in missing for a in m for b in n)]
    return (missing if kept else []), kept


def english_numbers(text: str) -> list[Readings]:
    """Return the numbers written in digits, and number words with a scale or from two up.

    >>> [sorted(n) for n in english_numbers("$2.4 billion in 6.5 years")]
    [[2400000000.0], [6.5]]
    """
    text = _LATIN_NUMBER.sub(" ", _ITEM.sub("", text))
    found = [_english(match) for match in _EN.finditer(text)]
    for tens, ones, simple, scale in _EN_COMPOUND.findall(_EN.sub(" ", text).lower()):
        value = _WORDS.get(tens, 0.0) + _WORDS.get(ones or simple, 1.0)
        if scale and simple not in ("several", "few", "a"):
            found.append(frozenset([value * _SCALE[scale]]))
        elif tens or (simple in _WORDS and value >= 2):
            found.append(frozenset([value]))
    return found


def _english(match: re.Match[str]) -> Readings:
    value = float(match[1].replace(",", ""))
    readings = {value}
    scale = (match["scale"] or "").lower()
    if scale:
        readings = {value * _SCALE[scale]} | ({value, value * 12} if len(scale) == 1 else set())
    minute = (match["minute"] or match["sixty"] or "").lstrip(":.")
    if minute:
        readings |= {float(minute), value + float(minute) / 60}
    if match["noon"] and match["noon"][0] in "pP":
        readings |= {value + 12, value + 12.5}
    if match["half"]:
        readings |= {value + 0.5}
    if match["decade"] or (value >= 1900 and value < 2100):
        readings |= {value % 100, value // 100 + 1}
    if "." in match[1]:
        readings |= _of_decimal(match[1], value)
    return frozenset(readings)


def _of_decimal(written: str, value: float) -> set[float]:
    """5.30 may be a time; 0.5 may be written as 5割 or 50 %."""
    return {value * 10, value * 100} if value < 1 else set()


def word_numbers(text: str) -> frozenset[float]:
    """Return what number words, months and the like in an English text may explain."""
    found: set[float] = set()
    for word in _EN_WORD.findall(text.lower()):
        value = _WORDS.get(word, _OTHER_WORDS.get(word))
        if value is not None:
            found.add(float(value))
    if "half" in text.lower():
        found |= {0.5, 1.5, 30.0, 50.0, 2.5, 3.5, 5.0}
    if "quarter" in text.lower():
        found |= {15.0, 25.0, 75.0, 3.0}
    return frozenset(found)


def japanese_numbers(text: str) -> list[tuple[Readings, bool]]:
    """Return the numbers of a Japanese text, and whether each is written in digits.

    >>> [sorted(n) for n, _ in japanese_numbers("24億ドル、146万人、6年半")]
    [[2400000000.0], [1460000.0], [6.0, 6.5, 18.0, 30.0]]
    """
    text = unicodedata.normalize("NFKC", text)
    text = _LATIN_NUMBER.sub(" ", _ITEM.sub("", text))
    found = [(_japanese(match, text), True) for match in _JA.finditer(text)]
    if _JA_KANJI.search(text):
        found += [(frozenset([_kanji(run)]), False) for run in _JA_KANJI.findall(text)]
    return found


def _japanese(match: re.Match[str], text: str) -> Readings:
    written = match.group()
    value = _chain(written)
    readings = {value}
    if match["half"]:
        readings |= {value + 0.5, 30.0}
    if match["wari"]:
        readings = {value * 10}
    before = text[max(0, match.start() - 4) : match.start()]
    if "午後" in before or "夜" in before or "夕方" in before or "後" in before or match["half"]:
        readings |= {value + 12}
    if text[match.end() : match.end() + 1] == "時" and value > 12:
        readings |= {value - 12}
    return frozenset(readings)


def _chain(written: str) -> float:
    """Return the value of 5億4千万, 14万6千, 2万5000, 1,200."""
    total = part = 0.0
    seen_scale = False
    for digits, small, large in _JA_CHAIN.findall(written):
        if not (digits or small or large):
            continue
        number = (
            float(digits.replace(",", "").rstrip(".") or 1) if digits else (1.0 if small else 0.0)
        )
        part += number * (_UNIT[small] if small else 1)
        if large:
            total += (part or 1.0) * _UNIT[large]
            part, seen_scale = 0.0, True
    return total + part if seen_scale else part


def _kanji(run: str) -> float:
    """Return the value of a number in kanji; digits in a row are read as in 二〇二四."""
    if len(run) > 1 and all(c in _KANJI for c in run):
        return float("".join(str(_KANJI[c]) for c in run))
    total = part = digit = 0.0
    for c in run:
        if c in _KANJI:
            digit = float(_KANJI[c])
        elif _UNIT[c] < 1e4:
            part += (digit or 1) * _UNIT[c]
            digit = 0.0
        else:
            total += (part + digit or 1) * _UNIT[c]
            part = digit = 0.0
    return total + part + digit


def _show(numbers: list[Readings]) -> str:
    return ", ".join(f"{min(n):g}" for n in numbers[:4])
