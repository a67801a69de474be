"""Where numbers begin: a pattern tried there alone costs a tenth of one tried at each character."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

# Where a number may begin: a digit, but no ASCII digit after another one.
_BEGINNING = re.compile(r"\d(?<![0-9][0-9])")
# Where Unicode has its other digits, and the bytes that these begin with in UTF-8; few texts hold one,
# and they are scanned.
_OTHER_DIGITS = re.compile("[\u0660-\u1c59\ua620-\uabf9\uff10-\uff19\U000104a0-\U0001fbf9]")
_OTHER_BEGINNINGS: Final = frozenset([0xD9, 0xDB, 0xDF, 0xE0, 0xE1, 0xEA, 0xEF, 0xF0])
_OTHER_BYTES: Final = bytes(byte for byte in range(256) if byte not in _OTHER_BEGINNINGS)
_DIGITS_ALONE: Final = re.sub(rb"[^0-9]", b" ", bytes(range(256)))


def numerals(text: str) -> list[str]:
    """Return the runs of ASCII digits of a text."""
    return _digits_alone(text).decode("ascii").split()


def _digits_alone(text: str) -> bytes:
    """Return a text with blanks for all but ASCII digits: `split` is ten times as fast as a pattern."""
    return text.encode("ascii", "replace").translate(_DIGITS_ALONE)


def has_other_digits(text: str) -> bool:
    """Tell whether a text has digits that are not ASCII; a pattern alone takes four times as long."""
    may = text.encode("utf-8", "surrogatepass").translate(None, _OTHER_BYTES)
    return may != b"" and _OTHER_DIGITS.search(text) is not None


@lru_cache(maxsize=16)
def _beginnings(text: str) -> Sequence[int]:
    """Return where `_BEGINNING` matches."""
    if not text.isascii() and has_other_digits(text):
        return [match.start() for match in _BEGINNING.finditer(text)]
    digits = _digits_alone(text)
    found, stop = [], 0
    for run in digits.split():
        found.append(digits.index(run, stop))
        stop = found[-1] + len(run)
    return found


def beginnings(text: str, words: Iterable[str] = ()) -> list[int]:
    """Return in order where numbers in digits may begin, and where these words do."""
    found = [*_beginnings(text)]
    for word in words:
        start = text.find(word) if word in text else -1  # `in` is twice as fast
        while start >= 0:
            found.append(start)
            start = text.find(word, start + 1)
    return sorted(found)


def matches(
    pattern: re.Pattern[str], text: str, places: Sequence[int] | None = None
) -> list[re.Match[str]]:
    """Return what `pattern.finditer` finds, for a pattern that begins with a number.

    It is tried at these places alone, by default where a number in digits may begin.
    """
    match, stop = pattern.match, 0
    found = []
    for place in _beginnings(text) if places is None else places:
        if place >= stop and (one := match(text, place)):
            found.append(one)
            stop = one.end()
    return found
