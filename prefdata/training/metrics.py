"""What a reward model's card reports, from the rewards of single rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import TypeAlias

    import numpy as np
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]

# The numbers of a reward model that a threshold can be set on.
NUMBERS = (
    *("n", "pairwise_acc", "pairwise_acc_low", "pairwise_acc_high", "acc_at_0", "auc"),
    *("precision", "recall", "f1", "ece", "ece_after_temperature", "temperature", "brier"),
    *("acc_chosen_longer", "acc_chosen_shorter", "reward_length_spearman"),
    *("reward_mean", "reward_std", "best_of_k_acc", "kendall_tau", "prompt_blind_acc"),
    *("validation_pairwise_acc", "val_test_gap", "n_truncated", "n_dropped"),
)
BINS = 10
RESAMPLES = 1000


@dataclass(frozen=True)
class Judged:
    """Pairs with their rewards; all lists are as long as there are pairs.

    `prompt` numbers the prompt that a pair belongs to; lengths count characters.
    """

    chosen: list[float] = field(default_factory=list)
    rejected: list[float] = field(default_factory=list)
    chosen_length: list[int] = field(default_factory=list)
    rejected_length: list[int] = field(default_factory=list)
    prompt: list[int] = field(default_factory=list)
    source: list[str] = field(default_factory=list)
    lang: list[str] = field(default_factory=list)
    origin: list[str] = field(default_factory=list)


def report(judged: Judged, *, temperature: float = 1.0, seed: int = 0) -> dict[str, Any]:
    """Return the metrics, pairwise accuracy first; a share of nothing is None.

    A tie counts as half right. `ece` and `brier` speak of P(chosen > rejected) =
    sigmoid(difference), `ece_after_temperature` of the difference divided by the temperature.
    `acc_at_0`, `auc` and `f1` treat chosen as 1 and rejected as 0, each text alone: "chosen" is
    relative, so even a perfect ranker stays below 1 there.
    """
    import numpy as np

    chosen, rejected = np.asarray(judged.chosen, float), np.asarray(judged.rejected, float)
    right = _right(chosen, rejected)
    longer = np.sign(np.asarray(judged.chosen_length) - np.asarray(judged.rejected_length))
    low, high = bootstrap(right, np.asarray(judged.prompt), seed)
    difference = chosen - rejected
    found: dict[str, Any] = {
        "n": len(right),
        "pairwise_acc": _mean(right),
        "pairwise_acc_low": low,
        "pairwise_acc_high": high,
        **_pointwise(chosen, rejected),
        "ece": calibration_error(difference),
        "ece_after_temperature": calibration_error(difference / temperature),
        "temperature": temperature,
        "brier": _mean((1 - _sigmoid(difference)) ** 2),
        "acc_chosen_longer": _mean(right[longer > 0]),
        "acc_chosen_shorter": _mean(right[longer < 0]),
        "reward_length_spearman": spearman(
            np.concatenate([chosen, rejected]),
            np.concatenate([judged.chosen_length, judged.rejected_length]),
        ),
        "reward_mean": _mean(np.concatenate([chosen, rejected])),
        "reward_std": _std(np.concatenate([chosen, rejected])),
        "per_source": _by(judged.source, right),
        "per_lang": _by(judged.lang, right),
        "per_origin": _by(judged.origin, right),
        "margin_histogram": _histogram(difference),
    }
    return found


def fit_temperature(chosen: Sequence[float], rejected: Sequence[float]) -> float:
    """Return the scalar that makes sigmoid(difference / temperature) most likely.

    A golden-section search over its logarithm, between 0.01 and 100: the likelihood has one peak.
    """
    import numpy as np

    difference = np.asarray(chosen, float) - np.asarray(rejected, float)
    if not len(difference):
        return 1.0

    def loss(log: float) -> float:
        return float(np.logaddexp(0.0, -difference / math.exp(log)).mean())

    low, high, ratio = math.log(0.01), math.log(100.0), (math.sqrt(5) - 1) / 2
    for _ in range(60):
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        low, high = (low, right) if loss(left) < loss(right) else (left, high)
    return math.exp((low + high) / 2)


def calibration_error(difference: Floats) -> float | None:
    """Return the expected calibration error of sigmoid(difference), 10 bins of confidence.

    Confidence is the probability of the side that is preferred, so it lies between 0.5 and 1.
    """
    rows = reliability(difference)
    total = sum(n for _, _, n in rows)
    return sum(abs(said - was) * n for said, was, n in rows) / total if total else None


def reliability(difference: Floats) -> list[tuple[float, float, int]]:
    """Return (mean confidence, accuracy, pairs) of each filled bin."""
    import numpy as np

    confidence = _sigmoid(np.abs(difference))
    right = _right(difference, np.zeros_like(difference))
    bins = np.minimum(((confidence - 0.5) * 2 * BINS).astype(int), BINS - 1)
    rows = []
    for n in range(BINS):
        inside = bins == n
        if inside.any():
            rows.append(
                (float(confidence[inside].mean()), float(right[inside].mean()), int(inside.sum()))
            )
    return rows


def bootstrap(right: Floats, prompt: Any, seed: int) -> tuple[float | None, float | None]:
    """Return the 95 % interval of the mean, drawing whole prompts with replacement."""
    import numpy as np

    if not len(right):
        return None, None
    _, index = np.unique(prompt, return_inverse=True)
    hits, sizes = np.bincount(index, right), np.bincount(index)
    draws = np.random.default_rng(seed).integers(0, len(sizes), (RESAMPLES, len(sizes)))
    means = hits[draws].sum(1) / sizes[draws].sum(1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def auc(positive: Floats, negative: Floats) -> float | None:
    """Return the chance that a positive has a higher reward than a negative; ties count half."""
    import numpy as np

    if not len(positive) or not len(negative):
        return None
    ranks = _ranks(np.concatenate([positive, negative]))[: len(positive)]
    n, m = len(positive), len(negative)
    return float((ranks.sum() - n * (n + 1) / 2) / (n * m))


def spearman(left: Floats, right: Any) -> float | None:
    """Return the rank correlation, None where one side is constant."""
    import numpy as np

    if len(left) < 2 or np.ptp(left) == 0 or np.ptp(right) == 0:
        return None
    return float(
        np.corrcoef(_ranks(np.asarray(left, float)), _ranks(np.asarray(right, float)))[0, 1]
    )


def _pointwise(chosen: Floats, rejected: Floats) -> dict[str, float | None]:
    hits, false = float((chosen > 0).sum()), float((rejected > 0).sum())
    n, m = len(chosen), len(rejected)
    return {
        "acc_at_0": (hits + m - false) / (n + m) if n + m else None,
        "auc": auc(chosen, rejected),
        "precision": hits / (hits + false) if hits + false else None,
        "recall": hits / n if n else None,
        "f1": 2 * hits / (hits + false + n) if n else None,
    }


def _by(names: Sequence[str], right: Floats) -> dict[str, dict[str, Any]]:
    import numpy as np

    column = np.asarray(names)
    return {
        str(name): {"n": int((column == name).sum()), "pairwise_acc": _mean(right[column == name])}
        for name in sorted(set(names))
    }


def _histogram(values: Floats) -> dict[str, list[float]]:
    """Return the counts of 20 bins of equal width, and their 21 edges."""
    import numpy as np

    counts, edges = np.histogram(values, bins=20)
    return {"counts": counts.tolist(), "edges": edges.tolist()}


def _right(chosen: Floats, rejected: Floats) -> Floats:
    right: Floats = (chosen > rejected) + 0.5 * (chosen == rejected)
    return right


def _ranks(values: Floats) -> Floats:
    import numpy as np

    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    ranks: Floats = (ends - (counts - 1) / 2)[inverse]
    return ranks


def _sigmoid(x: Floats) -> Floats:
    import numpy as np

    result: Floats = 0.5 * (1 + np.tanh(x / 2))
    return result


def _mean(values: Floats) -> float | None:
    return float(values.mean()) if len(values) else None


def _std(values: Floats) -> float | None:
    return float(values.std()) if len(values) else None
