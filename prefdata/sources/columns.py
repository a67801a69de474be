"""Typed columns out of a row; what is missing or of another type is a fault of that row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prefdata.sources.reasons import RowFault


def mapping(value: Any, name: str = "the row") -> Mapping[str, Any]:
    """Return an object."""
    if not isinstance(value, dict):
        raise wrong_type(name, value, "an object")
    return value


def column(row: Mapping[str, Any], name: str) -> Any:
    """Return a column that must be there; null counts as missing."""
    if row.get(name) is None:
        raise RowFault("source_missing_column", f"{name} is missing")
    return row[name]


def text(row: Mapping[str, Any], name: str) -> str:
    """Return a text column that must be there; it may be empty."""
    value = column(row, name)
    if not isinstance(value, str):
        raise wrong_type(name, value, "text")
    return value


def optional_text(row: Mapping[str, Any], name: str) -> str:
    """Return a text column, empty where it is missing or null."""
    return text(row, name) if row.get(name) is not None else ""


def number(value: Any, name: str) -> float:
    """Return a finite number; booleans are none."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise wrong_type(name, value, "a number")
    if value != value or value in (float("inf"), float("-inf")):
        raise RowFault("source_bad_value", f"{name} is not finite")
    return float(value)


def items(row: Mapping[str, Any], name: str) -> list[Any]:
    """Return a list column that must be there."""
    value = column(row, name)
    if not isinstance(value, list):
        raise wrong_type(name, value, "a list")
    return value


def wrong_type(name: str, value: Any, wanted: str) -> RowFault:
    """Return the fault of a column that holds another type; its content is not shown."""
    kinds = {
        "str": "text", "dict": "an object", "list": "a list", "NoneType": "null",
        "bool": "a boolean", "int": "a number", "float": "a number",
    }  # fmt: skip
    found = kinds.get(type(value).__name__, type(value).__name__)
    return RowFault("source_wrong_type", f"{name} is {found}, not {wanted}")
