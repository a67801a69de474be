"""A CSV sheet for a person: what was dropped or a sample of what was kept, and a column to correct.

Corrections come back as rows of a translations file; the translation memory takes them as a
person's, and the next build uses them before any translator's.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from heapq import nsmallest
from pathlib import Path
from typing import Any, Final

from prefdata.core.errors import InputError
from prefdata.core.finding import Finding
from prefdata.core.records import Conversation, Preference, digest
from prefdata.filters.calibrate import records
from prefdata.filters.dropped import steps_of
from prefdata.store.files import atomic

COLUMNS: Final = (
    "id", "reason", "measured", "limit", "side", "role", "context",
    "en", "ja", "corrected", "comment", "check",
)  # fmt: skip
TEXTS: Final = ("context", "en", "ja", "corrected")
_STEPS: Final = ("translate", "filter")  # of whose drops a better translation may save some
_LONGEST: Final = 2**31 - 1  # characters of a cell; the csv module's own limit is 131,072
# What a spreadsheet would take for a formula, number or date, behind apostrophes or not.
_FORMULA = re.compile(r"'*(?:[=+\-@\t\r]|[0-9.,/:%-]+\Z)")


def write_sheet(path: Path, rows: Iterable[Mapping[str, str]]) -> int:
    """Write rows as CSV that spreadsheets open (UTF-8 with a mark); return how many.

    Raises:
        InputError: the file cannot be written, or holds corrections that would be lost.
    """
    count = 0
    if path.is_file() and path.stat().st_size:
        _refuse_to_lose(path)
    with atomic(path) as temporary, temporary.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        for row in rows:
            guarded = {name: _guarded(row[name]) for name in TEXTS}
            writer.writerow({**row, **guarded, "check": _check(row)})
            count += 1
    return count


def _refuse_to_lose(path: Path) -> None:
    if next(corrections(path), None):
        raise InputError(
            "the sheet holds corrections", str(path), "import it first, or give another name"
        )


def _guarded(text: str) -> str:
    return f"'{text}" if _FORMULA.match(text) else text


def _bare(text: str) -> str:
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text


def _check(row: Mapping[str, str]) -> str:
    """Return a digest of what a correction is filed under, in letters that are no number."""
    return f"k{digest(row['role'], row['context'], row['en'])[:12]}"


def dropped_rows(path: Path, reason: str | None = None) -> Iterator[dict[str, str]]:
    """Yield a row for the turn behind each drop, by `reason` or else by its root cause.

    A pair has a row a side. What was never translated has no Japanese.
    """
    for step in steps_of(path):
        for drop in step.drops() if step.manifest["use"] in _STEPS else ():
            causes = [f for f in drop["findings"] if f.action == "drop"]
            cause = next((f for f in causes if reason in (None, f.code)), None)
            record: Preference | None = drop["record"]
            if record is not None and cause is not None:
                for place in _places(record, cause):
                    yield from _row(record, place)


def _places(record: Preference, cause: Finding) -> Iterator[Finding]:
    """Yield a finding as one of the turns that it is about."""
    if cause.turn >= 0:
        yield cause
        return
    for n in range(-1, len(record.completions)):
        side = record.side(n) if n >= 0 else "prompt"
        turns = len(record.completions[n].messages if n >= 0 else record.prompt)
        if cause.side == "pair" and n >= 0:
            yield replace(cause, side=side, turn=turns - 1)
        elif cause.side == side:
            yield from (replace(cause, turn=turn) for turn in range(turns))


def sampled_rows(path: Path, size: int) -> Iterator[dict[str, str]]:
    """Yield a row for the first answer of so many kept translations, the same ones every time."""
    translated = (record for record in records(path) if record.original)
    found = nsmallest(size, translated, key=lambda record: digest("sheet", record.id))
    for record in sorted(found, key=lambda record: record.id):
        yield from _row(record, Finding("", record.side(0), 0, action="none"))


def _row(record: Preference, finding: Finding) -> Iterator[dict[str, str]]:
    sides = {"prompt": -1} | {record.side(n): n for n in range(len(record.completions))}
    is_native = record.original is None and record.lang.startswith("ja")
    if is_native or finding.side not in sides:
        return
    place = sides[finding.side]
    own, english = _side(record, place)
    if not 0 <= finding.turn < len(english):
        return
    before = english[: finding.turn]
    if place >= 0:
        before = (*_side(record, -1)[1], *before)
    yield {
        "id": record.id,
        "reason": finding.code,
        "measured": "" if finding.measured is None else f"{finding.measured:g}",
        "limit": "" if finding.limit is None else f"{finding.limit:g}",
        "side": finding.side,
        "role": english[finding.turn].role,
        "context": json.dumps([[m.role, m.content] for m in before], ensure_ascii=False),
        "en": english[finding.turn].content,
        "ja": own[finding.turn].content if finding.turn < len(own) else "",
        "corrected": "",
        "comment": "",
    }


def _side(record: Preference, place: int) -> tuple[Conversation, Conversation]:
    """Return the Japanese and the English turns; of what was never translated, English alone."""
    original = record.original
    own = record.prompt if place < 0 else record.completions[place].messages
    if original is None:
        return (), own
    return own, original.prompt if place < 0 else original.completions[place]


def corrections(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of a sheet whose `corrected` is filled in, as rows of a translations file.

    Raises:
        InputError: it is no such sheet, or more than the corrections was changed, or one turn has
            two corrections.
    """
    csv.field_size_limit(_LONGEST)
    lines: dict[str, tuple[int, str]] = {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = {"role", "context", "en", "corrected", "check"} - set(reader.fieldnames or ())
            if missing:
                raise InputError(
                    f"the sheet lacks the columns {', '.join(sorted(missing))}",
                    str(path),
                    "fill in a sheet that 'prefdata sheet export' wrote",
                )
            for row in reader:
                if not (row["corrected"] or "").strip():
                    continue
                found = _correction(row, f"{path}:{reader.line_num}")
                line, text = lines.setdefault(row["check"], (reader.line_num, found["target"]))
                if text != found["target"]:
                    raise InputError(
                        f"this turn has another correction in line {line}",
                        f"{path}:{reader.line_num}",
                        "one English turn, after the same turns, has one Japanese",
                    )
                if line == reader.line_num:
                    yield found
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            f"cannot read the sheet: {error}", str(path), "save it as CSV UTF-8"
        ) from error


def _correction(row: Mapping[str, str | None], where: str) -> dict[str, Any]:
    own = {name: _bare(row[name] or "") for name in ("context", "en", "corrected")}
    own["role"] = row["role"] or ""
    if row["check"] != _check(own):
        raise InputError(
            "the English or its context is not what was exported",
            where,
            "leave the other columns alone; a spreadsheet cuts cells at 32,767 characters",
        )
    context = [{"role": role, "content": content} for role, content in json.loads(own["context"])]
    return {
        "role": own["role"],
        "source": own["en"],
        "context": context,
        "target": own["corrected"],
    }
