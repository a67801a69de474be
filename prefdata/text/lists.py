"""Word lists from ``words.yaml``, by name."""

from __future__ import annotations

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
