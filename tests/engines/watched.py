"""A task that writes down which process began and finished which shard."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from prefdata.core.stage import Task


class Line(NamedTuple):
    """A process began or ended a shard; `parent` is the process that started it."""

    pid: int
    shard: int
    what: str
    parent: int


@dataclass(frozen=True)
class Watched:
    """Wraps a task; its log has a line at the begin and at the end of every shard."""

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
            file.write(f"{os.getpid()} {shard} {what} {os.getppid()}\n")

    def lines(self) -> list[Line]:
        if not self.log.exists():
            return []
        rows = [line.split() for line in self.log.read_text().splitlines()]
        return [Line(int(pid), int(shard), what, int(parent)) for pid, shard, what, parent in rows]

    def unfinished(self) -> set[tuple[int, int]]:
        """What was begun and has not ended, as (pid, shard)."""
        lines = self.lines()
        ended = {(line.pid, line.shard) for line in lines if line.what == "end"}
        return {(line.pid, line.shard) for line in lines} - ended
