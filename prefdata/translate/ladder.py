"""The ladder: an answer is judged, repaired where that is certain, asked for again, or given up.

What is measured here is what the filter stage measures (`prefdata.text`), so that a node that
passes here is not dropped there for the same reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from prefdata.core.records import digest
from prefdata.core.stage import Answer
from prefdata.text.assess import assess
from prefdata.text.limits import Limits
from prefdata.text.repair import repair
from prefdata.translate.entry import Attempt, Entry
from prefdata.translate.protect import Protected, restore
from prefdata.translate.tree import Node

VERSION = "1"
Measured: TypeAlias = tuple[str, float | None, float | None, str]  # code, measured, limit, detail


@dataclass(frozen=True, slots=True)
class Rung:
    """How an attempt is made; `seed` is added to the translator's own.

    `examples` names the set of worked examples, `split` asks paragraph by paragraph.
    """

    name: str
    temperature: float = 0.0
    seed: int = 0
    examples: str = "first"
    split: bool = False


RUNGS = (
    Rung("first"),
    Rung("again", temperature=0.3, seed=1),
    Rung("strict", temperature=0.3, seed=2, examples="strict"),
    Rung("split", temperature=0.0, seed=3, examples="strict", split=True),
)


@dataclass(frozen=True, slots=True)
class Judged:
    """An answer after judgement: its text, or the reasons why there is none."""

    text: str | None
    repairs: tuple[str, ...] = ()
    findings: tuple[Measured, ...] = ()


# What another attempt may cure. The rest (numbers, register, flags) is left to the filter stage.
CURABLE = frozenset(
    {
        "answered_instead",
        "citation_mismatch",
        "code_altered",
        "empty_output",
        "hallucinated_turn",
        "injection_obeyed",
        "length_ratio_high",
        "length_ratio_low",
        "markup_broken",
        "meta_commentary",
        "mojibake",
        "off_target_language",
        "omission",
        "partially_untranslated",
        "refusal",
        "repetition_loop",
        "template_artifact",
        "truncated",
        "untranslated",
        "url_altered",
    }
)
# What a back end says of an answer, and the code of it.
_REASONS = {
    "length": "truncated",
    "content_filter": "refusal",
    "too_long": "too_long",
    "error": "empty_output",
    "missing": "not_in_memory",
}
_HALF = re.compile("[\ud800-\udfff]")
UNDURABLE = frozenset({"error", "missing"})


class Ladder:
    """Judges answers and says what to try next."""

    def __init__(
        self, *, attempts: int = len(RUNGS), checks: bool = True, profile: str = "default"
    ) -> None:
        self.rungs = RUNGS[:attempts]
        self.checks = checks
        self.limits = Limits(profile)
        rules = repr(sorted(self.limits.rules.items())) if checks else "unchecked"
        self.version = digest("ladder", VERSION, str(attempts), rules)[:8]

    def judge(self, node: Node, protected: Protected, attempt: Attempt, detail: str = "") -> Judged:
        """Return the text of an answer, repaired and with what was protected put back.

        `detail` is what the back end said beside its finish reason.
        """
        if attempt.finish_reason in _REASONS:
            detail = detail or f"finish_reason: {attempt.finish_reason}"
            return Judged(None, findings=((_REASONS[attempt.finish_reason], None, None, detail),))
        text = (attempt.text or "").strip()
        if not text:
            return Judged(None, findings=(("empty_output", 0.0, None, ""),))
        if _HALF.search(text):  # half a character: no file could hold it
            return Judged(None, findings=(("mojibake", 1.0, 1.0, "lone surrogate"),))
        if not self.checks:
            return Judged(text)
        restored = restore(protected, text)
        if restored.lost:
            return Judged(None, findings=restored.lost)
        text, repairs = repair(node.text, restored.text)
        found = tuple(self._problems(node, text))
        if found:
            return Judged(None, findings=found)
        return Judged(text, tuple(dict.fromkeys(code for code, _ in repairs)))

    def _problems(self, node: Node, text: str) -> Iterator[Measured]:
        """Yield what drops this text and might come out better another time."""
        for seen in assess(node.text, text, node.role, node.kind):
            rule, is_crossed = self.limits.judge(seen, node.kind, node.role)
            if rule and is_crossed and rule.action == "drop" and seen.code in CURABLE:
                yield seen.code, seen.measured, rule.limit, seen.detail or seen.band

    def next(self, tried: Sequence[Attempt], paragraphs: int) -> int | None:
        """Return the number of the rung to try after these, None if all are used."""
        names = {attempt.rung for attempt in tried}
        for number, rung in enumerate(self.rungs):
            if rung.name not in names and (not rung.split or paragraphs > 1):
                return number
        return None

    def close(self, tried: Sequence[Attempt], judged: Judged, answer: Answer | None) -> Entry:
        """Return the entry of a node that is finished, well or badly."""
        return Entry(
            text=judged.text,
            attempts=tuple(tried),
            ladder=self.version,
            repairs=judged.repairs,
            findings=judged.findings,
            layer=answer.layer if answer else None,
        )
