"""Words that come back in a row: a quick look for loops, and the longest one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import compress
from typing import Final

from prefdata.text.classes import CONTENT, SYMBOLS

LONGEST: Final = 24  # words of a unit that is repeated
_PERIOD = re.compile(rf"(.{{1,{LONGEST}}}?)\1{{2,}}", re.DOTALL)
_IS_CONTENT: Final = bytes(chr(code) in CONTENT for code in range(256))


def may_loop(surfaces: Sequence[str], classes: str) -> bool:
    """Tell whether a word that is no particle stands three times at one distance of 1 to 24 words.

    What lies between the first and the second must lie between the second and the third, too: every
    loop of three rounds with such a word holds that.

    >>> may_loop(("とても", "とても", "とても", "寒い"), "AAAV"), may_loop(("猫", "と", "犬"), "NgN")
    (True, False)
    """
    is_content = classes.encode().translate(_IS_CONTENT)
    content = list(compress(surfaces, is_content))
    often = {word for word, n in Counter(content).items() if n >= 3}
    if not often:
        return False
    places: dict[str, list[int]] = {word: [] for word in often}
    for word, place in zip(content, compress(range(len(surfaces)), is_content), strict=True):
        if word in often:
            places[word].append(place)
    return any(_is_periodic(surfaces, own) for own in places.values())


def _is_periodic(surfaces: Sequence[str], places: list[int]) -> bool:
    """Tell whether a word stands three times at one distance, with equal words between."""
    there, last = set(places), places[-1]
    for n, first in enumerate(places[:-2]):
        for second in places[n + 1 : -1]:
            size = second - first
            if size > LONGEST or second + size > last:
                break
            if second + size in there and (
                surfaces[first:second] == surfaces[second : second + size]
            ):
                return True
    return False


def longest_loop(surfaces: Sequence[str], classes: str) -> tuple[int, str]:
    """Return how often in a row a unit of 1 to 24 words is repeated at most, and the unit.

    Units of symbols alone do not count. Words become single characters, so that one regular
    expression over them finds the periods; what one match covers is not looked at again.

    >>> longest_loop(["とても", "とても", "とても", "寒い"], "AAAV")
    (3, 'とても')
    """
    codes: dict[str, str] = {}
    text = "".join(codes.setdefault(word, chr(0x10000 + len(codes))) for word in surfaces)
    best, unit = 1, ""
    for match in _PERIOD.finditer(text):
        size = len(match[1])
        times = len(match[0]) // size
        start = match.start()
        if times > best and _is_worded(classes[start : start + size]):
            best, unit = times, "".join(surfaces[start : start + size])
    return best, unit


def _is_worded(classes: str) -> bool:
    """Tell whether a unit holds words; dots, dashes and digits in a row are layout."""
    return any(mark not in SYMBOLS for mark in classes)
