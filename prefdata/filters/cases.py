"""Judging given texts: one case is a segment, a conversation in hh-rlhf's layout, or a pair."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from prefdata.core.errors import InputError, nearest
from prefdata.core.finding import Finding
from prefdata.core.records import Role
from prefdata.filters import pairs, speaker
from prefdata.filters.judge import Judge, by_cause, screen, transcript_roles
from prefdata.filters.view import Turn
from prefdata.text.assess import assess
from prefdata.text.repair import repair
from prefdata.text.seen import Seen
from prefdata.text.template import split_transcript

LEVELS = ("segment", "conversation", "pair")
SIDES = ("chosen", "rejected")


@dataclass(frozen=True, slots=True)
class Case:
    """Two texts to be judged; `other_en` and `other_ja` are the other side of a pair."""

    id: str | int
    en: str
    ja: str
    level: str = "segment"
    source_kind: str = ""
    side: str = ""
    other_en: str = ""
    other_ja: str = ""


@dataclass(frozen=True, slots=True)
class CaseVerdict:
    """What became of a case: the codes that drop it, root cause first, and the flags."""

    id: str | int
    findings: tuple[Finding, ...]

    @property
    def reasons(self) -> list[str]:
        """Return the codes that drop."""
        return list(dict.fromkeys(f.code for f in self.findings if f.action == "drop"))

    @property
    def flags(self) -> list[str]:
        """Return the codes that flag and do not drop."""
        flagged = (f.code for f in self.findings if f.action == "flag")
        return [code for code in dict.fromkeys(flagged) if code not in self.reasons]

    def to_json(self) -> dict[str, Any]:
        """Return the verdict as ``judge --json`` prints it."""
        measured = {f.code: f.measured for f in reversed(self.findings) if f.action != "none"}
        return {
            "id": self.id,
            "verdict": "reject" if self.reasons else "keep",
            "reasons": self.reasons,
            "flags": self.flags,
            "measured": {code: measured[code] for code in (*self.reasons, *self.flags)},
        }


def read_case(row: Any, where: str) -> Case:
    """Return a JSON object as a case; keys that a case does not have are ignored.

    Raises:
        InputError: it is no object, or lacks a text, or its level is unknown.
    """
    if not isinstance(row, Mapping):
        raise InputError("a case is a JSON object", where, 'give {"id": …, "en": …, "ja": …}')
    values = {name: row.get(name) for name in Case.__slots__}
    values["level"] = values["level"] or "segment"
    for name in ("id", "en", "ja"):
        if values[name] is None:
            raise InputError(f"the case lacks {name!r}", where, "every case has id, en and ja")
    for name, value in values.items():
        if not (value is None or isinstance(value, str) or (name == "id" and _is_number(value))):
            raise InputError(f"{name} is {value!r:.40}", where, "give a string")
    if values["level"] not in LEVELS:
        raise InputError(
            f"the level is {values['level']!r}", where, nearest(str(values["level"]), LEVELS)
        )
    if values["level"] == "pair":
        _check_pair(values, where)
    texts = {name: str(v) for name, v in values.items() if v is not None and name != "id"}
    return Case(row["id"], **texts)


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _check_pair(values: Mapping[str, Any], where: str) -> None:
    for name in ("other_en", "other_ja"):
        if values[name] is None:
            raise InputError(f"the pair lacks {name!r}", where, "give both texts of the other side")
    if values["side"] not in (None, "", *SIDES):
        side = str(values["side"])
        raise InputError(f"the side is {side!r}", where, nearest(side, SIDES))


class CaseJudge:
    """Judges cases under one profile; `repairs` cleans the texts first."""

    def __init__(self, judge: Judge, *, repairs: bool = True) -> None:
        self.judge = judge
        self.repairs = repairs

    def __call__(self, case: Case) -> CaseVerdict:
        """Return what the checks say of a case."""
        if case.level == "conversation":
            findings = self.conversation(case)
        else:
            findings = self.segment(case.en, case.ja, case.side or "completion_0", case.source_kind)
        if case.level == "pair":
            findings += self.pair(case)
        return CaseVerdict(case.id, tuple(by_cause(findings)))

    def segment(
        self, en: str, ja: str, side: str, kind: str, role: Role | None = None, turn: int = 0
    ) -> list[Finding]:
        """Judge one text; without a role the rules for texts of unknown speaker hold."""
        ja, repaired = repair(en, ja) if self.repairs else (ja, ())
        found = [
            self.judge.finding(seen, side, turn, kind, role or "")
            for seen in assess(en, ja, role or "", kind)
        ]
        notes = [Finding(code, side, turn, action="repair", detail=text) for code, text in repaired]
        return found + notes

    def conversation(self, case: Case) -> list[Finding]:
        """Judge a transcript: its speakers, then turn by turn if they agree."""
        roles = transcript_roles(case.en, case.ja)
        if roles:
            found = [self.judge.finding(roles, "prompt", -1, case.source_kind)]
            return found + self._source_tasks(case)
        sources, targets = split_transcript(case.en), split_transcript(case.ja)
        if not sources or len(sources) != len(targets):
            return self.segment(case.en, case.ja, "prompt", case.source_kind)
        found = []
        for n, ((role, source), (_, target)) in enumerate(zip(sources, targets, strict=True)):
            found += self.segment(source, target, "prompt", case.source_kind, _role(role), n)
        spoken = [
            Turn(_role(role), source, target)
            for (role, source), (_, target) in zip(sources, targets, strict=True)
        ]
        found += [
            self.judge.finding(seen, "prompt", -1, case.source_kind)
            for seen in speaker.check(spoken)
        ]
        left = {f.turn for f in found if f.code == "untranslated" and f.action == "drop"}
        if 0 < len(left) < len(sources):  # of the transcript, a part
            seen = Seen("partially_untranslated", "turn", float(len(left)))
            found.append(self.judge.finding(seen, "prompt", -1, case.source_kind))
        return found

    def _source_tasks(self, case: Case) -> list[Finding]:
        turns = [Turn(_role(role), text, "") for role, text in split_transcript(case.en)]
        return [
            self.judge.finding(seen, "prompt", n, case.source_kind) for n, seen in screen(turns)
        ]

    def pair(self, case: Case) -> list[Finding]:
        """Judge the other side of a pair, and the two together."""
        other = "rejected" if case.side == "chosen" else "chosen"
        findings = self.segment(case.other_en, case.other_ja, other, case.source_kind)
        first = (Turn("assistant", case.en, case.ja),)
        second = (Turn("assistant", case.other_en, case.other_ja),)
        seen = pairs.compare(first, second)
        return findings + [self.judge.finding(one, "pair", -1, case.source_kind) for one in seen]


def _role(role: str) -> Role:
    return "user" if role == "user" else "assistant"
