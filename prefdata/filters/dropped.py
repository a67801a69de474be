"""What a build dropped, and what other limits would have dropped, from what is stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from prefdata.core.errors import InputError, UsageError
from prefdata.core.finding import Finding
from prefdata.core.records import Conversation, Preference
from prefdata.filters.judge import by_cause
from prefdata.store.dataset import MANIFEST, Dataset
from prefdata.store.files import read_json
from prefdata.text.limits import ACTIONS, Limits

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
    """Return the source and the Japanese text that a finding is about."""
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


@dataclass
class WhatIf:
    """What other limits change: counts of root causes, and records that come back or go."""

    before: Counter[str] = field(default_factory=Counter)
    after: Counter[str] = field(default_factory=Counter)
    kept_before: int = 0
    kept_after: int = 0
    newly_kept: list[str] = field(default_factory=list)
    newly_dropped: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return the comparison as plain values."""
        codes = sorted({*self.before, *self.after})
        return {
            "kept_before": self.kept_before,
            "kept_after": self.kept_after,
            "reasons": {code: [self.before[code], self.after[code]] for code in codes},
            "newly_kept": self.newly_kept,
            "newly_dropped": self.newly_dropped,
        }


def what_if(path: Path, changes: Sequence[str]) -> WhatIf:
    """Decide again with other limits, from the stored measurements of the filter steps.

    Raises:
        InputError: there is no filter step.
        UsageError: a change names no rule.
    """
    steps = [step for step in steps_of(path) if step.manifest["use"] == "filter"]
    if not steps:
        raise InputError("there is no filter step here", str(path), "give a build folder")
    result = WhatIf()
    for step in steps:
        settings = step.manifest["settings"]
        limits = changed_limits(settings.get("profile", "default"), settings["thresholds"], changes)
        for record in step.records():
            _compare(result, record, record.findings, limits, was_kept=True)
        for row in step.drops():
            if row["record"] is not None:
                _compare(result, row["record"], row["findings"], limits, was_kept=False)
    return result


def changed_limits(
    profile: str, thresholds: Mapping[str, float | str], changes: Sequence[str]
) -> Limits:
    """Return a profile with a pipeline's thresholds and changes such as ``CODE.BAND=LIMIT``.

    ``CODE+=0.1`` moves all limits of a code, ``CODE=flag`` changes its action. A band's own plus
    sign belongs to the band: ``length_ratio_high.81+=1.2`` sets that limit to 1.2. ``webgpt/CODE``
    changes one source kind alone.
    """
    limits = Limits(profile, thresholds)
    own: dict[str, float | str] = dict(thresholds)
    for change in changes:
        name, sign, value = change.partition("=")
        if not sign:
            raise UsageError(f"{change!r} is no change", fix="write CODE=LIMIT or CODE.BAND=LIMIT")
        kind, slash, name = name.rpartition("/")
        names = limits.named(name)
        step = 0
        if not names and name[-1:] in "+-":
            step, names = (1 if name.endswith("+") else -1), limits.named(name[:-1])
        if not names:
            raise UsageError(f"there is no rule {name!r}", fix=limits.nearest(name))
        for rule in names:
            own[kind + slash + rule] = _value(value, limits.rules_for(kind)[rule].limit, step)
    return Limits(profile, own)


def _value(text: str, limit: float, step: int) -> float | str:
    if text in ACTIONS:
        return text
    try:
        return limit + step * float(text) if step else float(text)
    except ValueError:
        raise UsageError(
            f"{text!r} is neither a number nor an action", fix=f"actions: {', '.join(ACTIONS)}"
        ) from None


def _compare(
    result: WhatIf,
    record: Preference,
    findings: Sequence[Finding],
    limits: Limits,
    *,
    was_kept: bool,
) -> None:
    again = by_cause(redecided(finding, record, limits) for finding in findings)
    before = next((f.code for f in findings if f.action == "drop"), None)
    after = next((f.code for f in again if f.action == "drop"), None)
    result.kept_before += was_kept
    result.kept_after += after is None
    if not was_kept and before:
        result.before[before] += 1
    if after:
        result.after[after] += 1
    if was_kept and after:
        result.newly_dropped.append(record.id)
    elif not was_kept and after is None:
        result.newly_kept.append(record.id)


def redecided(finding: Finding, record: Preference, limits: Limits) -> Finding:
    """Return a stored finding as another profile would judge it."""
    name = f"{finding.code}.{finding.band}" if finding.band else finding.code
    rules = limits.rules_for(
        record.origin.kind, _role(record, finding), is_native=record.original is None
    )
    rule = rules.get(name)
    if rule is None or finding.measured is None or finding.action == "repair":
        return finding
    return replace(finding, limit=rule.limit, action=rule.verdict_on(finding.measured))


def _role(record: Preference, finding: Finding) -> str:
    if finding.side != "prompt":
        return "" if finding.side == "pair" else "assistant"
    return record.prompt[finding.turn].role if 0 <= finding.turn < len(record.prompt) else ""
