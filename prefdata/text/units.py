"""Units: what a number of the source may have been converted to, and which unit it lost."""

from __future__ import annotations

import re
from collections.abc import Mapping, Set
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

from prefdata.text.bitext import Bitext, measured
from prefdata.text.digits import beginnings, matches
from prefdata.text.lexicon import ENGLISH
from prefdata.text.number_words import SMALL_NUMBERS
from prefdata.text.numbers import value_of
from prefdata.text.patterns import has_one

_FILE = Path(__file__).with_name("units.yaml")
# Durations in other units are told apart elsewhere: 歳 and 年 are the same to a year.
_DURATIONS: Final = frozenset(["hours", "months"])
_EN_NUMBER: Final = (
    rf"(?<![\w.,])(\d[\d,]{{0,20}}(?:\.\d{{1,9}})?|(?:an?|{'|'.join(SMALL_NUMBERS)})(?=[\s-]))"
)
_JA_NUMBER: Final = r"(\d(?<![\d.,]\d)[\d,]{0,20}(?:\.\d{1,9})?(?:[万億千百][\d,]{0,9}){0,4})"
_EN_RANGE = r"(?:\s?(?:-|–|to|or|and|/)\s?(\d[\d,]{0,20}(?:\.\d{1,9})?))?[\s-]?"
_JA_RANGE = r"(?:\s?(?:[~〜–、-]|から|か)\s?(\d[\d,]{0,20}(?:\.\d{1,9})?))?\s?"
_DOLLARS = re.compile(
    r"\$\s?(\d[\d,]{0,20}(?:\.\d{1,9})?)(?![\d,.]*\s?(?:million|billion|trillion|thousand|hundred|[kmb])\b)"
)
_SPOON = re.compile(r"((?:大|小)さじ)\s?(\d+(?:\.\d+)?)")
_CELSIUS = re.compile(r"摂氏\s?(\d+(?:\.\d+)?)度")
_FAHRENHEIT = re.compile(r"華氏\s?(\d+(?:\.\d+)?)度")
_TOLERANCE: Final = 0.12  # 6 feet are 1.8 m, 350 °F are 180 ℃
_EXACT: Final = 0.01
_DEGREES: Final = 2.0


@dataclass(frozen=True, eq=False)  # equal to itself alone: hashing a pattern reads all its code
class Unit:
    """One row of ``units.yaml``."""

    dimension: str
    english: re.Pattern[str]
    japanese: re.Pattern[str]
    sizes: tuple[float, ...]
    offset: float
    is_rough: bool
    words: frozenset[str]
    signs: tuple[str, ...]


class Quantity(NamedTuple):
    """A number with its unit."""

    value: float
    unit: Unit


def _unit(dimension: str, row: Mapping[str, Any]) -> Unit:
    japanese = re.compile(rf"{_JA_NUMBER}{_JA_RANGE}(?:{row['ja']})(半)?")
    sizes = tuple(map(float, row["size"]))
    english = re.compile(row["en"])
    offset, is_rough = row.get("offset", 0.0), row.get("rough", False)
    words, signs = frozenset(row["words"]), tuple(row["signs"])
    return Unit(dimension, english, japanese, sizes, offset, is_rough, words, signs)


_ROWS: Final = [
    (dimension, row)
    for dimension, rows in yaml.safe_load(_FILE.read_text(encoding="utf-8")).items()
    for row in rows
]
_WORDS, _WORDS_OF_TIME = (
    ENGLISH.add(word for d, row in _ROWS if (d in _DURATIONS) is of_time for word in row["words"])
    for of_time in (False, True)
)


@cache
def units() -> tuple[Unit, ...]:
    """Return all units."""
    return tuple(_unit(dimension, row) for dimension, row in _ROWS)


@cache
def _quantity() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return the patterns of a number with any unit in English and in Japanese."""
    english, japanese = ("|".join(row[language] for _, row in _ROWS) for language in ("en", "ja"))
    return (
        re.compile(rf"{_EN_NUMBER}{_EN_RANGE}({english})(?![a-z])"),
        re.compile(rf"{_JA_NUMBER}{_JA_RANGE}(?:{japanese})"),
    )


def _words(text: Bitext) -> frozenset[str]:
    """Return the words of units that the source holds, without those of durations."""
    english, words = text.english.text, _WORDS & text.source_terms
    if "$" in english:
        words |= {"dollar"}
    if "°" in english:
        words |= {"degree"}
    return words


@lru_cache(maxsize=1024)
def _rival_signs(words: frozenset[str]) -> tuple[str, ...]:
    """Return the signs of the Japanese units that quantities in units of these words may move to."""
    named = [unit for unit in units() if not unit.words.isdisjoint(words)]
    rivals = [other for other in units() if any(_is_rival(unit, other) for unit in named)]
    return tuple(dict.fromkeys(sign for other in rivals for sign in other.signs))


def english_quantities(
    text: str, terms: Set[str] | None = None, *, with_one: bool = True
) -> list[Quantity]:
    """Return the numbers of a lower-case English text that have a unit; ranges give both ends.

    `terms` are the words of the lexicon that it holds, if they are known;
    `with_one`: "a pound" is one, too.

    >>> [q.value for q in english_quantities("50 to 60 miles, a pound, and 3 cats")]
    [50.0, 60.0, 1.0]
    """
    pattern, _ = _quantity()
    if "$" in text:
        text = _DOLLARS.sub(r"\1 dollars", text)
    small = SMALL_NUMBERS.keys() & (ENGLISH.terms(text) if terms is None else terms)
    places = beginnings(text, ["a", *small] if with_one else small)
    found = []
    for match in matches(pattern, text, places):
        values = [_english_value(match[n]) for n in (1, 2) if match[n]]
        found += [Quantity(value, unit) for value in values for unit in _named(match[3])]
    return found


@lru_cache(maxsize=1024)
def _named(name: str) -> tuple[Unit, ...]:
    """Return the units of an English name; an ounce is two."""
    return tuple(unit for unit in units() if unit.english.fullmatch(name))


def _english_value(written: str) -> float:
    if written in ("a", "an"):
        return 1.0
    small = SMALL_NUMBERS.get(written)
    return small if small is not None else float(written.replace(",", ""))


def _normalized(text: str) -> str:
    """Return Japanese in normal form KC with numbers before their units, as the patterns want them."""
    if "さじ" in text:
        text = _SPOON.sub(r"\2\1", text)
    if "氏" in text:
        text = _FAHRENHEIT.sub(r"\1°F", _CELSIUS.sub(r"\1°C", text))
    return text


class _Given(dict[Unit, set[float]]):
    """The numbers that a Japanese text gives in each unit, looked for when they are asked for.

    1年半 is 1 and 1.5.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = _normalized(text)
        match = _quantity()[1].match
        self._places = [place for place in beginnings(self._text) if match(self._text, place)]

    def __missing__(self, unit: Unit) -> set[float]:
        found = self[unit] = set()
        if not has_one(self._text, unit.signs):
            return found
        for match in matches(unit.japanese, self._text, self._places):
            found.update(value_of(written) for written in (match[1], match[2]) if written)
            if match[3]:
                found.add(value_of(match[2] or match[1]) + 0.5)
        return found


class Comparison:
    """The quantities of a source, and what becomes of them in its translation.

    `with_one`: "a pound" is a quantity, too.
    """

    def __init__(self, text: Bitext, *, with_one: bool = True) -> None:
        self._text, self._with_one = text, with_one

    @measured
    def _wanted(self) -> list[Quantity]:
        text = self._text
        return english_quantities(text.lower_english, text.source_terms, with_one=self._with_one)

    @measured
    def _given(self) -> _Given:
        return _Given(self._text.normal_japanese)

    def _astray(self) -> list[Quantity]:
        """Return quantities that the Japanese does not give in their own unit, durations left out."""
        own = dict.fromkeys(self._wanted)
        return [
            quantity
            for quantity in own
            if quantity.value >= 2
            and quantity.unit.dimension not in _DURATIONS
            and quantity.value not in self._given[quantity.unit]
            and not any(v == quantity.value and u != quantity.unit for v, u in own)
        ]

    def conversions(self) -> set[tuple[float, float]]:
        """Return the numbers of the source with what they are in another unit.

        >>> Comparison(Bitext("20 miles", "32キロ")).conversions()
        {(20.0, 32.0)}
        """
        if not _words(self._text) and _WORDS_OF_TIME.isdisjoint(self._text.source_terms):
            return set()
        stated = [
            Quantity(value, unit)
            for unit in _same_dimension(self._wanted)
            for value in self._given[unit]
        ]
        return {
            (quantity.value, other.value)
            for other in stated
            for quantity in self._wanted
            if _is_conversion(quantity, other)
        }

    def moved(self) -> list[str]:
        """Return the quantities whose unit changed.

        >>> Comparison(Bitext("20 miles", "20キロ")).moved()
        ['20 in another unit']
        """
        words = _words(self._text)
        if not words or not has_one(self._text.normal_japanese, _rival_signs(words)):
            return []
        rivals = _same_dimension(self._wanted)
        moved = [
            value
            for value, unit in self._astray()
            if any(value in self._given[other] for other in rivals if _is_rival(unit, other))
        ]
        explained = {value for value, _ in self.conversions()} if moved else ()
        return [f"{value:g} in another unit" for value in moved if value not in explained]


_SPOONS: Final = (
    (re.compile(r"\b(?:tablespoons?|tbsps?|tbs)\b", re.IGNORECASE), "大さじ"),
    (re.compile(r"\b(?:teaspoons?|tsps?)\b", re.IGNORECASE), "小さじ"),
)


def changed_spoons(english: str, japanese: str) -> list[str]:
    """Return the spoon that lost a measure which the other one gained.

    >>> changed_spoons("a tablespoon of soy sauce", "しょうゆ小さじ1"), changed_spoons("a tsp", "5ml")
    (['大さじ became 小さじ'], [])
    """
    more = {name: japanese.count(name) - len(word.findall(english)) for word, name in _SPOONS}
    lost = [name for name, extra in more.items() if extra < 0]
    gained = [name for name, extra in more.items() if extra > 0]
    return [f"{a} became {b}" for a in lost for b in gained]


def _same_dimension(wanted: list[Quantity]) -> list[Unit]:
    dimensions = {quantity.unit.dimension for quantity in wanted}
    return [unit for unit in units() if unit.dimension in dimensions]


def _is_conversion(first: Quantity, second: Quantity) -> bool:
    """Tell whether two quantities are the same in different units."""
    a, b = first.unit, second.unit
    if a.dimension != b.dimension or (a.sizes, a.offset) == (b.sizes, b.offset):
        return False
    tolerance = _TOLERANCE if a.is_rough or b.is_rough else _EXACT
    slack = _DEGREES if a.offset or b.offset else 0.0
    return any(
        size
        and other
        and abs(abs(first.value * size + a.offset) - abs(second.value * other + b.offset))
        <= tolerance * abs(second.value * other + b.offset) + slack
        for size in a.sizes
        for other in b.sizes
    )


def _is_rival(unit: Unit, other: Unit) -> bool:
    return other.dimension == unit.dimension and other != unit
