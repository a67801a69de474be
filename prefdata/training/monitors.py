"""What betrays a policy that games its reward, measured without labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from prefdata.training.thresholds import holds

# What is known of every step, and what a monitor may watch.
MEASURES = (
    *("score", "kl", "repetition", "repetition_delta", "length", "length_ratio", "distinct"),
    *("distinct_2", "eos_rate", "score_length_spearman", "lm_loss_delta"),
)

# A single batch wavers; limits are held against the mean of this many steps.
WINDOW = 5


def repeated_share(items: Sequence[Any], n: int) -> float:
    """Return the share of n-grams that have occurred before in the same text, 0.0 for none."""
    grams = [tuple(items[i : i + n]) for i in range(len(items) - n + 1)]
    return 1 - len(set(grams)) / len(grams) if grams else 0.0


def measure(
    texts: Sequence[str], tokens: Sequence[Sequence[int]], ended: Sequence[bool], n: int
) -> dict[str, float]:
    """Return what one batch of samples shows.

    `repetition` is the mean share of repeated n-grams of tokens, `distinct` the share of outputs
    that differ, `distinct_2` the share of different pairs of tokens over the batch, `length` the
    mean in tokens, `eos_rate` the share that ended by itself.
    """
    pairs = [gram for row in tokens for gram in pairwise(row)]
    return {
        "repetition": sum(repeated_share(row, n) for row in tokens) / len(tokens),
        "distinct": len(set(texts)) / len(texts),
        "distinct_2": len(set(pairs)) / len(pairs) if pairs else 0.0,
        "length": sum(map(len, tokens)) / len(tokens),
        "eos_rate": sum(ended) / len(ended),
    }


class Monitors:
    """Limits over the mean of the last steps; the first one crossed stops the run."""

    def __init__(self, limits: Mapping[str, str], history: Sequence[Mapping[str, float]]) -> None:
        self.limits = limits
        self.history = history

    def mean(self, name: str) -> float:
        """Return a value's mean over the window."""
        values = [step[name] for step in self.history]
        return sum(values) / len(values)

    def tripped(self) -> str:
        """Return which limit is crossed, in words; empty if none, or too few steps are seen."""
        if len(self.history) < WINDOW:
            return ""
        for name, limit in self.limits.items():
            if not holds(limit, self.mean(name)):
                return f"{name} is {self.mean(name):.4g} over {WINDOW} steps, wanted {limit}"
        return ""
