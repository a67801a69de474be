"""Units: what a number of the source may have been converted to, and which unit it lost."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

from prefdata.text.digits import beginnings, matches
from prefdata.text.lexicon import ENGLISH
from prefdata.text.number_words import SMALL_NUMBERS
from prefdata.text.numbers import value_of

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


class Quantity(NamedTuple):
    """A number with its unit."""

    value: float
    unit: Unit


def _unit(dimension: str, row: Mapping[str, Any]) -> Unit:
    japanese = re.compile(rf"{_JA_NUMBER}{_JA_RANGE}(?:{row['ja']})(半)?")
    sizes = tuple(map(float, row["size"]))
    english = re.compile(row["en"])
    offset, is_rough = row.get("offset", 0.0), row.get("rough", False)
    return Unit(dimension, english, japanese, sizes, offset, is_rough)


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
def _units() -> tuple[tuple[Unit, ...], re.Pattern[str]]:
    """Return all units, and the pattern of an English number and its unit."""
    units = tuple(_unit(dimension, row) for dimension, row in _ROWS)
    names = "|".join(unit.english.pattern for unit in units)
    return units, re.compile(rf"{_EN_NUMBER}{_EN_RANGE}({names})(?![a-z])")


def may_be_compared(terms: Set[str], text: str, *, with_time: bool) -> bool:
    """Tell whether an English text that holds these terms may hold a quantity with a unit.

    Durations count only `with_time`: they are no quantities that `compare` finds moved.
    """
    if "$" in text or "°" in text or not _WORDS.isdisjoint(terms):
        return True
    return with_time and not _WORDS_OF_TIME.isdisjoint(terms)


def english_quantities(
    text: str, terms: Set[str] | None = None, *, with_one: bool = True
) -> list[Quantity]:
    """Return the numbers of an English text that have a unit; ranges give both ends.

    `terms` are the words of the lexicon that it holds, if they are known;
    `with_one`: "a pound" is one, too.

    >>> [q.value for q in english_quantities("50 to 60 miles, a pound, and 3 cats")]
    [50.0, 60.0, 1.0]
    """
    _, pattern = _units()
    text = text.lower()
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
    return tuple(unit for unit in _units()[0] if unit.english.fullmatch(name))


def _english_value(written: str) -> float:
    if written in ("a", "an"):
        return 1.0
    small = SMALL_NUMBERS.get(written)
    return small if small is not None else float(written.replace(",", ""))


def japanese_quantities(text: str, unit: Unit) -> Iterator[float]:
    """Yield the numbers of a normalized Japanese text that have this unit; 1年半 is 1 and 1.5."""
    for match in matches(unit.japanese, text):
        for written in (match[1], match[2]):
            if written:
                yield value_of(written)
        if match[3]:
            yield value_of(match[2] or match[1]) + 0.5


def normalized(text: str) -> str:
    """Return Japanese with numbers before their units, as the patterns want them."""
    text = unicodedata.normalize("NFKC", text)
    if "さじ" in text:
        text = _SPOON.sub(r"\2\1", text)
    if "氏" in text:
        text = _FAHRENHEIT.sub(r"\1°F", _CELSIUS.sub(r"\1°C", text))
    return text


class _Given(dict[Unit, set[float]]):
    """The numbers that a Japanese text gives in each unit, looked for when they are asked for."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = normalized(text)

    def __missing__(self, unit: Unit) -> set[float]:
        found = self[unit] = set(japanese_quantities(self._text, unit))
        return found


def compare(
    english: str, japanese: str, terms: Set[str] | None = None, *, with_conversions: bool = True
) -> tuple[set[tuple[float, float]], list[str]]:
    """Return which numbers are conversions of which, and the quantities whose unit changed.

    `terms` are those of the English text, as for `english_quantities`. Without conversions, they are looked for only where they might explain a changed unit.

    >>> compare("20 miles", "32キロ"), compare("20 miles", "20キロ")[1]
    (({(20.0, 32.0)}, []), ['20 in another unit'])
    """
    wanted = english_quantities(english, terms, with_one=with_conversions)
    given = _Given(japanese)
    astray = list(_astray(wanted, given))
    if not wanted or not (astray or with_conversions):
        return set(), []
    rivals = _same_dimension(wanted)
    stated = [Quantity(value, unit) for unit in rivals for value in given[unit]]
    converted = {
        (quantity.value, other.value)
        for other in stated
        for quantity in wanted
        if _is_conversion(quantity, other)
    }
    explained = {value for value, _ in converted}
    moved = [
        f"{value:g} in another unit"
        for value, unit in astray
        if value not in explained
        and any(value in given[other] for other in rivals if _is_rival(unit, other))
    ]
    return converted, moved


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
    return [unit for unit in _units()[0] if unit.dimension in dimensions]


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


def _astray(wanted: list[Quantity], given: _Given) -> Iterator[Quantity]:
    """Yield quantities that the Japanese does not give in their own unit, durations left out."""
    own = dict.fromkeys(wanted)
    for value, unit in own:
        if unit.dimension in _DURATIONS or value < 2 or value in given[unit]:
            continue
        if not any(v == value and u != unit for v, u in own):
            yield Quantity(value, unit)


def _is_rival(unit: Unit, other: Unit) -> bool:
    return other.dimension == unit.dimension and other != unit
