"""How far a translation is, told at most once a second to whoever listens."""

from __future__ import annotations

import os
import socket
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
        self._worker = f"{socket.gethostname()}:{os.getpid()}"

    def begin(self, records: int) -> None:
        """Count a window's records; the clock starts at the first."""
        self.started = self.started or time.monotonic()
        self.totals["begun"] += records

    def add(self, window: Window) -> None:
        """Take a finished window into the sums."""
        self.totals.update(window.counts)
        self.reasons.update(window.reasons)

    def show(self, window: Window, placed: Sequence[Placed]) -> None:
        """Report where this process stands; `prefdata.pipeline.progress` sums over all."""
        now = self.totals + window.counts
        worked = now["finished"] + now["failed"]
        done = sum(all(node in window.entries for node in place.nodes()) for place in placed)
        self.context.report(
            "progress",
            worker=self._worker,
            records=self.totals["records"] + done,
            begun=now["begun"],
            nodes=now["hits"] + worked,
            of=now["nodes"],
            hits=now["hits"],
            sent=now["sent"],
            retries=now["retries"],
            worked=worked,
            output_tokens=now["output_tokens"],
            seconds=round(time.monotonic() - self.started, 3),
            drops=dict(self.reasons + window.reasons),
        )

    def facts(self) -> dict[str, Any]:
        """Return `{nodes, hits, sent, retries, failed, output_tokens, seconds}`; empty for none."""
        if not self.totals["nodes"]:
            return {}
        names = ("nodes", "hits", "sent", "retries", "failed", "output_tokens")
        seconds = round(time.monotonic() - self.started, 1)
        return {**{name: self.totals[name] for name in names}, "seconds": seconds}
