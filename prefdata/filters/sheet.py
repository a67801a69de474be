"""A CSV sheet for a person: what was dropped or a sample of what was kept, and a column to correct.

Corrections come back as rows of a translations file; the translation memory takes them as a
person's, and the next build uses them before any translator's.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from prefdata.core.errors import InputError
from prefdata.core.finding import Finding
from prefdata.core.records import Conversation, Preference, digest
from prefdata.filters.calibrate import records
from prefdata.filters.dropped import steps_of

COLUMNS: Final = (
    "id", "reason", "measured", "limit", "side", "role", "context",
    "en", "ja", "corrected", "comment",
)  # fmt: skip


def write_sheet(path: Path, rows: Iterable[Mapping[str, str]]) -> int:
    """Write rows as CSV that spreadsheets open (UTF-8 with a mark); return how many."""
    count = 0
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        for row in rows:
            writer.writerow(row)
            count += 1
    return count


def dropped_rows(path: Path, reason: str | None = None) -> Iterator[dict[str, str]]:
    """Yield a row for the translated turn behind each drop's root cause; a pair has one a side."""
    for step in steps_of(path):
        for drop in step.drops():
            cause = next((f for f in drop["findings"] if f.action == "drop"), None)
            record: Preference | None = drop["record"]
            if record is None or cause is None or (reason and reason not in drop["reasons"]):
                continue
            for place in _places(record, cause):
                yield from _row(record, place)


def _places(record: Preference, cause: Finding) -> Iterator[Finding]:
    """Yield a finding as one of the turns that it is about."""
    if cause.turn >= 0:
        yield cause
    elif cause.side == "pair":
        for n, completion in enumerate(record.completions):
            yield replace(cause, side=record.side(n), turn=len(completion.messages) - 1)


def sampled_rows(path: Path, size: int) -> Iterator[dict[str, str]]:
    """Yield a row for the first answer of so many kept records, the same ones every time."""
    found = sorted(records(path), key=lambda record: digest("sheet", record.id))[:size]
    for record in sorted(found, key=lambda record: record.id):
        yield from _row(record, Finding("", record.side(0), 0, action="none"))


def _row(record: Preference, finding: Finding) -> Iterator[dict[str, str]]:
    sides = {"prompt": -1} | {record.side(n): n for n in range(len(record.completions))}
    if record.original is None or finding.side not in sides:
        return
    place = sides[finding.side]
    own, english = _side(record, place)
    if not 0 <= finding.turn < min(len(own), len(english)):
        return
    before = english[: finding.turn]
    if place >= 0:
        before = (*record.original.prompt, *before)
    yield {
        "id": record.id,
        "reason": finding.code,
        "measured": "" if finding.measured is None else f"{finding.measured:g}",
        "limit": "" if finding.limit is None else f"{finding.limit:g}",
        "side": finding.side,
        "role": english[finding.turn].role,
        "context": json.dumps([[m.role, m.content] for m in before], ensure_ascii=False),
        "en": english[finding.turn].content,
        "ja": own[finding.turn].content,
        "corrected": "",
        "comment": "",
    }


def _side(record: Preference, place: int) -> tuple[Conversation, Conversation]:
    original = record.original
    if original is None:
        return (), ()
    if place < 0:
        return record.prompt, original.prompt
    return record.completions[place].messages, original.completions[place]


def corrections(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of a sheet whose `corrected` is filled in, as rows of a translations file.

    Raises:
        InputError: it is no such sheet, or a row's context was changed.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = {"role", "context", "en", "corrected"} - set(reader.fieldnames or ())
            if missing:
                raise InputError(
                    f"the sheet lacks the columns {', '.join(sorted(missing))}",
                    str(path),
                    "fill in a sheet that 'prefdata sheet export' wrote",
                )
            for row in reader:
                if (row["corrected"] or "").strip():
                    yield _correction(row, f"{path}:{reader.line_num}")
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            f"cannot read the sheet: {error}", str(path), "save it as CSV UTF-8"
        ) from error


def _correction(row: Mapping[str, str], where: str) -> dict[str, Any]:
    try:
        context = [
            {"role": role, "content": content} for role, content in json.loads(row["context"])
        ]
    except (ValueError, TypeError) as error:
        raise InputError(
            f"the context is damaged: {error}",
            where,
            "leave every column but 'corrected' as it was",
        ) from error
    return {
        "role": row["role"],
        "source": row["en"],
        "context": context,
        "target": row["corrected"],
    }
