"""The progress of a step, put together from all that work on it: sums, speed, time left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from prefdata.core.stage import Event

SUMS = ("records", "begun", "nodes", "of", "hits", "sent", "retries", "worked", "output_tokens")


class Together:
    """A listener before another: what workers report each for itself goes on as one.

    A translation on a cluster has many workers, and each knows only the window that it is at; the
    records of the whole step are told at its start.
    """

    def __init__(self, listen: Callable[[Event], None]) -> None:
        self.listen = listen
        self._records: int | None = None
        self._workers: dict[str, Mapping[str, Any]] = {}

    def __call__(self, event: Event) -> None:
        """Pass an event on; one of a worker together with the latest of the others."""
        if event.kind == "start":
            self._records = event.data.get("records")
            self._workers.clear()
        if event.kind == "progress" and "worker" in event.data:
            self._workers[event.data["worker"]] = event.data
            event = replace(event, data=together(list(self._workers.values()), self._records))
        self.listen(event)


def together(workers: list[Mapping[str, Any]], records: int | None) -> dict[str, Any]:
    """Return `{records, records_of, share, nodes, …, drops}` of all workers of a step.

    `share` is that of the nodes which are done, between 0 and 1: those of windows that nobody has
    begun are reckoned at the mean of the others. `seconds_left` is None before anything is done.
    """
    sums = {name: sum(worker[name] for worker in workers) for name in SUMS}
    seconds = max(max(worker["seconds"] for worker in workers), 1e-6)
    begun, worked = sums.pop("begun"), sums.pop("worked")
    total = max(records or 0, begun)
    nodes = sums["of"] * total / max(begun, 1)
    left = nodes - sums["nodes"]
    drops: Counter[str] = Counter()
    for worker in workers:
        drops.update(worker["drops"])
    return {
        **sums,
        "records_of": total,
        "share": round(sums["nodes"] / nodes, 4) if nodes else 1.0,
        "tokens_per_second": round(sums["output_tokens"] / seconds, 1),
        "seconds_left": round(left * seconds / worked) if worked else None,
        "drops": dict(drops.most_common()),
    }
