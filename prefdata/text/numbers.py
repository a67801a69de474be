"""Numbers in English and in Japanese, each with all its readings: 5 pm is 5 or 17."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Set
from functools import lru_cache
from typing import Final

from prefdata.text.digits import beginnings, has_other_digits, matches, numerals
from prefdata.text.length import without_beginnings
from prefdata.text.number_words import (
    SCALES,
    VALUED_WORDS,
    WORD_VALUES,
    WORDS,
    Readings,
    may_be_spelled,
    spelled,
)
from prefdata.text.patterns import has_one

_EN = re.compile(
    r"(\d(?<![A-Za-z0-9_.,]\d)(?:\d{0,2}(?:,\d{3})+(?:\.\d+)?|\d{0,29}(?:\.(?![0-5]\d\s?[ap]\.?m)\d{1,30})?))(?:(?P<minute>[:.][0-5]\d)(?=\s?[ap]\.?m)|:(?P<sixty>[0-5]\d)\b)?"
    r"(?:[\s-]?(?P<scale>grand(?! (?:pianos?|prix|slams?|total|children))|hundred|thousand|million|billion|trillion|bn|mn|[kKmMbB](?![A-Za-z]))\b)?(?P<half>\s?1/2|½)?\s?(?P<noon>[ap]\.?\s?m\b)?(?P<decade>'?s\b)?(?P<tail>st|nd|rd|th)?",
    re.IGNORECASE,
)
_MINUTES = re.compile(r"\d[0-9]*(?:[:.]([0-5]\d)(?=\s?[ap]\.?m)|:([0-5]\d)\b)")
_EN_WORD = re.compile(r"[a-z]+")
_KANJI: Final = {c: n for n, c in enumerate("〇一二三四五六七八九")} | {"零": 0}
_UNIT: Final = {"十": 10, "百": 100, "千": 1000, "万": 1e4, "億": 1e8, "兆": 1e12}
_JA = re.compile(
    r"(\d(?<![A-Za-z_.\d]\d)(?:\d{0,2}(?:,\d{3})+(?:\.\d+)?|\d{0,29}(?:\.\d{1,30})?))(?:[十百千]?[万億兆](?:\d[\d,]*[千百]?[万億]?)*|[千百](?![円個人]*分の))?(?P<rest>[万億兆千百\d,]*)(?P<half>[年時か個日歳倍分]?[ヶカヵ]?月?間?半)?(?P<wari>割(?![りっ]))?"
)
# The year before the first of each era: 令和2年 is 2020.
_ERAS: Final = {"明治": 1867, "大正": 1911, "昭和": 1925, "平成": 1988, "令和": 2018}
_JA_CHAIN = re.compile(r"(\d[\d,]*(?:\.\d+)?)?([十百千]?)([万億兆]?)")
_JA_KANJI = re.compile("(?<![0-9万億兆千百,.])[〇零一二三四五六七八九十百千万億兆]+")
_LATIN_NUMBER = re.compile(
    r"(?<![A-Za-z])[A-Za-z][A-Za-z-]{0,40}\d{1,20}(?:\.\d{1,20})?[A-Za-z]*"
    r"|(?<!\d)\d{1,20}(?:\.\d{1,20})?[A-Za-z-]{0,20}[A-HJ-Z]{2}\w*"
)
# What every `_LATIN_NUMBER` holds: a digit after a letter, or two capitals after one.
_NEAR_LATIN_NUMBER = re.compile(
    r"\d(?:(?<=[A-Za-z]\d)|(?<=[A-Za-z-]-\d)|[0-9]*[A-Za-z-]{0,20}[A-HJ-Z]{2})"
)
_FEW = re.compile(r"\b(?:few|several)\b")
# "Nine out of ten", "one in five", "seven tenths": what Japanese may say as 9割 or 20%.
_COUNT: Final = rf"\d{{1,9}}|{'|'.join(WORDS)}"
_SHARE = re.compile(
    rf"\b({_COUNT}) (?:(?:out )?of(?: every)?|in) ({_COUNT})\b|\b({_COUNT})[ -](tenths)\b"
)
# What these two hold, and few other texts; the literal at its beginning is looked for fast.
_BEFORE_COUNT = re.compile(rf" (?:of(?: every)?|in|to|till|before) (?:{_COUNT})\b")
# "Ten to six" is 5時50分.
_TO_HOUR = re.compile(
    r"\b(quarter|five|ten|twenty|\d{1,2}) (?:to|till|before) (one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\d{1,2})\b"
)
_YEAR = re.compile(r"['’](?<!\w.)(\d\d)\b")
_DIVISOR = re.compile(r"(?<![\d.])([1-9]\d{0,3})分の\Z")
_PERCENT = re.compile(r"\s?(?:%|パーセント)")
_CENTS = re.compile(r"((?<!\d)\d+)ドル(\d{1,2})セント")
_FEET = re.compile(r"(\d)\s?(?:'|′|’|ft|feet|foot)\s?(\d{1,2})\s?(?:\"|″|”|in\b|inches)?")
_ITEM = re.compile(r"[ \t\u3000]*[(（#]*\d{1,3}[.)．）、:](?!\d)")


# A number of an English text of which nothing beside it makes another number, a list item or a name.
_PLAIN = re.compile(
    r"[0-9](?:(?<=[^\s(（#] [0-9])|(?<=[^\s(（#] \([0-9])|(?<=\$[0-9])|(?<=[0-9]-[0-9]))"
    r"(?:[0-9]{0,2}(?:,[0-9]{3})++|[0-9]{0,14}+(?:\.[0-9]{1,9}+(?!\s?[APap]\.?[Mm]))?+)"
    r"(?!\d|[.,]\d|/|\n[ \t\u3000(（#\d]|[A-Za-z-]{0,20}[A-HJ-Z]{2}"
    r"|[\s-]?(?i:grand|hundred|thousand|million|billion|trillion|bn|mn|[kmb](?![a-z])))"
)
# What stands after a digit of Japanese in normal form that is part of more than an integer, and its signs.
_NOT_PLAIN_JA = re.compile(
    r"[0-9](?:[,十百千万億兆割]|\.[0-9]|[年時か個日歳倍分]?[ヶカヵ]?月?間?半|ドル[0-9]+セント)"
)
_NOT_PLAIN_SIGNS: Final = (*",十百千万億兆割.半", "セント")
_LONG: Final = 15  # digits that an integer has at most


def plain_figures(text: str) -> set[float]:
    """Return numbers of an English text that `english_figures` have, too; not all of them.

    >>> sorted(plain_figures("for 10 days, 3 million of 1,000 or $2.5 a day"))
    [2.5, 10.0, 1000.0]
    """
    return {float(written.replace(",", "")) for written in _PLAIN.findall(text)}


def japanese_integers(text: str) -> set[float] | None:
    """Return the integers of a Japanese text in normal form KC if it has no other figures, else None.

    >>> japanese_integers("3月10日"), japanese_integers("3万円")
    ({10.0, 3.0}, None)
    """
    if has_other_digits(text) or (has_one(text, _NOT_PLAIN_SIGNS) and _NOT_PLAIN_JA.search(text)):
        return None
    written = numerals(text)
    return None if max(map(len, written), default=0) > _LONG else set(map(float, written))


def english_numbers(text: str) -> list[Readings]:
    """Return the numbers written in digits, and number words with a scale or from two up.

    >>> [sorted(n) for n in english_numbers("$2.4 billion in 6.5 years")]
    [[2400000000.0], [6.5]]
    """
    words = _words(text)
    if not may_be_spelled(words):
        return english_figures(text)
    return english_figures(text) + spelled(_EN.sub(" ", _prose(text)).lower(), words)


def english_figures(text: str) -> list[Readings]:
    """Return the numbers of an English text that are written in digits."""
    text = _prose(text)
    found = [_english(match) for match in matches(_EN, text)]
    minutes = {match[1] or match[2] for match in matches(_MINUTES, text)} - {"00", "30"}
    return found + [frozenset([float(minute)]) for minute in sorted(minutes)]


@lru_cache(maxsize=16)
def _prose(text: str) -> str:
    """Return a text without markers of list items, and without numbers in names: B2B, 3D."""
    text = without_beginnings(text, _ITEM)
    return _LATIN_NUMBER.sub(" ", text) if matches(_NEAR_LATIN_NUMBER, text) else text


def _english(match: re.Match[str]) -> Readings:
    value = float(match[1].replace(",", ""))
    if match.end() == match.end(1) and not 1900 <= value < 2100:
        return frozenset([value])
    readings = {value}
    scale = (match["scale"] or "").lower()
    if scale:
        readings = {value * SCALES[scale]} | ({value, value * 12} if len(scale) == 1 else set())
    minute = (match["minute"] or match["sixty"] or "").lstrip(":.")
    if minute:
        readings |= {value + float(minute) / 60, value + float(minute) / 100}
    if match["noon"] and match["noon"][0] in "pP":
        readings |= {value + 12, value + 12.5}
    if match["half"]:
        readings |= {value + 0.5}
    if match["decade"] or (value >= 1900 and value < 2100):
        readings |= {value % 100, value // 100 + 1}
    return frozenset(readings)


_MILEAGE = re.compile(r"\b(\d{1,3}) ?(?:mpg|miles (?:per|to the|a) gallon)\b")
_KM_PER_LITER: Final = 0.4251
_SIGHT = re.compile(r"20/(?<!\w20/)([1-9]\d{1,2})\b")  # 20/20 vision is 1.0


def word_numbers(text: str) -> frozenset[float]:
    """Return what number words, months and the like in an English text may explain."""
    found = {WORD_VALUES[word] for word in _words(text) & VALUED_WORDS}
    found |= {century + int(year) for year in _YEAR.findall(text) for century in (1900.0, 2000.0)}
    for feet, inches in _FEET.findall(text):
        found.add(round(int(feet) * 30.48 + int(inches) * 2.54))
    found |= {20 / int(sight) for sight in _SIGHT.findall(text)}
    for match in matches(_MILEAGE, text):
        per_liter = int(match[1]) * _KM_PER_LITER
        found |= {1.0, float(round(per_liter)), float(int(per_liter)), round(per_liter, 1)}
    if "24/7" in text:
        found |= {24.0, 365.0, 7.0}
    lower = text.lower()
    if ("few" in text or "several" in text) and _FEW.search(text):
        found |= {2.0, 3.0, 4.0, 5.0, 6.0}
    if "half" in lower:
        found |= {0.5, 1.5, 30.0, 50.0, 2.5, 3.5, 5.0}
    if "quarter" in lower:
        found |= {15.0, 25.0, 45.0, 75.0, 3.0}
    if "tenths" in lower or _BEFORE_COUNT.search(lower):
        found |= _shares(lower) | _times(lower)
    return frozenset(found)


@lru_cache(maxsize=16)
def _words(text: str) -> frozenset[str]:
    return frozenset(_EN_WORD.findall(text.lower()))


def _times(text: str) -> set[float]:
    """Return minute and hour of "ten to six": 50 and 5."""
    found = set()
    places = beginnings(text, ["quarter", *WORDS])
    for minutes, hour in (match.groups() for match in matches(_TO_HOUR, text, places)):
        found |= {60 - (15 if minutes == "quarter" else _small(minutes)), _small(hour) - 1}
    return found


def _shares(text: str) -> set[float]:
    """Return the shares of "nine out of ten" as percentages."""
    found = set()
    for match in matches(_SHARE, text, beginnings(text, WORDS)):
        first, second, tenth, _ = match.groups()
        part, whole = _small(first or tenth), _small(second or "ten")
        if part and whole:
            found.add(round(100 * part / whole, 1))
    return found


def _small(word: str) -> float:
    return float(word) if word.isdecimal() else WORDS.get(word, 0.0)


def japanese_numbers(text: str) -> list[tuple[Readings, bool]]:
    """Return the numbers of a Japanese text, and whether each is written in digits.

    >>> [sorted(n) for n, _ in japanese_numbers("24億ドル、146万人、6年半")]
    [[2400000000.0], [1460000.0], [6.0, 6.5, 18.0, 18.5]]
    """
    text = unicodedata.normalize("NFKC", text)
    figures = [(readings, True) for readings in japanese_figures(text)]
    return figures + [(frozenset([_kanji(run)]), False) for run in _JA_KANJI.findall(_prose(text))]


def japanese_figures(text: str, known: Set[float] = frozenset()) -> list[Readings]:
    """Return the numbers of a Japanese text in normal form KC that are written in digits.

    Plain integers that are `known` are left out.
    """
    text = _prose(text)
    if "セント" in text:
        text = _CENTS.sub(lambda m: f"{m[1]}.{int(m[2]):02}ドル", text)
    return [
        _japanese(match, text)
        for match in matches(_JA, text)
        if not (known and (written := match[0]).isdecimal() and float(written) in known)
    ]


def _japanese(match: re.Match[str], text: str) -> Readings:
    written = match.group()
    value = value_of(written)
    readings = {value}
    if match["half"]:
        readings |= {value + 0.5}
    if match["wari"]:
        readings = {value * 10, value / 10}
    elif _PERCENT.match(text, match.end()):
        readings |= {value / 100}
    divisor = _DIVISOR.search(text, max(0, match.start() - 6), match.start())
    if divisor:
        readings |= {value / float(divisor[1])}
    before = text[max(0, match.start() - 4) : match.start()]
    if before[-2:] in _ERAS:
        readings |= {value + _ERAS[before[-2:]]}
    if "午後" in before or "夜" in before or "夕方" in before or "後" in before or match["half"]:
        readings |= {value + 12, value + 12.5} if match["half"] else {value + 12}
    if text[match.end() : match.end() + 1] == "時" and value > 12:
        readings |= {value - 12}
    return frozenset(readings)


def value_of(written: str) -> float:
    """Return the value of 5億4千万, 14万6千, 2万5000, 1,200."""
    if written.isdecimal():
        return float(written)
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
