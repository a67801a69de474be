"""The reward that a policy is trained against: one model or several, normalized and clipped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field

from prefdata.config.settings import Settings
from prefdata.core.records import Conversation, Message
from prefdata.training.monitors import repeated_share
from prefdata.training.reward import RewardModel


class RewardSettings(Settings):
    """How the rewards of several models become one number.

    ``min`` is the worst case, ``mean_minus_var`` the mean less `penalty` times the variance
    (Coste et al. 2023). ``reference`` subtracts the mean and divides by the deviation of the
    reference policy's own samples. `repetition` is taken off for each whole share of repeats.
    """

    folders: tuple[str, ...] = Field(default=(), description="reward directories beside inputs")
    combine: Literal["mean", "min", "mean_minus_var"] = "mean"
    penalty: float = Field(default=0.5, ge=0)
    normalize: Literal["reference", "none"] = "reference"
    clip: float = Field(default=5.0, ge=0, description="0: not clipped")
    repetition: float = Field(default=0.0, ge=0)
    sign: Literal[1, -1] = Field(default=1, description="-1 turns the reward round: a falsifier")


@dataclass(frozen=True)
class Scale:
    """Mean and deviation of the reference policy's rewards."""

    mean: float = 0.0
    std: float = 1.0


class CombinedReward:
    """Prompts and texts in, one number each out; raw for reports, shaped for training."""

    def __init__(self, folders: Sequence[Path], settings: RewardSettings, device: str) -> None:
        self.models = [RewardModel.load(folder, device) for folder in folders]
        self.settings = settings

    def raw(self, prompts: Sequence[Conversation], texts: Sequence[str]) -> list[float]:
        """Return the combined rewards as they are."""
        completions = [(Message("assistant", text),) for text in texts]
        columns = [model.score(prompts, completions) for model in self.models]
        return [combine(row, self.settings) for row in zip(*columns, strict=True)]

    def shaped(
        self, raw: Sequence[float], tokens: Sequence[Sequence[int]], scale: Scale
    ) -> list[float]:
        """Return what the policy is trained on."""
        own = self.settings
        shaped = []
        for value, ids in zip(raw, tokens, strict=True):
            if own.normalize == "reference":
                value = (value - scale.mean) / max(scale.std, 1e-6)
            value *= own.sign
            if own.clip:
                value = max(-own.clip, min(own.clip, value))
            shaped.append(value - own.repetition * repeated_share(ids, 1))
        return shaped


def combine(rewards: Sequence[float], settings: RewardSettings) -> float:
    """Return one number from the members' rewards of one text.

    >>> combine([1.0, 3.0], RewardSettings(combine="mean_minus_var", penalty=0.5))
    1.5
    """
    mean = sum(rewards) / len(rewards)
    if settings.combine == "min":
        return min(rewards)
    if settings.combine == "mean_minus_var":
        return mean - settings.penalty * sum((r - mean) ** 2 for r in rewards) / len(rewards)
    return mean
