"""Thresholds on metrics: a model that misses one is kept, but the build ends with code 6."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prefdata.core.errors import ConfigError, GateFailed


@dataclass(frozen=True, slots=True)
class Check:
    """One metric against its limit; a metric that is missing (None) fails."""

    metric: str
    limit: str
    value: float | None
    passed: bool


def check_all(limits: Mapping[str, str], metrics: Mapping[str, Any]) -> list[Check]:
    """Compare metrics with limits such as ``>=0.65`` or ``<= 0.1``; what is not there fails."""
    return [
        Check(name, limit, metrics.get(name), holds(limit, metrics.get(name)))
        for name, limit in limits.items()
    ]


def refuse_unknown(
    limits: Iterable[str], known: Sequence[str], step: str, *, kind: str = "metric"
) -> None:
    """Refuse limits on what is never measured, before hours are spent on the rest.

    Raises:
        ConfigError: with the nearest known name.
    """
    for name in limits:
        if name not in known:
            raise ConfigError.unknown(kind, name, known, where=step)


def holds(limit: str, value: float | None) -> bool:
    """Tell whether a value keeps a limit.

    >>> holds(">=0.5", 0.5), holds("<= 0.1", 0.2), holds(">=0", None)
    (True, False, False)
    """
    if value is None or value != value:
        return False
    bound = float(limit[2:])
    return value >= bound if limit.startswith(">=") else value <= bound


def refuse_misses(checks: list[Check], where: str) -> None:
    """Fail if a check failed; the artifact stays where it is.

    Raises:
        GateFailed: all misses at once.
    """
    missed = [c for c in checks if not c.passed]
    if missed:
        shown = "; ".join(f"{c.metric} is {_shown(c.value)}, wanted {c.limit}" for c in missed)
        raise GateFailed(shown, where, "look at its README.md; train longer, or look at the data")


def _shown(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.4g}"
