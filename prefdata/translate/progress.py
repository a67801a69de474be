"""How far a translation is, told at most once a second to whoever listens."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from prefdata.core.stage import Context
from prefdata.translate.tree import Placed
from prefdata.translate.work import Window


class Progress:
    """Sums over all windows of a stage; `totals` are counts of nodes, requests and tokens."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.totals: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        self.started = 0.0

    def begin(self) -> None:
        """Start the clock at the first window."""
        self.started = self.started or time.monotonic()

    def add(self, window: Window) -> None:
        """Take a finished window into the sums."""
        self.totals.update(window.counts)
        self.reasons.update(window.reasons)

    def show(self, window: Window, placed: Sequence[Placed]) -> None:
        """Report where a window under way stands."""
        now = self.totals + window.counts
        seconds = max(time.monotonic() - self.started, 1e-6)
        worked = now["finished"] + now["failed"]
        left = window.counts["nodes"] - len(window.entries)
        done = sum(all(node in window.entries for node in place.nodes()) for place in placed)
        self.context.report(
            "progress",
            records=self.totals["records"] + done,
            nodes=now["hits"] + worked,
            of=now["nodes"],
            hits=now["hits"],
            sent=now["sent"],
            retries=now["retries"],
            tokens_per_second=round(now["output_tokens"] / seconds, 1),
            seconds_left=round(left / worked * seconds) if worked else None,
            drops=dict(self.reasons + window.reasons),
        )

    def facts(self) -> dict[str, Any]:
        """Return `{nodes, hits, sent, retries, failed, output_tokens, seconds}`; empty for none."""
        if not self.totals["nodes"]:
            return {}
        names = ("nodes", "hits", "sent", "retries", "failed", "output_tokens")
        seconds = round(time.monotonic() - self.started, 1)
        return {**{name: self.totals[name] for name in names}, "seconds": seconds}
