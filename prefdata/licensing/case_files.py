"""Case files: a JSON list, one object, or JSON Lines of `{id, inputs, policy}`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from prefdata.core.errors import ConfigError, InputError
from prefdata.licensing.decide import judge
from prefdata.licensing.license_book import LicenseBook


def read_cases(path: Path) -> list[tuple[str, Any]]:
    """Return (place, case) of every case; what does not parse is its own error text.

    Raises:
        InputError: the file cannot be read or holds no case.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read the cases: {error}", str(path)) from error
    try:
        tree = json.loads(text)
    except RecursionError:
        raise InputError("the cases are nested too deeply", str(path)) from None
    except ValueError:
        return _lines(path, text)
    cases = tree if isinstance(tree, list) else [tree]
    return [(f"{path} case {n}", case) for n, case in enumerate(cases, 1)]


def _lines(path: Path, text: str) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for n, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                found.append((f"{path}:{n}", json.loads(line)))
            except (ValueError, RecursionError) as error:
                found.append((f"{path}:{n}", f"not JSON: {error}"))
    if not found:
        raise InputError("the file is empty", str(path), "give {id, inputs, policy}, one a line")
    return found


def decide_all(
    cases: Sequence[tuple[str, Any]], book: LicenseBook
) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield (the contract's object, no error) or (nothing, what is wrong with the case)."""
    for where, case in cases:
        if not isinstance(case, dict) or not _is_text(case):
            told = case if isinstance(case, str) and _is_text(case) else "not an object of text"
            yield {}, f"{told}\n  where: {where}"
            continue
        name = str(case.get("id", ""))
        try:
            judged = judge(case.get("inputs"), case.get("policy"), book)
        except (InputError, ConfigError) as error:
            what = f"the case {name!r} is malformed: {error.what}"
            yield {}, f"{what}\n  where: {where}\n  fix:   {error.fix}"
            continue
        yield {"id": case.get("id"), **judged.as_tree()}, ""


def _is_text(case: Any) -> bool:
    """Tell whether every text of a case can be written: JSON lets half a character pass."""
    try:
        json.dumps(case, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True
