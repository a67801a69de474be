"""Word lists from ``words.yaml``, by name."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

import yaml


@cache
def _lists() -> dict[str, str]:
    path = Path(__file__).with_name("words.yaml")
    tree: dict[str, str] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return tree


def word_list(name: str) -> frozenset[str]:
    """Return the words of a list.

    >>> "the" in word_list("function")
    True
    """
    return frozenset(_lists()[name].split())


def alternatives(words: Iterable[str], *, not_after: str = r"\w") -> str:
    r"""Return a pattern of one of the words or patterns, not after a class of characters.

    Each begins with its first letter and looks back from there: `re` finds letters fast, and ``\b`` slowly.

    >>> alternatives(["Ohio", "Utah"])
    '(?:O(?<![\\w].)hio|U(?<![\\w].)tah)'
    """
    return f"(?:{'|'.join(f'{word[0]}(?<![{not_after}].){word[1:]}' for word in words)})"
