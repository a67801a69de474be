"""A task that writes down which process began and finished which shard."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from prefdata.core.stage import Task


@dataclass(frozen=True)
class Watched:
    """Wraps a task; the log has lines ``pid shard begin`` and ``pid shard end``."""

    task: Task
    log: Path
    cpus: float = 1.0
    gpus: float = 0.0
    parallel: bool = True

    def __call__(self, shard: int) -> int:
        self.note(shard, "begin")
        done = self.task(shard)
        self.note(shard, "end")
        return done

    def within(self, **changes: Any) -> Watched:
        return replace(self, task=self.task.within(**changes))  # type: ignore[attr-defined]

    def note(self, shard: int, what: str) -> None:
        with self.log.open("a") as file:
            file.write(f"{os.getpid()} {shard} {what}\n")

    def lines(self) -> list[tuple[int, int, str]]:
        if not self.log.exists():
            return []
        rows = [line.split() for line in self.log.read_text().splitlines()]
        return [(int(pid), int(shard), what) for pid, shard, what in rows]
