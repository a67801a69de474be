"""Thresholds on metrics: a model that misses one is kept, but the build ends with code 6."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from prefdata.core.errors import GateFailed, nearest


@dataclass(frozen=True, slots=True)
class Check:
    """One metric against its limit; a metric that is missing (None) fails."""

    metric: str
    limit: str
    value: float | None
    passed: bool


def check_all(limits: Mapping[str, str], metrics: Mapping[str, Any]) -> list[Check]:
    """Compare metrics with limits such as ``>=0.65`` or ``<= 0.1``.

    Raises:
        GateFailed: a limit names no metric.
    """
    checks = []
    for name, limit in limits.items():
        if name not in metrics:
            numbers = [k for k, v in metrics.items() if isinstance(v, (int, float))]
            raise GateFailed(f"there is no metric {name!r}", fix=nearest(name, numbers))
        checks.append(Check(name, limit, metrics[name], holds(limit, metrics[name])))
    return checks


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
