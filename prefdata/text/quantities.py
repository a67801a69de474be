"""Did a quantity become another one?

Three to six in a hundred good translations lack a number of the source (COVID-19 becomes
新型コロナ, 5:30pm 5時半), so only a missing number together with a new one that nothing explains
counts as a change.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from math import log10
from typing import Final

from prefdata.text import units
from prefdata.text.bitext import Bitext
from prefdata.text.dates import changed_dates, changed_ordinals, changed_years
from prefdata.text.digits import numerals
from prefdata.text.lexicon import ENGLISH, JAPANESE
from prefdata.text.lists import word_list
from prefdata.text.number_words import VALUED_WORDS, WORD_VALUES, Readings
from prefdata.text.numbers import (
    english_figures,
    english_numbers,
    japanese_figures,
    japanese_integers,
    japanese_numbers,
    plain_figures,
    word_numbers,
)
from prefdata.text.patterns import DIGITS, has_one
from prefdata.text.seen import Seen

_SCALES: Final = tuple("万億兆千百半")
_SCALED = re.compile(f"[0-9０-９][{''.join(_SCALES)}]")
_TIME: Final = ENGLISH.add(word_list("time"))
_COUNT = re.compile(r"(?<![\d.,$])(?:\d{1,3}|two|three|four|five|six|seven|eight|nine|ten)\Z")
_SMALL: Final = {
    word: str(n)
    for n, word in enumerate(
        ["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"], 2
    )
}
_JA_UNIT: Final = {
    unit: re.compile(japanese)
    for unit, japanese in {
        "second": "秒", "minute": "分", "hour": "時", "day": "日", "week": "週", "month": "[かカヶケヵ箇ヵ]?月", "year": "[年歳才]",
    }.items()
}  # fmt: skip
_UNITS_OF_TIME: Final = {word: unit for unit in _JA_UNIT for word in (unit, f"{unit}s")}
_SIGN_OF_TIME: Final = {
    "second": "秒", "minute": "分", "hour": "時間", "day": "日間", "week": "週", "month": "月", "year": "年",
}  # fmt: skip
# By word, the signs of the other units of time, as `_ANY_UNIT` has them.
_OTHER_SIGNS: Final = {
    word: tuple(sign for other, sign in _SIGN_OF_TIME.items() if other != unit)
    for word, unit in _UNITS_OF_TIME.items()
}
_BEFORE_UNIT: Final = frozenset(" -")
_ANY_UNIT = re.compile("秒|分(?!の)|時間|日間|週間?|[かカヶケヵ箇]月|年(?!代)")
# Signs of a figure in the Japanese, the figure, and what the English would say for it: signs, words.
_FIGURES: Final = {
    "share": (
        JAPANESE.add(["%", "％", "パーセント"]),
        re.compile(r"(?<![0-9０-９.,])[0-9０-９][0-9０-９.,]{0,15}\s?(?:[%％]|パーセント)"),
        (*DIGITS, "%"),
        re.compile(
            r"per ?cent|\b(?:half|halves|halv\w+|thirds?|quarters?|double[ds]?|twice|fold|tenths?|fifths?|one in|out of|ratio"
            r"|majority|most|all|fully|whole|none|every\w*|completely|entirely|totally|absolutely|chance|sure|certain\w*|never|always|odds)\b"
        ),
    ),
    "money": (
        JAPANESE.add(["ドル", "ユーロ", "円"]),
        re.compile(
            r"(?<![0-9０-９.,])[0-9０-９][0-9０-９.,]{0,15}[万億千百]?\s?(?:ドル|ユーロ|円(?![形周筒盤卓錐柱]))"
        ),
        tuple("$€£¥"),
        re.compile(
            r"\b(?:dollars?|bucks?|cents?|euros?|yen|pounds?|grand|quid|usd|eur|jpy|k|free|pence|penny|pennies|nickel|dime)\b"
        ),
    ),
    "mass": (
        JAPANESE.add(["トン", "kg", "グラム"]),
        re.compile(
            r"(?<![0-9０-９.,])[0-9０-９][0-9０-９.,]{0,15}[万億千百]?\s?(?:トン|kg|キログラム|グラム)"
        ),
        (),
        re.compile(
            r"\b\d*(?:tons?|tonnes?|kilos?|kg|kilograms?|grams?|gm?|mg|pounds?|lbs?|ounces?|oz|stones?|cups?|(?:table|tea)?spoons?"
            r"|tbsps?|tsps?|pinch|sticks?|cans?|pints?|quarts?|gallons?)\b"
        ),
    ),
}
_FIGURE_SIGNS: Final = frozenset().union(*(signs for signs, *_ in _FIGURES.values()))
_ONE_AND_A_HALF = re.compile(r"and a half|\b(?:90|ninety|1\.5)\b")
_HALF = re.compile(r"\bhalf (?:an?|of an?) (hour|day|year|month|mile|kilometer)\b")
_HALVED: Final = {
    "hour": "時間", "day": "日", "year": "年", "month": "[かカヶケヵ箇]月", "mile": "マイル",
    "kilometer": "キロ(?:メートル)?",
}  # fmt: skip


_HALF_OF = re.compile(
    r"\b(?:half an?|half of an?|1/2) (?:small |large |medium )?(?:tablet|pill|capsule|cup|glass|bottle|teaspoon|tablespoon|dose|lemon"
    r"|lime|onion|can|stick|bag|packet|scoop|slice|apple|avocado|loaf)\b"
)
_HALF_JA = re.compile(
    "半|0[.]5|1/2|½|2分の1|２分の１|二分の一|[0-9０-９]\\s?(?:ml|mL|g|cc|グラム|ミリ)"
)


def check(text: Bitext) -> Iterator[Seen]:
    """Yield the number of quantities that changed, and what they became.

    >>> from prefdata.text.assess import problems
    >>> problems("It costs $25,000.", "25万ドルかかります。")
    ('number_mismatch',)
    >>> problems("One in five of 3.2 million.", "320万人のうち5人に1人。")
    ()
    """
    if text.is_native:
        return
    if changed := changed_dates(text):
        yield _mismatch("date", changed)
    if text.has_target_digits:
        yield from _changed_figures(text)


def _changed_figures(text: Bitext) -> Iterator[Seen]:
    """Yield what changed of a text whose translation holds digits."""
    if not _FIGURE_SIGNS.isdisjoint(text.target_terms):
        yield from _new_figure(text)
    has_new_digits = _has_new_digits(text)
    new = _unexplained(text) if has_new_digits else []
    compared = units.Comparison(text, with_one=bool(new))
    if new:
        yield from _changed_numbers(text, new, compared)
    if has_new_digits:
        for band, changed in (("ordinal", changed_ordinals(text)), ("year", changed_years(text))):
            if changed:
                yield _mismatch(band, changed)
    moved = compared.moved() + _changed_measures(text)
    if moved:
        yield _mismatch("unit", moved)


def _changed_measures(text: Bitext) -> list[str]:
    """Return durations, halves and spoons that became other ones."""
    source, japanese = text.lower_source, text.japanese.text
    found = [] if _TIME.isdisjoint(text.source_terms) else _changed_units(text)
    has_half = "half" in source
    if has_half and "半" in japanese:
        found += _with_half_too_many(source, japanese)
    if "さじ" in japanese:
        found += units.changed_spoons(text.english.text, japanese)
    if has_half and not _HALF_JA.search(text.target):
        found += [f"{half} became whole" for half in _HALF_OF.findall(source)]
    return found


def _new_figure(text: Bitext) -> Iterator[Seen]:
    """Yield a share, price or weight where the source speaks of none, in figures or words."""
    for signs, figure, said, wanted in _FIGURES.values():
        if signs.isdisjoint(text.target_terms):
            continue
        found = figure.search(text.japanese.text)
        if found is None or has_one(text.english.text, said) or wanted.search(text.lower_english):
            continue
        numbers = japanese_numbers(found.group())  # none in "1.ドル", an item of a list
        if numbers and not _is_said(numbers[0][0], text.english.text):
            yield Seen("addition", "figure", detail=found.group())


def _is_said(readings: Readings, english: str) -> bool:
    """Tell whether an English text has a number, of whatever it is: "It's worth 1.2 million"."""
    return _matches(readings, word_numbers(english).union(*english_numbers(english)))


def _mismatch(band: str, found: list[str]) -> Seen:
    return Seen("number_mismatch", band, float(len(found)), ", ".join(found))


def _has_new_digits(text: Bitext) -> bool:
    """Tell whether the target has digits that the source lacks, or 万, 半 and the like."""
    english, japanese = text.english.text, text.japanese.text
    given = numerals(japanese)
    for number in given[:8]:  # a fast look, which finds most that are new
        if number not in english:
            return True
    if not text.source_numerals.issuperset(given):
        return True
    return has_one(japanese, _SCALES) and _SCALED.search(japanese) is not None


def _unexplained(text: Bitext) -> list[Readings]:
    """Return the numbers in digits of the target that no figure or plain word of the source explains."""
    known = frozenset([WORD_VALUES[word] for word in text.source_terms & VALUED_WORDS])
    integers = japanese_integers(text.normal_japanese)
    if integers is not None and integers <= known:
        return []
    known |= plain_figures(text.english.text)
    if integers is not None and integers <= known:
        return []  # true of most texts
    given = japanese_figures(text.normal_japanese, known)
    left = [readings for readings in given if not _matches(readings, known)]
    if not left:
        return []
    known = known.union(*english_figures(text.english.text))
    return [readings for readings in left if not _matches(readings, known)]


def _changed_numbers(
    text: Bitext, new: list[Readings], compared: units.Comparison
) -> Iterator[Seen]:
    """Yield numbers of the source that are missing, if neither words nor units explain all new ones."""
    source = english_numbers(text.english.text)
    known = frozenset().union(*source, word_numbers(text.english.text))
    new = [readings for readings in new if not _matches(readings, known)]
    conversions = compared.conversions() if new else set()
    converted = frozenset([after for _, after in conversions])
    new = [readings for readings in new if not _matches(readings, converted)]
    if not new:
        return
    target = japanese_numbers(text.normal_japanese)
    there = frozenset().union(*(readings for readings, _ in target))
    there |= {before for before, after in conversions if after in there}
    missing = [readings for readings in source if not _matches(readings, there)]
    if missing:
        shown = f"{_show(missing)} became {_show(new)}"
        if _is_scaled(missing, new):
            yield Seen("number_mismatch", "scale", detail=shown)
        band = "short" if text.english_words <= 60 else "long"
        yield Seen("number_mismatch", band, float(min(len(missing), len(new))), shown)


def _is_scaled(missing: list[Readings], new: list[Readings]) -> bool:
    """Tell whether a large number became another one by a power of ten: 37 trillion, 37億."""
    pairs = ((a, b) for one in missing for a in one if a >= 10_000 for other in new for b in other)
    return any(b >= 1 and log10(a / b) % 1 < 1e-9 and a != b for a, b in pairs)


def _matches(readings: Readings, others: frozenset[float]) -> bool:
    if not readings.isdisjoint(others):
        return True
    return any(
        abs(a - b) <= 0.001 * max(abs(a), abs(b)) for a in readings if a > 100 for b in others
    )


def _with_half_too_many(source: str, target: str) -> list[str]:
    """Return "half an hour" that became 1時間半, an hour and a half."""
    if _ONE_AND_A_HALF.search(source):
        return []
    return [
        f"half {unit} became 1{_HALVED[unit]}半"
        for unit in _HALF.findall(source)
        if re.search(rf"(?<![0-9.])[1１一]{_HALVED[unit]}半", target)
    ]


def _durations(english: str, words: Iterable[str]) -> list[tuple[str, str]]:
    """Return number and unit of the durations in these units of a lower-case English text."""
    places = []
    for word in words:
        start = english.find(word)
        while start >= 0:
            stop = start + len(word)
            after = english[stop : stop + 1]
            if english[start - 1 : start] in _BEFORE_UNIT and not (after.isalnum() or after == "_"):
                places.append((start - 1, word))
            start = english.find(word, stop)
    found = []
    for stop, word in sorted(places):
        count = _COUNT.search(english, max(stop - 5, 0), stop)
        if count:
            found.append((count[0], _UNITS_OF_TIME[word]))
    return found


def _changed_units(text: Bitext) -> list[str]:
    """Return durations whose number is there with another unit of time: 10 months became 10年."""
    japanese = text.japanese.text
    named = _UNITS_OF_TIME.keys() & text.source_terms
    words = [word for word in named if has_one(japanese, _OTHER_SIGNS[word])]
    if not words:
        return []
    durations = _durations(text.lower_english, words)
    changed = {duration: _changed_unit(*duration, japanese) for duration in set(durations)}
    return [changed[duration] for duration in durations if changed[duration]]


def _changed_unit(number: str, unit: str, japanese: str) -> str:
    """Return what a duration became, empty if it kept its unit or is not there."""
    digits = _SMALL.get(number, number)
    kept = _after(digits, japanese)
    if any(map(_JA_UNIT[unit].match, kept)):
        return ""
    other = next(filter(_ANY_UNIT.match, kept), "")
    return other and f"{number} {unit} became {digits}{other[:2]}"


def _after(digits: str, text: str) -> list[str]:
    """Return the one to four characters after each place where these digits stand as a number's last."""
    found = []
    start = text.find(digits)
    while start >= 0:
        stop = start + len(digits)
        if not text[start - 1 : start].isdecimal() and text[stop : stop + 1] not in ("", "\n"):
            found.append(text[stop : stop + 4].split("\n", 1)[0])
        start = text.find(digits, stop)
    return found


def _show(numbers: list[Readings]) -> str:
    return ", ".join(f"{min(n):g}" for n in numbers[:4])
