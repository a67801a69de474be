"""Numbers that an English text spells out: the words, and what rows of them are."""

from __future__ import annotations

import re
from collections.abc import Set
from typing import Final, TypeAlias

from prefdata.text.digits import beginnings, matches
from prefdata.text.lexicon import ENGLISH

# All readings of one number: "5:30pm" is 5, 17, 5.5 or 30.
Readings: TypeAlias = frozenset[float]

SCALES: Final = {
    "hundred": 100, "thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12,
    "k": 1e3, "m": 1e6, "mn": 1e6, "b": 1e9, "bn": 1e9, "grand": 1e3,
}  # fmt: skip
WORDS: Final = {
    word: float(value)
    for value, words in enumerate(
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty"]
    )
    for word in (words,)
} | {
    "thirty": 30.0, "forty": 40.0, "fifty": 50.0, "sixty": 60.0, "seventy": 70.0, "eighty": 80.0, "ninety": 90.0,
}  # fmt: skip
# Number words that stand before units: "six feet", "two-mile".
SMALL_NUMBERS: Final = {word: value for word, value in WORDS.items() if 2 <= value <= 90}
_OTHER_WORDS: Final = {
    "first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8, "ninth": 9, "tenth": 10,
    "half": 2, "quarter": 4, "quarters": 4, "thirds": 3, "fifths": 5, "once": 1, "twice": 2, "both": 2, "pair": 2, "couple": 2, "double": 2, "doubled": 2, "doubles": 2, "doubling": 2, "twofold": 2, "halved": 2, "halves": 2, "triple": 3,
    "tripled": 3, "triples": 3, "tripling": 3, "threefold": 3, "thrice": 3, "quadruple": 4, "quadrupled": 4, "fourfold": 4, "fivefold": 5, "tenfold": 10,
    "dozen": 12, "dozens": 10, "hundreds": 100, "thousands": 1000, "millions": 100, "century": 100, "decade": 10, "decades": 10, "fortnight": 2, "score": 20,
    "january": 1, "february": 2, "march": 3, "april": 4, "may": 5, "june": 6, "july": 7, "august": 8, "september": 9,
    "october": 10, "november": 11, "december": 12, "noon": 12, "midnight": 0, "jan": 1, "feb": 2, "mar": 3, "apr": 4,
    "jun": 6, "jul": 7, "aug": 8, "sept": 9, "sep": 9, "oct": 10, "nov": 11, "dec": 12, "single": 1, "another": 1, "an": 1, "a": 1, "either": 1,
    "weekend": 2, "twins": 2, "teens": 10, "twenties": 20, "thirties": 30, "forties": 40, "fifties": 50, "sixties": 60,
    "seventies": 70, "eighties": 80, "nineties": 90, "teenager": 10, "biweekly": 2, "bimonthly": 2, "annual": 1, "daily": 1, "weekly": 1, "monthly": 1, "per": 1, "each": 1, "every": 1, "hourly": 1, "ii": 2, "iii": 3, "iv": 4, "vi": 6,
    "octagon": 8, "triangle": 3, "square": 2, "squared": 2, "cubed": 3, "cubic": 3, "trio": 3, "duo": 2, "quartet": 4, "tenths": 10, "percent": 100,
}  # fmt: skip
# What a word of an English text may be in digits.
WORD_VALUES: Final = {word: float(value) for word, value in (_OTHER_WORDS | WORDS).items()}
VALUED_WORDS: Final = ENGLISH.add(WORD_VALUES)
_EN_COMPOUND = re.compile(
    r"\b(?:(twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)[- ](one|two|three|four|five|six|seven|eight|nine|first|second|third|fourth|fifth|sixth|seventh|eighth|ninth)|(one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety))(?:[ -](grand(?! (?:pianos?|prix|slams?|total|children))|hundred|thousand|million|billion|trillion))?\b",
)
# Number words around a scale: "two hundred and fifty thousand", "a thousand and one".
_LARGE: Final = frozenset(["hundred", "thousand", "million", "billion", "trillion"])
_BELOW_100: Final = (
    r"(?:(?:twen|thir|for|fif|six|seven|eigh|nine)ty(?:[- ](?:one|two|three|four|five|six|seven|eight|nine))?"
    rf"|{'|'.join(word for word, value in WORDS.items() if 1 <= value < 20)})"
)
_CHAIN = re.compile(
    rf"\b(?:an?|{_BELOW_100}) (?:hundred|thousand|million|billion|trillion)"
    rf"(?: (?:(?:and )?{_BELOW_100}|hundred|thousand|million|billion|trillion)\b)+"
)
_ALONE: Final = frozenset(WORDS) - {"zero", "one"}  # what is a number alone; one only with a scale


def may_be_spelled(words: Set[str]) -> bool:
    """Tell whether a text of these words may spell out a number from two up."""
    return not _ALONE.isdisjoint(words) or ("one" in words and not words.isdisjoint(SCALES))


def spelled(text: str, words: Set[str]) -> list[Readings]:
    """Return the number words of a lower-case text with a scale or from two up.

    What "and" joins may be one number or two. `words` are those of the text.

    >>> text = "two hundred and fifty thousand yen in twenty-five parts"
    >>> [sorted(n) for n in spelled(text, {*text.split()})]
    [[200.0, 50000.0, 250000.0], [25.0]]
    """
    found = []
    chains = (
        [] if _LARGE.isdisjoint(words) else matches(_CHAIN, text, beginnings(text, ["a", *WORDS]))
    )
    for chain in [match[0] for match in chains]:
        if value := _chain(chain):
            found.append(frozenset([value, *map(_chain, chain.split(" and "))]))
            text = text.replace(chain, " ", 1)
    for match in matches(_EN_COMPOUND, text, beginnings(text, WORDS)):
        tens, ones, simple, scale = match.groups("")
        value = WORDS.get(tens, 0.0) + WORDS.get(ones or simple, _OTHER_WORDS.get(ones, 1.0))
        if scale:
            found.append(frozenset([value * SCALES[scale]]))
        elif tens or (simple in WORDS and value >= 2):
            found.append(frozenset([value]))
    return found


def _chain(words: str) -> float:
    """Return the value of number words; 0 if their scales do not go down: several numbers.

    >>> _chain("three thousand two hundred and one"), _chain("one hundred and two hundred")
    (3201.0, 0.0)
    """
    total = part = 0.0
    last = float("inf")
    for word in words.replace("-", " ").split():
        if word == "hundred" and part < 100:
            part *= 100
        elif word in _LARGE:
            if SCALES[word] >= last or word == "hundred":
                return 0.0
            last = SCALES[word]
            total, part = total + part * last, 0.0
        elif word != "and":
            part += WORDS.get(word, 1.0)  # a hundred
    return total + part
