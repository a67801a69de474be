"""What a check saw, and what a stage made of a batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from prefdata.core.records import Preference

Action: TypeAlias = Literal["drop", "flag", "repair", "none"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One measurement of one check, stored for kept records too.

    `side` is ``prompt``, ``chosen``, ``rejected``, ``completion_<n>`` (rankings) or ``pair``;
    `turn` counts messages within that side from 0 (-1: the side as a whole). `measured` and
    `limit` are in the check's own unit; None where there is nothing to measure. `band` names
    the row of a table of limits (``81+`` English words). `action` is what the profile made of it;
    ``none`` is a measurement that crossed no limit, kept so that limits can be moved afterwards.
    """

    code: str
    side: str
    turn: int = -1
    measured: float | None = None
    limit: float | None = None
    band: str = ""
    action: Action = "drop"
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Drop:
    """A record that leaves, and why; the first finding is the root cause."""

    record: Preference
    findings: tuple[Finding, ...]

    @property
    def reasons(self) -> tuple[str, ...]:
        """Return the codes that drop, each once, root cause first."""
        return tuple(dict.fromkeys(f.code for f in self.findings if f.action == "drop"))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a stage made of one batch: in = kept + dropped."""

    kept: Sequence[Preference]
    dropped: Sequence[Drop]


@dataclass(frozen=True, slots=True)
class Skip:
    """A source row that yields no record, and why.

    `reason` is a ``source_*`` code. `bad` says that the row is broken, rather than left out on
    purpose; bad rows count against `max_bad_rows`. `row` is the source's key or line of the row.
    """

    row: str
    reason: str
    detail: str = ""
    bad: bool = False
