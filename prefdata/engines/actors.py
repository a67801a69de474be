"""The actors of a Ray cluster that do shards, and the road of their events to this process."""

from __future__ import annotations

import queue
import time
from collections.abc import Iterator
from typing import Any

from prefdata.core.errors import PrefdataError
from prefdata.core.stage import Context, Event, Task

DEATHS = 3  # actors that one shard may cost, or that may die at their start, before a run ends


class Pool:
    """Actors: those that Ray has still to find room for, those at a shard, and the rest.

    A shard is given to an actor that lives, never to one that waits for room: after the loss of a
    machine there may be none for it.
    """

    def __init__(self, ray: Any, remote: Any, *, alone: bool) -> None:
        self.ray, self.remote, self.alone = ray, remote, alone
        self.events = _Relay()
        self.idle: list[Any] = []
        self.busy: dict[Any, tuple[Any, int]] = {}
        self._asked: dict[Any, tuple[Any, bool]] = {}  # a sign of life: (actor, whether it is new)
        self._failed_starts = 0

    def take(self, task: Task) -> None:
        """Work on this task from now on."""
        self._reference = self.ray.put(self.events.task(task))
        self._last_alive = time.monotonic()

    def grow(self, size: int) -> None:
        """Ask the cluster for actors up to so many."""
        for _ in range(size - len(self.idle) - len(self.busy) - len(self._asked)):
            self._ask(self.remote.remote(alone=self.alone), is_new=True)

    def _ask(self, actor: Any, *, is_new: bool) -> None:
        self._asked[actor.ready.remote()] = (actor, is_new)

    def give(self, shard: int) -> None:
        """Give a shard to an idle actor."""
        actor = self.idle.pop()
        result = actor.run.remote(self._reference.hex(), [self._reference], shard)
        self.busy[result] = (actor, shard)

    def seconds_without_actor(self) -> float:
        """Return for how long none has lived."""
        return time.monotonic() - self._last_alive

    def wait(self, seconds: float) -> Iterator[tuple[int, BaseException | None]]:
        """Yield (shard, None) for each that is done, (shard, error) where its actor was lost.

        What a task raises itself is raised here.
        """
        done, _ = self.ray.wait([*self.busy, *self._asked], num_returns=1, timeout=seconds)
        for result in done:
            error = self._error(result)
            if result in self._asked:
                self._note_life(*self._asked.pop(result), error)
                continue
            actor, shard = self.busy.pop(result)
            if error is None:
                self.idle.append(actor)
            else:
                self._doubt_idle()
            yield shard, error
        if self.idle or self.busy:
            self._last_alive = time.monotonic()

    def _error(self, result: Any) -> BaseException | None:
        """Return why a result will never come: its actor, machine or connection is lost."""
        from ray.exceptions import RayError, RayTaskError

        try:
            self.ray.get(result)
        except RayTaskError as error:
            cause = error.cause
            raise cause if isinstance(cause, PrefdataError) else error from None
        except RayError as error:
            lost: BaseException = error
            return lost
        return None

    def _note_life(self, actor: Any, is_new: bool, error: BaseException | None) -> None:
        if error is None:
            self.idle.append(actor)
            self._failed_starts = 0
        elif is_new:
            self._failed_starts += 1
            if self._failed_starts >= DEATHS:
                raise died("before their first shard", error) from error

    def _doubt_idle(self) -> None:
        """Ask idle actors for a sign of life: one lost machine may have had several."""
        while self.idle:
            self._ask(self.idle.pop(), is_new=False)

    def close(self) -> None:
        """End all actors."""
        self.events.close()
        busy = (actor for actor, _ in self.busy.values())
        for actor in [*self.idle, *busy, *(actor for actor, _ in self._asked.values())]:
            self.ray.kill(actor)


def died(where: str, error: BaseException) -> PrefdataError:
    """Return the error that ends a run which loses one worker after the other."""
    return PrefdataError(
        f"{DEATHS} workers died {where}: {str(error).splitlines()[0]}",
        fix="look at the machines' memory; the same command goes on, finished shards are kept",
    )


class Worker:
    """Lives in an actor: holds the task, and so what the task has loaded.

    Where other machines may take part, now or later, a worker is told its name: it must not write
    where others write.
    """

    def __init__(self, *, alone: bool) -> None:
        self.alone = alone
        self.name = ""
        self.task: Task | None = None

    def run(self, name: str, reference: list[Any], shard: int) -> int:
        """Do a shard; the task is fetched once and kept until another comes."""
        import ray

        if self.task is None or name != self.name:
            self.name, task = name, ray.get(reference[0])
            if not self.alone and hasattr(task, "within"):
                task = task.within(worker=ray.get_runtime_context().get_actor_id())
            self.task = task
        return self.task(shard)

    def ready(self) -> None:
        """Answer once the actor lives."""


class _Relay:
    """Brings the events of actors to whoever listens here."""

    def __init__(self) -> None:
        import ray
        from ray.util.queue import Queue
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        # Beside this process: the loss of another machine must not take it along.
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        options = {"num_cpus": 0, "scheduling_strategy": here}
        self.queue = Queue(maxsize=10_000, actor_options=options)

    def task(self, task: Task) -> Task:
        """Return the task with its listener replaced by one that reaches across processes."""
        within = getattr(task, "within", None)
        return within(listen=_Send(self.queue)) if within else task

    def drain(self, context: Context) -> None:
        """Pass on what has come in; what was lost with a machine is no reason to stop."""
        from ray.exceptions import RayError

        try:
            waiting = self.queue.qsize()
            events: list[Event] = self.queue.get_nowait_batch(waiting) if waiting else []
        except RayError:
            return
        for event in events:
            context.listen(event)

    def close(self) -> None:
        self.queue.shutdown(force=True)


class _Send:
    """A listener that can be pickled; it never blocks and never fails the work it reports on."""

    def __init__(self, sink: Any) -> None:
        self.sink = sink

    def __call__(self, event: Event) -> None:
        from ray.exceptions import RayError

        try:
            self.sink.put_nowait(event)
        except (queue.Full, RayError):
            return
