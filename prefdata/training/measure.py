"""A reward directory measured on a release with other weights: for soups."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from prefdata.core.errors import InputError
from prefdata.training import network
from prefdata.training.data import SPLITS, Comparison, comparisons_of, refuse_leaks
from prefdata.training.examples import encode_all
from prefdata.training.metrics import report
from prefdata.training.plots import draw
from prefdata.training.reward import RewardConfig, RewardModel
from prefdata.training.reward_training import Splits, judge, judged
from prefdata.training.settings import Length


class Measured:
    """One model whose weights are exchanged, and the splits it is measured on.

    Raises:
        InputError: the release has neither validation nor test rows.
    """

    def __init__(self, member: Path, release: Path, lang: str) -> None:
        self.loaded = RewardModel.load(member)
        view = "pairs" if (release / "pairs").is_dir() else "rankings"
        splits: dict[str, list[Comparison]] = {
            s: comparisons_of(release, s, view=view, lang=lang) for s in SPLITS
        }
        refuse_leaks(splits)
        if not splits["validation"] and not splits["test"]:
            raise InputError("the release has no rows to measure with", str(release))
        length = Length(max=self.loaded.config.max_length)
        encoded = {
            s: encode_all(self.loaded.encoder, splits[s], length) for s in ("validation", "test")
        }
        self.splits = Splits(
            [],
            encoded["validation"][0] or encoded["test"][0],
            encoded["test"][0],
            {name: counts for name, (_, counts) in encoded.items()},
        )

    def validation_accuracy(self, weights: dict[str, Any]) -> float:
        """Return the share of validation pairs that these weights get right."""
        self.load(weights)
        pad = self.loaded.tokenizer.pad_token_id
        found = judged(self.loaded.model, self.splits.validation, pad, self.loaded.config)
        return float(report(found)["pairwise_acc"] or 0.0)

    def load(self, weights: dict[str, Any]) -> None:
        """Put weights into the model."""
        self.loaded.model.load_state_dict(weights, strict=False)

    def write(self, weights: dict[str, Any], config: RewardConfig, out: Path) -> dict[str, Any]:
        """Write a reward directory of these weights and return its metrics."""
        self.load(weights)
        model, tokenizer = self.loaded.model, self.loaded.tokenizer
        network.save_model(model, tokenizer, out / "model")
        digest = network.tokenizer_digest(out / "model")
        config, metrics = judge(
            self.splits, model, tokenizer, replace(config, tokenizer_sha256=digest)
        )
        pad = tokenizer.pad_token_id
        held_out = self.splits.test or self.splits.validation
        draw(judged(model, held_out, pad, config), config.temperature, out / "plots")
        config.write(out)
        return metrics
