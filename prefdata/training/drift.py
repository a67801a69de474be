"""The stage ``preference_drift``: pairs whose preference got lost in translation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from prefdata.config.settings import Settings
from prefdata.core.finding import Drop, Finding, Outcome
from prefdata.core.records import Conversation, Preference
from prefdata.core.stage import Kind
from prefdata.training.stage import PlugIn

if TYPE_CHECKING:
    from prefdata.training.reward import RewardModel

CODE = "preference_drift"


class PreferenceDrift(PlugIn):
    """Flag or drop translated pairs that the reward model ranks right in the source language alone.

    It needs a reward model that reads both languages. Native records, and records that the model
    ranks wrong in the source language, say nothing about the translation: they pass.
    """

    name = "preference_drift"
    reads: ClassVar[Kind] = "preferences"
    writes: ClassVar[Kind] = "preferences"
    parallel: ClassVar[bool] = False

    class Config(Settings):
        """Settings of the drift check."""

        reward: str = Field(description="a reward directory; its model must read both languages")
        action: Literal["flag", "drop"] = "flag"
        least: float = Field(
            default=0.0, ge=0, description="how clear the source's preference must be, in rewards"
        )

    config: Config

    @classmethod
    def named(cls, config: Config) -> list[str]:
        """Return the reward directory."""
        return [config.reward]

    @cached_property
    def model(self) -> RewardModel:
        """Return the reward model, loaded when first used."""
        from prefdata.training.reward import RewardModel

        return RewardModel.load(self.context.path(self.config.reward))

    def __call__(self, batch: Sequence[Preference]) -> Outcome:
        """Compare the margins of best against worst in both languages."""
        translated = [record for record in batch if record.original]
        own = self.margins([(r.prompt, r.chosen, r.rejected) for r in translated])
        before = self.margins(
            [(o.prompt, o.completions[0], o.completions[-1])
             for o in (record.original for record in translated) if o]
        )  # fmt: skip
        found = {
            record.id: Finding(CODE, "pair", measured=margin, limit=0.0, action=self.config.action)
            for record, margin, source in zip(translated, own, before, strict=True)
            if source > self.config.least and margin < 0
        }
        kept, dropped = [], []
        for record in batch:
            finding = found.get(record.id)
            if finding is None:
                kept.append(record)
            elif self.config.action == "drop":
                dropped.append(Drop(record, (finding,)))
            else:
                kept.append(replace(record, findings=(*record.findings, finding)))
        return Outcome(kept, dropped)

    def margins(
        self, pairs: Sequence[tuple[Conversation, Conversation, Conversation]]
    ) -> list[float]:
        """Return the reward of the first completion less that of the second."""
        prompts = [prompt for prompt, _, _ in pairs for _ in range(2)]
        texts = [text for _, better, worse in pairs for text in (better, worse)]
        rewards = self.model.score(prompts, texts)
        return [a - b for a, b in zip(rewards[::2], rewards[1::2], strict=True)]
