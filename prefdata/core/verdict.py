"""What the license rules say of one combination of layers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Verdict(IntEnum):
    """Order matters: a record takes the worst of its layers, so the largest wins."""

    ALLOW = 0
    REVIEW = 1
    DENY = 2

    def __str__(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict on one combination of layers under one policy, with everything it rests on.

    `reasons` are UPPER_SNAKE codes in the order found; on `allow` they are notes.
    `expression` is an SPDX expression of the record's content, empty unless it may be stated.
    `downstream_terms` are ids of model output terms that travel beside the license.
    """

    verdict: Verdict
    reasons: tuple[str, ...] = ()
    obligations: tuple[str, ...] = ()
    expression: str = ""
    downstream_terms: tuple[str, ...] = ()
    decisions: tuple[str, ...] = ()
