"""What other limits would have dropped: decided again from what a build stored."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from prefdata.config.settings import component
from prefdata.core.errors import InputError, UsageError, nearest
from prefdata.core.finding import Finding
from prefdata.core.records import Preference
from prefdata.filters.dropped import steps_of
from prefdata.filters.judge import by_cause
from prefdata.filters.stage import rules_of
from prefdata.text.limits import ACTIONS, Limits, Rule


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
        UsageError: a change names no rule, or a source kind that no record is of.
    """
    steps = [step for step in steps_of(path) if step.manifest["use"] == "filter"]
    if not steps:
        raise InputError("there is no filter step here", str(path), "give a build folder")
    result = WhatIf()
    kinds: set[str] = set()
    for step in steps:
        settings = step.manifest["settings"]
        parts = [component("filters", **part) for part in settings.get("filters", ())]
        limits = changed_limits(
            settings.get("profile", "default"), settings["thresholds"], changes, rules_of(parts)
        )
        for record in step.records():
            kinds.add(record.origin.kind)
            _compare(result, record, record.findings, limits, was_kept=True)
        for row in step.drops():
            if row["record"] is not None:
                kinds.add(row["record"].origin.kind)
                _compare(result, row["record"], row["findings"], limits, was_kept=False)
    for change in changes:
        kind, slash, _ = change.partition("=")[0].rpartition("/")
        if slash and kind not in kinds:
            raise UsageError(f"no record here is of the kind {kind!r}", fix=nearest(kind, [*kinds]))
    return result


def changed_limits(
    profile: str,
    thresholds: Mapping[str, float | str],
    changes: Sequence[str],
    more: Mapping[str, Rule] | None = None,
) -> Limits:
    """Return a profile with a pipeline's thresholds and changes such as ``CODE.BAND=LIMIT``.

    ``CODE+=0.1`` moves all limits of a code, ``CODE=flag`` changes its action. A band's own plus
    sign belongs to the band: ``length_ratio_high.81+=1.2`` sets that limit to 1.2. ``webgpt/CODE``
    changes one source kind alone. `more` are the rules of the step's own filters.
    """
    limits = Limits(profile, thresholds, more)
    own = list(thresholds.items())
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
        rules = limits.rules_for(kind)
        own += [(kind + slash + n, _value(value, rules[n].limit, step)) for n in names]
    return Limits(profile, own, more)


def _value(text: str, limit: float, step: int) -> float | str:
    if text in ACTIONS:
        return text
    try:
        value = limit + step * float(text) if step else float(text)
    except ValueError:
        value = math.nan
    if math.isnan(value):
        raise UsageError(
            f"{text!r} is neither a number nor an action", fix=f"actions: {', '.join(ACTIONS)}"
        )
    return value


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
