"""Fields of plain trees, read strictly: what is not of its type is an error, null is absent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from math import isfinite
from typing import Any

from prefdata.core.errors import InputError, nearest

Names = tuple[str, ...]

# How alike two keys are before one counts as the other misspelt (difflib's ratio): between
# "hash_mismatch" and "hash_mismatches" it is 0.93, between two keys of the format at most 0.75.
_MISSPELT = 0.8


def mapping(value: Any, what: str) -> Mapping[str, Any]:
    """Return an object.

    Raises:
        InputError: it is something else.
    """
    if not isinstance(value, Mapping):
        raise InputError(f"{what} is {type(value).__name__}", fix="give an object")
    return value


def items(tree: Mapping[str, Any], key: str) -> Sequence[Any]:
    """Return a list, empty if absent.

    Raises:
        InputError: it is something else.
    """
    value = tree.get(key)
    if value is None:
        return ()
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise InputError(f"{key} is {value!r}", fix="give a list")
    return value


def names(value: Any, key: str) -> Names:
    """Return one name or several, none if absent.

    Raises:
        InputError: it is neither a text nor a list of texts.
    """
    if value is None:
        return ()
    given = [value] if isinstance(value, str) else value
    if not isinstance(given, Sequence) or not all(isinstance(item, str) for item in given):
        raise InputError(f"{key} is {value!r}", fix="give a name, or a list of names")
    return tuple(item.strip() for item in given)


def text(tree: Mapping[str, Any], key: str) -> str:
    """Return a text, empty if absent.

    Raises:
        InputError: it is something else.
    """
    value = tree.get(key)
    if value is not None and not isinstance(value, str):
        raise InputError(f"{key} is {value!r}", fix="give a text")
    return value or ""


def flag(tree: Mapping[str, Any], key: str) -> bool | None:
    """Return a truth value, None if absent.

    Raises:
        InputError: it is something else.
    """
    value = tree.get(key)
    if value is not None and not isinstance(value, bool):
        raise InputError(f"{key} is {value!r}", fix="give true or false")
    return value


def number(tree: Mapping[str, Any], key: str) -> float | None:
    """Return a finite number from 0 up, None if absent.

    Raises:
        InputError: it is something else.
    """
    value = tree.get(key)
    if value is None:
        return None
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or value < 0 or (isinstance(value, float) and not isfinite(value)):
        raise InputError(f"{key} is {value!r}", fix="give a number from 0 up")
    return float(value) if isinstance(value, float) else int(value)


def known(what: str, value: Any, choices: Sequence[str]) -> str:
    """Return one of several words.

    Raises:
        InputError: it is something else.
    """
    if not isinstance(value, str) or value not in choices:
        raise InputError(f"unknown {what} {value!r}", fix=nearest(str(value), list(choices)))
    return value


def refuse_misspelt(
    tree: Mapping[str, Any], keys: Sequence[str], what: str, *, remarks: Sequence[str] = ()
) -> None:
    """Refuse keys that are nearly one that is read; `remarks` and others are for people.

    Raises:
        InputError: there is one.
    """
    for key in tree:
        if key not in (*keys, *remarks) and get_close_matches(
            str(key), keys, n=1, cutoff=_MISSPELT
        ):
            raise InputError(f"unknown key {key!r} in {what}", fix=nearest(str(key), list(keys)))
