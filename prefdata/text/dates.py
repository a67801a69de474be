"""Months, weekdays and times of day: a translation keeps each of them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from prefdata.text.bitext import Bitext
from prefdata.text.digits import beginnings, matches
from prefdata.text.lexicon import ENGLISH, JAPANESE
from prefdata.text.numbers import (
    english_numbers,
    japanese_numbers,
    plain_figures,
    word_numbers,
)
from prefdata.text.patterns import has_one

_MONTH_NAMES: Final = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
    "november", "december",
)  # fmt: skip
_WEEKDAYS: Final = {
    "monday": "月", "tuesday": "火", "wednesday": "水", "thursday": "木", "friday": "金", "saturday": "土",
    "sunday": "日",
}  # fmt: skip
_MONTH_WORDS: Final = ENGLISH.add(_MONTH_NAMES)
_WEEKDAY_WORDS: Final = ENGLISH.add([*_WEEKDAYS, *(f"{day}s" for day in _WEEKDAYS)])
# March and May are words of their own unless a number or "in", "of", "since" … stands beside them.
_BEFORE_MONTH: Final = (
    r"\d ", "th ", "of ", "in ", "In ", "since ", "by ", "until ", "last ", "next ",
)  # fmt: skip


def _month(name: str) -> re.Pattern[str]:
    """Return the pattern of a month, its name first, which ``re`` finds fast."""
    beside = ""
    if name in ("March", "May"):
        before = "|".join(f"(?<={word}{name})" for word in _BEFORE_MONTH)
        beside = rf"(?:(?= \d)|(?! I\b)(?:{before}))"
    return re.compile(rf"{name}(?<=\b{name})\b{beside}")


_MONTHS: Final = {
    name: (n, name.title(), _month(name.title())) for n, name in enumerate(_MONTH_NAMES, 1)
}
_MONTH_JA = re.compile(
    "月(?:(?<=(?<![0-9.一二三四五六七八九十])([0-9]{2}|十[一二])月)"
    "|(?<=(?<![0-9.一二三四五六七八九十])([0-9一二三四五六七八九十])月))(?![間額])"
)
_WEEKDAY_JA = re.compile("([月火水木金土日](?:[・、と~〜–-]?[月火水木金土日])*)曜")
_WEEKDAY_LOOSE = re.compile("[(]([月火水木金土日])[)]|([月火水木金土日])(?=[・~〜])|土日|週末")
_NOON: Final = ENGLISH.add(["am", "pm", "a m", "p m"])  # one in each `_TIMED`
_TIMED = re.compile(r"[0-9]+\s?[ap]\.?m\b", re.IGNORECASE)  # the end of what `_CLOCK` matches
_TIME_SIGNS: Final = ("時", ":", "：")  # one in each `_CLOCK_JA`
_CLOCK = re.compile(r"\b(\d{1,2})(?:[:.]([0-5]\d))?\s?([ap])\.?m\b", re.IGNORECASE)
_CLOCK_JA = re.compile("(?<!:)([0-9]{1,2})(?:時(?!間)|:[0-5][0-9])")
_BEFORE_CLOCK_JA = re.compile("(午前|午後|早朝|朝|夕方|夜|晩)の?\\s?\\Z")  # four characters at most
# Of which half of the day a word is; 夜 and 晩 are evening hours up to midnight.
_HALF_JA: Final = {
    "午前": "a",
    "早朝": "a",
    "朝": "a",
    "午後": "p",
    "夕方": "p",
    "夜": "p",
    "晩": "p",
}
_DAYS: Final = frozenset(_WEEKDAYS.values())
_EVENING: Final = frozenset(["夜", "晩"])
_KANJI: Final = {kanji: n for n, kanji in enumerate("一二三四五六七八九十", 1)} | {
    "十一": 11,
    "十二": 12,
}


_YEAR = re.compile(r"([12](?<![\d.,$€£¥].)(?:(?<=1)[0-9]|(?<=2)0)\d\d)(?![\d,.]*\d)")
_YEAR_JA = re.compile("年(?<=(?<![0-9.,])((?:1[0-9]|20)[0-9][0-9])年)")


def _listed(values: Iterable[float | str]) -> str:
    return ", ".join(
        f"{value:g}" if isinstance(value, float) else f"{value}"
        for value in sorted(values, key=str)
    )


def changed_years(text: Bitext) -> list[str]:
    """Return years of the source that are missing where the target has one nothing explains.

    >>> changed_years(Bitext("It was built in 1936.", "1963年に建てられた。"))
    ['1936 became 1963']
    >>> changed_years(Bitext("He was born in '98.", "1998年に生まれた。"))
    []
    """
    japanese = text.japanese.text
    given = set(_YEAR_JA.findall(japanese))
    if not given:
        return []
    english = text.english.text
    new = given - set(re.findall(r"\d{4}", english))
    missing = set(_YEAR.findall(english)) - set(re.findall("[0-9]{4}", japanese)) if new else new
    if missing:
        new -= {str(round(n)) for n in word_numbers(english)}
    return [f"{_listed(missing)} became {_listed(new)}"] if new and missing else []


def changed_dates(text: Bitext) -> list[str]:
    """Return months, weekdays and times of day that became other ones.

    >>> changed_dates(Bitext("It is due on Thursday.", "期限は火曜日です。"))
    ['weekday 木 became 火']
    >>> changed_dates(Bitext("Come at 8 pm.", "20時に来てください。"))
    []
    """
    terms, found = text.source_terms, []
    if not _MONTH_WORDS.isdisjoint(terms) and "月" in text.target:
        found += _months(text)
    if not _WEEKDAY_WORDS.isdisjoint(terms):
        found += _weekdays(text)
    if not _NOON.isdisjoint(terms) and has_one(text.target, _TIME_SIGNS):
        found += _clock(text)
    if not _PAST_WORDS.isdisjoint(terms):
        found += _parts_of_hour(text)
    return found


def _months(text: Bitext) -> list[str]:
    english = text.english.text
    wanted = {
        n
        for n, name, month in map(_MONTHS.__getitem__, _MONTH_WORDS & text.source_terms)
        if name in english and month.search(english)
    }
    if not wanted:
        return []
    given = {
        _KANJI.get(month) or int(month)
        for pair in _MONTH_JA.findall(text.normal_japanese)
        for month in pair
        if month
    }
    lost, new = wanted - given, given - wanted
    if lost and new and not new <= {int(n) for n in re.findall(r"\b\d{1,2}\b", english)}:
        return [f"month {_listed(lost)} became {_listed(new)}"]
    return []


def _weekdays(text: Bitext) -> list[str]:
    wanted = {kanji for day, kanji in _WEEKDAYS.items() if day in text.lower_english}
    japanese = text.normal_japanese
    given = {day for run in _WEEKDAY_JA.findall(japanese) for day in run if day in _DAYS}
    lost, new = wanted - given, given - wanted
    if lost and new:
        lost -= {day for match in _WEEKDAY_LOOSE.finditer(japanese) for day in match.group()}
    return (
        [f"weekday {''.join(sorted(lost))} became {''.join(sorted(new))}"] if lost and new else []
    )


def _clock(text: Bitext) -> list[str]:
    """Return hours of the one half of the day that stand in the other half alone."""
    if not matches(_TIMED, text.english.text):
        return []
    wanted = {(int(hour), half.lower()) for hour, _, half in _CLOCK.findall(text.english.text)}
    given, found = set(), []
    japanese = text.normal_japanese
    for match in matches(_CLOCK_JA, japanese):
        word = _BEFORE_CLOCK_JA.search(japanese, max(match.start() - 4, 0), match.start())
        given |= _times(word[1] if word else "", int(match[1]))
    for hour, half in sorted(wanted):
        other = "p" if half == "a" else "a"
        is_there = (hour, half) in given or (hour, "") in given
        if hour != 12 and not is_there and (hour, other) in given and (hour, other) not in wanted:
            found.append(f"{hour} {half}m became {hour} {other}m")
    return found


_PAST = re.compile(
    r"\b(half past|quarter (?:past|after|to|before)) (?:\d{1,2}|one|two|three|four|five|six|seven|eight|nine|ten"
    r"|eleven|twelve|noon|midnight)\b"
)
_PAST_JA: Final = {
    "half": "半|30|三十",
    "after": "(?:15|十五)(?!分前)",
    "before": "45|四十五|(?:15|十五)分前",
}
_SIDES: Final = {
    "half past": "half", "quarter past": "after", "quarter after": "after", "quarter to": "before",
    "quarter before": "before",
}  # fmt: skip
_PAST_WORDS: Final = ENGLISH.add(_SIDES)


def _parts_of_hour(text: Bitext) -> list[str]:
    """Return "half past two" where the Japanese names hours, and not that part of one."""
    found = []
    for part in _PAST.findall(text.lower_english):
        japanese = text.normal_japanese
        if re.search("時(?!間)", japanese) and not re.search(_PAST_JA[_SIDES[part]], japanese):
            found.append(f"{part} was lost")
    return found


def _times(word: str, hour: int) -> set[tuple[int, str]]:
    """Return the times that an hour may be, each with its half of the day, empty if it has none."""
    if hour > 12:
        return {(hour - 12, "p")}
    if word in _EVENING and not 5 <= hour <= 11:
        return {(hour, "")}  # 夜の2時 is two in the morning
    return {(hour, _HALF_JA.get(word, ""))}


_ORDINALS: Final = {
    word: float(n)
    for n, word in enumerate(
        ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"], 1
    )
}  # fmt: skip
_ORDINAL = re.compile(
    rf"(?<![\w-])(?:({'|'.join(_ORDINALS)}) (?!of all)[a-z]|(\d{{1,4}})(?:st|nd|rd|th)\b)",
    re.IGNORECASE,
)
_ORDINAL_SIGNS: Final = JAPANESE.add(["第", "番目", "回目", "位", "版"])
_ORDINAL_JA = re.compile(
    r"[0-9](?:(?<=第[0-9])[0-9]{0,3}|(?<!\.[0-9])[0-9]{0,3}(?=番目|回目|位|版))"
)


def changed_ordinals(text: Bitext) -> list[str]:
    """Return ordinals of the source that are missing where the target has one nothing explains.

    >>> changed_ordinals(Bitext("This is the third edition.", "これは第4版です。"))
    ['3 became 4']
    >>> changed_ordinals(Bitext("This is the third edition.", "これは第三版です。"))
    []
    """
    if _ORDINAL_SIGNS.isdisjoint(text.target_terms):
        return []
    japanese = text.normal_japanese
    given = {float(match[0]) for match in matches(_ORDINAL_JA, japanese)}
    if not given:
        return []
    lower = text.lower_english
    found = matches(_ORDINAL, lower, beginnings(lower, _ORDINALS.keys() & text.source_terms))
    wanted = {_ORDINALS.get(one[1]) or float(one[2]) for one in found}
    if not wanted or given <= wanted:
        return []
    english = text.english.text
    new = given - plain_figures(english)  # fast, and of most all
    if new:
        new = new - word_numbers(english) - frozenset().union(*english_numbers(english))
    if not new:
        return []
    missing = wanted - frozenset().union(*(readings for readings, _ in japanese_numbers(japanese)))
    return [f"{_listed(missing)} became {_listed(new)}"] if missing else []
