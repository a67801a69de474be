"""Stage `filter`: run every check, keep every finding, let the profile decide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator

from prefdata.config.settings import Settings, component_of
from prefdata.core.errors import ConfigError
from prefdata.core.finding import Drop, Finding, Outcome
from prefdata.core.origin import Layer
from prefdata.core.records import Completion, Conversation, Message, Preference, digest
from prefdata.core.stage import Context, Filter, Kind
from prefdata.filters.judge import Judge, by_cause, rules_digest
from prefdata.filters.view import blind
from prefdata.text.limits import Limits
from prefdata.text.repair import repair


def known_thresholds() -> Any:
    """Return a validator for `thresholds`: every rule must be known, every action, too."""

    def check(cls: Any, value: dict[str, Any]) -> dict[str, Any]:
        try:
            Limits("default", value)
        except ConfigError as error:
            raise ValueError(f"{error.what}; {error.fix}") from error
        return value

    return field_validator("thresholds")(classmethod(check))


class FilterStage:
    """Drops records whose Japanese is broken; flags what a user may want to know."""

    class Config(Settings):
        """Settings of the filter stage."""

        component_lists: ClassVar[dict[str, str]] = {"filters": "filters"}

        profile: Literal["strict", "default", "lenient"] = Field(
            default="default", description="which limits hold; see prefdata/text/limits.yaml"
        )
        thresholds: dict[str, float | Literal["drop", "flag", "ignore"]] = Field(
            default={}, description="own limits or actions, by rule: {length_ratio_high.81+: 1.2}"
        )
        repair: bool = Field(
            default=True, description="clean quotes, fences, preambles and template tokens first"
        )
        filters: tuple[component_of("filters"), ...] = Field(  # type: ignore[valid-type]  # built at run time
            default=(),
            description="scorers, judges and filters of your own, beside the built-in checks",
        )

        check_thresholds = known_thresholds()

    version: ClassVar[int] = 1
    reads: ClassVar[Kind] = "preferences"
    writes: ClassVar[Kind] = "preferences"

    def __init__(self, config: Config, context: Context) -> None:
        self.repairs = config.repair
        self.judge = Judge(Limits(config.profile, config.thresholds))
        self.filters: list[Filter] = [part.create(context) for part in config.filters]
        self.judges = frozenset(self.layers(config, context))

    @staticmethod
    def layers(config: Config, context: Context) -> Sequence[Layer]:
        """Return what the stage's scorers and judges add to the records' layers."""
        found: list[Layer] = []
        for part in config.filters:
            cls = part.load()
            found += cls.layers(part.config(), context) if hasattr(cls, "layers") else []
        return found

    @staticmethod
    def content_key(config: Config, context: Context) -> str:
        """Return a digest of the rules, and of what the filters depend on."""
        keys = [rules_digest()]
        for part in config.filters:
            cls = part.load()
            own = cls.content_key(part.config(), context) if hasattr(cls, "content_key") else ""
            keys += [part.use, str(cls.version), own]
        return digest(*keys)

    def __call__(self, batch: Sequence[Preference]) -> Outcome:
        """Return the records without a finding that drops, and the others with the reason."""
        kept: list[Preference] = []
        dropped: list[Drop] = []
        for record in batch:
            judged, findings = self.judged(record)
            if any(finding.action == "drop" for finding in findings):
                dropped.append(Drop(judged, findings))
            else:
                kept.append(replace(judged, findings=findings))
        return Outcome(kept, dropped)

    def judged(self, record: Preference) -> tuple[Preference, tuple[Finding, ...]]:
        """Return the record, repaired, and all findings, those of earlier stages too."""
        if not record.lang.startswith("ja"):
            return record, record.findings
        repaired: tuple[Finding, ...] = ()
        if self.repairs:
            record, repaired = repaired_record(record)
        blinded = blind(record)
        found = self.judge.comparison(blinded.view)
        for extra in self.filters:
            found += (self._decided(f, record) for f in extra.check(blinded.view))
        named = [blinded.unblind(finding, record) for finding in found]
        if self.judges:
            layers = tuple(sorted(self.judges | set(record.origin.layers)))
            record = replace(record, origin=replace(record.origin, layers=layers))
        return record, (*by_cause([*named, *repaired]), *record.findings)

    def _decided(self, finding: Finding, record: Preference) -> Finding:
        """Let the profile's rule for a code decide, if there is one; else the filter's word."""
        name = f"{finding.code}.{finding.band}" if finding.band else finding.code
        rule = self.judge.limits.rules_for(record.origin.kind).get(name)
        if rule is None or finding.measured is None:
            return finding
        return replace(finding, limit=rule.limit, action=rule.verdict_on(finding.measured))


def repaired_record(record: Preference) -> tuple[Preference, tuple[Finding, ...]]:
    """Return the record with every message cleaned, and what was done to each."""
    original = record.original
    found: list[Finding] = []

    def clean(messages: Conversation, sources: Conversation | None, side: str) -> Conversation:
        aligned = sources is not None and len(sources) == len(messages)
        cleaned = []
        for n, message in enumerate(messages):
            source = sources[n].content if aligned and sources else None
            text, done = repair(source, message.content)
            found.extend(
                Finding(code, side, n, action="repair", detail=what) for code, what in done
            )
            cleaned.append(message if not done else Message(message.role, text))
        return tuple(cleaned)

    prompt = clean(record.prompt, original.prompt if original else None, "prompt")
    completions = tuple(
        Completion(
            clean(c.messages, original.completions[n] if original else None, record.side(n)),
            c.rank,
            c.scores,
        )
        for n, c in enumerate(record.completions)
    )
    if not found:
        return record, ()
    return replace(record, prompt=prompt, completions=completions), tuple(found)
