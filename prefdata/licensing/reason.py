"""One finding of one rule: a code, how much it weighs, and whom it concerns."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from prefdata.core.verdict import Verdict

ALLOW, REVIEW, DENY = Verdict.ALLOW, Verdict.REVIEW, Verdict.DENY


@dataclass(frozen=True, slots=True)
class Reason:
    """A code of a rule. `ALLOW` is a note. `artifacts` are the layers that it concerns.

    `is_final` marks what no human decision turns into an allow: only new evidence does.
    """

    code: str
    verdict: Verdict
    artifacts: frozenset[str] = frozenset()
    is_final: bool = False


def note(code: str, *artifacts: str) -> Reason:
    """Return a reason that changes nothing."""
    return Reason(code, ALLOW, frozenset(artifacts))


def review(code: str, *artifacts: str) -> Reason:
    """Return a reason for a person to decide."""
    return Reason(code, REVIEW, frozenset(artifacts))


def deny(code: str, *artifacts: str) -> Reason:
    """Return a reason to refuse."""
    return Reason(code, DENY, frozenset(artifacts))


def worst(reasons: Iterable[Reason]) -> Verdict:
    """Return the worst verdict; ALLOW for none."""
    return max((reason.verdict for reason in reasons), default=ALLOW)


def codes(reasons: Iterable[Reason]) -> tuple[str, ...]:
    """Return the codes, each once, the heaviest first and otherwise in the order found."""
    ordered = sorted(reasons, key=lambda reason: -reason.verdict)
    return tuple(dict.fromkeys(reason.code for reason in ordered))
