"""Stage `filter`: run every check, keep every finding, let the profile decide."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Literal

from pydantic import Field, ValidationError, ValidationInfo, field_validator

from prefdata.config.settings import Component, Settings, component_of
from prefdata.core.errors import ConfigError
from prefdata.core.finding import Drop, Finding, Outcome
from prefdata.core.origin import Layer
from prefdata.core.records import Completion, Conversation, Message, Preference, digest
from prefdata.core.stage import Context, Filter, Kind
from prefdata.filters.judge import Judge, by_cause, rules_digest
from prefdata.filters.view import Comparison, blind
from prefdata.text.limits import Limits, Rule
from prefdata.text.repair import repair


def known_thresholds() -> Any:
    """Return a validator for `thresholds`: every rule must be known, every action, too.

    Rules of optional filters are known where the settings have `filters` before `thresholds`.
    """

    def check(cls: Any, value: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        try:
            Limits("default", value, rules_of(info.data.get("filters", ())))
        except ConfigError as error:
            raise ValueError(f"{error.what}; {error.fix}") from error
        except ValidationError:  # a filter's own settings: told where it stands
            return value
        return value

    return field_validator("thresholds")(classmethod(check))


def rules_of(filters: Iterable[Component]) -> dict[str, Rule]:
    """Return the rules that optional filters bring, by the name of their findings."""
    found: dict[str, Rule] = {}
    for part in filters:
        rules = getattr(part.load(), "rules", None)
        found.update(rules(part.config()) if rules else {})
    return found


class FilterStage:
    """Drops records whose Japanese is broken; flags what a user may want to know."""

    class Config(Settings):
        """Settings of the filter stage."""

        component_lists: ClassVar[dict[str, str]] = {"filters": "filters"}

        profile: Literal["strict", "default", "lenient"] = Field(
            default="default", description="which limits hold; see prefdata/text/limits.yaml"
        )
        filters: tuple[component_of("filters"), ...] = Field(  # type: ignore[valid-type]  # built at run time
            default=(),
            description="scorers, judges and filters of your own, beside the built-in checks",
        )
        thresholds: dict[str, float | Literal["drop", "flag", "ignore"]] = Field(
            default={},
            description="own limits, actions: {length_ratio_high.81+: 1.2, webgpt/omission: flag}",
        )
        repair: bool = Field(
            default=True, description="clean quotes, fences, preambles and template tokens first"
        )

        check_thresholds = known_thresholds()

    version: ClassVar[int] = 1
    reads: ClassVar[Kind] = "preferences"
    writes: ClassVar[Kind] = "preferences"

    def __init__(self, config: Config, context: Context) -> None:
        self.repairs = config.repair
        limits = Limits(config.profile, config.thresholds, rules_of(config.filters))
        self.judge = Judge(limits)
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
        for record, findings in self.judged(batch):
            if any(finding.action == "drop" for finding in findings):
                dropped.append(Drop(record, findings))
            else:
                kept.append(replace(record, findings=findings))
        return Outcome(kept, dropped)

    def judged(
        self, batch: Sequence[Preference]
    ) -> Iterator[tuple[Preference, tuple[Finding, ...]]]:
        """Yield each record, repaired, with all findings, those of earlier stages too."""
        ready = [
            repaired_record(record) if self.repairs and _is_japanese(record) else (record, ())
            for record in batch
        ]
        blinded = [blind(record) for record, _ in ready if _is_japanese(record)]
        views = [one.view for one in blinded]
        checked = self.judge.comparisons(views)
        extra = [self._checked(one, views) for one in self.filters]
        places = iter(range(len(blinded)))
        for record, repaired in ready:
            if not _is_japanese(record):
                yield record, record.findings
                continue
            place = next(places)
            found = checked[place]
            found += (self._decided(f, record) for findings in extra for f in findings[place])
            named = [blinded[place].unblind(finding, record) for finding in found]
            findings = (*by_cause([*named, *repaired]), *record.findings)
            yield self._with_judges(record), findings

    def _checked(self, one: Filter, views: Sequence[Comparison]) -> Sequence[Sequence[Finding]]:
        """Return a filter's findings of each record, all at once where it can."""
        at_once = getattr(one, "check_batch", None)
        return at_once(views) if at_once else [one.check(view) for view in views]

    def _with_judges(self, record: Preference) -> Preference:
        if not self.judges:
            return record
        layers = tuple(sorted(self.judges | set(record.origin.layers)))
        return replace(record, origin=replace(record.origin, layers=layers))

    def _decided(self, finding: Finding, record: Preference) -> Finding:
        """Let the profile's rule for a code decide, if there is one; else the filter's word."""
        name = f"{finding.code}.{finding.band}" if finding.band else finding.code
        is_native = record.original is None
        rule = self.judge.limits.rules_for(record.origin.kind, is_native=is_native).get(name)
        if rule is None or finding.measured is None:
            return finding
        return replace(finding, limit=rule.limit, action=rule.verdict_on(finding.measured))


def _is_japanese(record: Preference) -> bool:
    return record.lang.startswith("ja")


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
