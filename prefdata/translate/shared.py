"""The memory that several workers share: one file on one machine, one file each on a cluster.

SQLite must not be written from several machines over a network file system. So a worker whose
cluster may have other machines writes ``translations.<worker>.sqlite`` and only reads the common
file. Whoever opens the memory next takes such files in as soon as their worker has ended: so a
shard that was lost with its machine starts from what had been translated there.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from prefdata.core.stage import Context
from prefdata.translate.entry import Entry, Maker
from prefdata.translate.memory import Memory, memory_file


@contextmanager
def open_memory(context: Context) -> Iterator[Memory]:
    """Open the memory that a component in this process is to use."""
    if context.worker:
        lock = _lock(context.cache, context.worker, wait=True)
        with lock, WorkerMemory(context.cache, context.worker) as memory:
            absorb(memory, context.cache)
            yield memory
        return
    with Memory(memory_file(context.cache)) as memory:
        absorb(memory, context.cache)
        yield memory


class WorkerMemory(Memory):
    """A worker's own file before the common one, which nobody writes meanwhile."""

    def __init__(self, folder: Path, worker: str) -> None:
        super().__init__(memory_file(folder, worker))
        common = memory_file(folder)
        self.common = Memory(common, frozen=True) if common.is_file() else None

    def look_up(self, keys: Sequence[bytes], maker: Maker | None) -> dict[bytes, Entry]:
        """Return what either file knows; a person's word, which is common, wins."""
        found = super().look_up(keys, maker)
        if self.common is None:
            return found
        fingerprint = maker.fingerprint if maker else ""
        known = next((m for m in self.common.makers() if m.fingerprint == fingerprint), None)
        return {**found, **self.common.look_up(keys, known)}

    def people(self) -> str:
        """Return a digest of all that persons have corrected; empty if none has."""
        return self.common.people() if self.common else ""

    def close(self) -> None:
        """Close both files."""
        if self.common:
            self.common.close()
        super().close()


def absorb(memory: Memory, folder: Path) -> int:
    """Take in the files of workers that have ended and remove them; return how many."""
    taken = 0
    for path in sorted(folder.glob(memory_file(Path(), "*").name)):
        worker = path.name.split(".")[1]
        with _lock(folder, worker, wait=False) as is_ours:
            if not is_ours:
                continue
            if path.is_file():
                memory.take_in(path)
                taken += 1
            # The journal goes before its database: alone, it would spoil the next of that name.
            for left in sorted(folder.glob(f"{path.name}*"), reverse=True):
                left.unlink()
            _lock_file(folder, worker).unlink()
    return taken


def _lock_file(folder: Path, worker: str) -> Path:
    return folder / f".{worker}.lock"


@contextmanager
def _lock(folder: Path, worker: str, *, wait: bool) -> Iterator[bool]:
    """Hold a worker's file; without `wait`, yield False if its worker lives."""
    folder.mkdir(parents=True, exist_ok=True)
    path = _lock_file(folder, worker)
    while True:
        with path.open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                yield False
                return
            if _is_at(path, file):
                yield True
                return


def _is_at(path: Path, file: IO[str]) -> bool:
    """Tell whether an open file is still the one of that name: `absorb` may have removed it."""
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False
