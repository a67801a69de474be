"""What a rule measured, before any profile has judged it."""

from __future__ import annotations

from typing import NamedTuple


class Seen(NamedTuple):
    """One measurement: a reason code, the rule of that code (`band`), the value, what was met.

    A yes-or-no rule measures 1.0 and is left out where it does not hold.
    """

    code: str
    band: str = ""
    measured: float = 1.0
    detail: str = ""
