"""This machine: a pool of processes, or this process where a pool would not pay."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import Annotated

from pydantic import Field

from prefdata.config.settings import RUNTIME, Settings
from prefdata.core.errors import PrefdataError
from prefdata.core.stage import Context, Task

POOL_PAYS = 5.0  # seconds of work left; a worker takes one or two to start and import


class LocalEngine:
    """Runs shards in `workers` processes; results do not depend on how many.

    The first shards run in this process, until what is left would take longer than a pool takes
    to start. Workers are spawned, not forked: pyarrow and tokenizers run threads that a fork would
    lose.
    """

    version = 1

    class Config(Settings):
        """Settings of the local engine."""

        workers: Annotated[int, RUNTIME] = Field(
            default=0, ge=0, description="processes; 0 is one for each processor core"
        )

    def __init__(self, config: Config, context: Context) -> None:
        self.workers = config.workers or len(os.sched_getaffinity(0))

    def map(self, task: Task, shards: Sequence[int]) -> Iterator[int]:
        """Run the task over the shards and yield each as it is done."""
        started = time.monotonic()
        for done, shard in enumerate(shards, 1):
            yield task(shard)
            left = (time.monotonic() - started) / done * (len(shards) - done)
            if task.parallel and self.workers > 1 and left > POOL_PAYS:
                yield from self.pooled(task, shards[done:])
                return

    def pooled(self, task: Task, shards: Sequence[int]) -> Iterator[int]:
        """Run the task in a pool of processes."""
        workers = min(self.workers, len(shards))
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            futures = {pool.submit(task, shard): shard for shard in shards}
            try:
                for future in as_completed(futures):
                    yield future.result()
            except BrokenProcessPool as error:
                raise PrefdataError(
                    "a worker process was killed, perhaps for want of memory",
                    fix="run the same command again with fewer --workers; finished shards are kept",
                ) from error
            finally:
                pool.shutdown(wait=True, cancel_futures=True)
