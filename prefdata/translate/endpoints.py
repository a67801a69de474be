"""Several servers behind one translator: how much each may have in flight, and which is next."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

START = 16  # requests in flight at a server before anything is known of it
BACKOFF_FIRST = 0.25
BACKOFF_MOST = 20.0
TOLERATED = 3  # failures running, other than overload, before a server is left alone for a while


@dataclass(slots=True)
class Endpoint:
    """One server: `limit` grows with each success and is halved when it is overrun.

    Growth doubles until the first sign of overload and is one a round after it, as in TCP.
    """

    url: str
    most: int
    limit: float = START
    in_flight: int = 0
    paused_until: float = 0.0
    overrun: bool = False
    failures: int = 0
    _failed_at: float = -1.0

    def __post_init__(self) -> None:
        self.limit = float(min(START, self.most))

    def has_room(self, now: float) -> bool:
        """Tell whether it may be sent a request now."""
        return self.in_flight < int(self.limit) and now >= self.paused_until

    def succeeded(self) -> None:
        """Note an answer."""
        self.failures = 0
        grown = self.limit + (1 / self.limit if self.overrun else 1)
        self.limit = min(float(self.most), grown)

    def failed(self, now: float, sent: float, wait: float | None, *, overrun: bool) -> None:
        """Note a failure of a request that was sent at `sent`.

        `overrun` says that the server has too much to do. What was in flight together counts once.
        """
        if sent < self._failed_at:
            return
        self._failed_at = now
        self.failures += 1
        if overrun or wait is not None or self.failures > TOLERATED:
            pause = wait if wait is not None else backoff(self.failures)
            self.paused_until = max(self.paused_until, now + pause)
        if overrun:
            self.limit = max(1.0, self.limit / 2)
            self.overrun = True


def choose(endpoints: Sequence[Endpoint], now: float) -> Endpoint | None:
    """Return the server with the most room, None if all are full or paused."""
    free = [endpoint for endpoint in endpoints if endpoint.has_room(now)]
    return min(free, key=lambda e: e.in_flight / e.limit, default=None)


def backoff(failures: int) -> float:
    """Return seconds to wait after so many failures running: doubling, with a quarter of chance."""
    wait: float = min(BACKOFF_MOST, BACKOFF_FIRST * 2 ** min(failures - 1, 10))
    return wait * random.uniform(0.75, 1.25)
