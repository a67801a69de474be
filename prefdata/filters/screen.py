"""Stage `screen`: tasks that have no meaning in Japanese leave before any GPU time is spent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, Literal

from pydantic import Field

from prefdata.config.settings import Settings
from prefdata.core.finding import Drop, Finding, Outcome
from prefdata.core.records import Preference
from prefdata.core.stage import Context, Kind
from prefdata.filters.judge import Judge, rules_digest, screen
from prefdata.filters.stage import known_thresholds
from prefdata.filters.view import Turn
from prefdata.text.limits import Limits


class Screen:
    """Drops English records about rhymes, spelling, letters or grammar; put it before translate.

    Only prompts are read: an answer that spells a word stands under a prompt that asked for it.
    """

    class Config(Settings):
        """Settings of the screen."""

        profile: Literal["strict", "default", "lenient"] = Field(
            default="default", description="which limits hold; see prefdata/text/limits.yaml"
        )
        thresholds: dict[str, float | Literal["drop", "flag", "ignore"]] = Field(
            default={}, description="own actions, by rule: {language_dependent_task.grammar: flag}"
        )

        check_thresholds = known_thresholds()

    version: ClassVar[int] = 1
    reads: ClassVar[Kind] = "preferences"
    writes: ClassVar[Kind] = "preferences"

    def __init__(self, config: Config, context: Context) -> None:
        self.judge = Judge(Limits(config.profile, config.thresholds))

    @staticmethod
    def content_key(config: Config, context: Context) -> str:
        """Return a digest of the rules."""
        return rules_digest()

    def __call__(self, batch: Sequence[Preference]) -> Outcome:
        """Return the records that can be translated, and the others."""
        kept: list[Preference] = []
        dropped: list[Drop] = []
        for record in batch:
            findings = self.findings(record)
            if any(finding.action == "drop" for finding in findings):
                dropped.append(Drop(record, findings))
            else:
                kept.append(replace(record, findings=(*findings, *record.findings)))
        return Outcome(kept, dropped)

    def findings(self, record: Preference) -> tuple[Finding, ...]:
        """Return what is wrong with the tasks of an English record."""
        if not record.lang.startswith("en"):
            return ()
        turns = [Turn(m.role, m.content, "") for m in record.prompt]
        return tuple(
            self.judge.finding(seen, "prompt", n, record.origin.kind) for n, seen in screen(turns)
        )
