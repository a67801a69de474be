"""What a build dropped, and why, from what is stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prefdata.core.errors import InputError
from prefdata.core.finding import Finding
from prefdata.core.records import Conversation, Preference
from prefdata.store.dataset import MANIFEST, Dataset
from prefdata.store.files import read_json

BUILD = "build.json"


@dataclass(frozen=True, slots=True)
class Dropped:
    """One dropped record or skipped row: its root cause and the text that it is about."""

    id: str
    source: str
    step: str
    reasons: tuple[str, ...]
    side: str = ""
    measured: float | None = None
    limit: float | None = None
    en: str = ""
    ja: str = ""
    row: str = ""
    detail: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the row as ``drops --json`` prints it."""
        return {
            "id": self.id,
            "source": self.source,
            "step": self.step,
            "side": self.side,
            "reasons": list(self.reasons),
            "measured": self.measured,
            "limit": self.limit,
            "en": self.en,
            "ja": self.ja,
            "row": self.row,
            "detail": self.detail,
        }


def steps_of(path: Path) -> list[Dataset]:
    """Return the finished steps that `path` means: a build folder, a step, or a release in a build.

    Raises:
        InputError: there are none.
    """
    for folder in (path, path.parent):
        if (folder / BUILD).is_file():
            named = [folder / step["path"] for step in read_json(folder / BUILD)["steps"]]
            if folder == path.parent and path in named and (path / "dropped").is_dir():
                named = [path]
            return [Dataset(p) for p in named if (p / "dropped").is_dir() and Dataset(p).is_done]
    if (path / MANIFEST).is_file() and (path / "dropped").is_dir():
        return [Dataset(path)]
    raise InputError(
        "there are no drop logs here", str(path), "give a build folder or a step's folder in it"
    )


def dropped(path: Path, reason: str | None = None) -> Iterator[Dropped]:
    """Yield what was dropped, step by step in order; with `reason`, by that root cause."""
    for dataset in steps_of(path):
        for row in dataset.drops():
            if reason is None or reason in row["reasons"]:
                yield _dropped(dataset.id, row, reason)


def _dropped(step: str, row: Mapping[str, Any], reason: str | None) -> Dropped:
    findings: Sequence[Finding] = row["findings"]
    causes = [f for f in findings if f.action == "drop"]
    cause = next((f for f in causes if f.code == reason), causes[0] if causes else None)
    record: Preference | None = row["record"]
    en, ja = texts_of(record, cause) if record and cause else ("", "")
    return Dropped(
        id=row["id"] or "",
        source=row["source"],
        step=step,
        reasons=tuple(row["reasons"]),
        side=cause.side if cause else "",
        measured=cause.measured if cause else None,
        limit=cause.limit if cause else None,
        en=en,
        ja=ja,
        row=row["row"] or "",
        detail=cause.detail if cause else row["detail"] or "",
    )


def texts_of(record: Preference, finding: Finding) -> tuple[str, str]:
    """Return the source and the Japanese text that a finding is about; either may be empty."""
    english, japanese = _texts(record, finding)
    if record.original is None and not record.lang.startswith("ja"):
        return japanese, ""  # it left before it was translated
    return english, japanese


def _texts(record: Preference, finding: Finding) -> tuple[str, str]:
    sides = {"prompt": -1} | {record.side(n): n for n in range(len(record.completions))}
    place = sides.get(finding.side)
    if place is None:  # the pair as a whole: both completions
        chosen, rejected = record.completions[0].messages, record.completions[-1].messages
        original = record.original
        english = (original.completions[0], original.completions[-1]) if original else ((), ())
        return _both(*english), _both(chosen, rejected)
    messages = record.prompt if place < 0 else record.completions[place].messages
    original = record.original
    sources: Conversation = ()
    if original:
        sources = original.prompt if place < 0 else original.completions[place]
    return _turn(sources, finding.turn), _turn(messages, finding.turn)


def _turn(messages: Conversation, turn: int) -> str:
    chosen = messages[turn : turn + 1] if turn >= 0 else messages
    return "\n\n".join(message.content for message in chosen)


def _both(first: Conversation, second: Conversation) -> str:
    return " ⇔ ".join("\n".join(m.content for m in side) for side in (first, second) if side)
