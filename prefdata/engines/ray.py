"""A Ray cluster: every shard is the work of an actor, here or on another machine.

An actor is built once and keeps what it loaded (a tagger, a model on its GPU) from shard to
shard. If it dies, its unfinished shard is done again by another.
"""

from __future__ import annotations

import os
import queue
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

from pydantic import Field

from prefdata.config.settings import RUNTIME, Settings
from prefdata.core.errors import MissingExtra, PrefdataError, UsageError
from prefdata.core.stage import Context, Event, Task

DEATHS = 3  # actors that one shard may cost before it is taken to be the cause
MOST = 1024
LISTEN_SECONDS = 0.5


class RayEngine:
    """Runs shards on a Ray cluster; results are those of the local engine, byte for byte.

    Without an address a cluster of this machine is started for the build. Build folder
    and cache must lie where every machine sees them under the same path. A stage that needs more
    than the cluster has is refused before anything starts, and one whose workers find no room for
    `start_seconds` is ended: Ray itself would wait for ever without a word.
    """

    version = 1

    class Config(Settings):
        """Settings of the Ray engine."""

        workers: Annotated[int, RUNTIME] = Field(
            default=0, ge=0, description="actors at most; 0 is as many as the cluster has room for"
        )
        address: Annotated[str, RUNTIME] = Field(
            default="", description="of a running cluster (auto, ray://host:10001); or RAY_ADDRESS"
        )
        cpus: Annotated[int | None, RUNTIME] = Field(
            default=None, ge=1, description="CPUs of a cluster started here; default: all"
        )
        gpus: Annotated[int | None, RUNTIME] = Field(default=None, ge=0)
        resources: Annotated[dict[str, float], RUNTIME] = Field(
            default={}, description="custom resources that every actor asks for"
        )

        start_seconds: Annotated[float, RUNTIME] = Field(
            default=300.0, gt=0, description="how long the first actor may wait for room"
        )

    def __init__(self, config: Config, context: Context) -> None:
        self.config = config
        self.context = context
        self._pools: dict[tuple[float, float], _Pool] = {}

    def map(self, task: Task, shards: Sequence[int]) -> Iterator[int]:
        """Run the task over the shards and yield each as it is done."""
        if not shards:
            return
        ray = _import_ray()
        self._connect(ray)
        yield from self._run(ray, task, shards)

    def _connect(self, ray: Any) -> None:
        """Join a cluster, or start one here; it serves all steps and ends with this process."""
        if ray.is_initialized():
            return
        config = self.config
        address = config.address or os.environ.get("RAY_ADDRESS", "")
        settings: dict[str, Any] = {"log_to_driver": False, "include_dashboard": False}
        if address:
            settings = {"address": address, "log_to_driver": False}
        else:
            settings.update(address="local", num_cpus=config.cpus, num_gpus=config.gpus)
        try:
            ray.init(**settings)
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise UsageError(
                f"cannot join the Ray cluster: {error}",
                address,
                "start it with `ray start --head`, or leave the address out",
            ) from error

    def _run(self, ray: Any, task: Task, shards: Sequence[int]) -> Iterator[int]:
        room = min(self._room(ray, task), len(shards))
        pool = self._pool_for(ray, task)
        waiting = list(reversed(shards))
        deaths: Counter[int] = Counter()
        try:
            while waiting or pool.busy:
                while waiting and len(pool.busy) < room:
                    pool.start(waiting.pop())
                for shard, error in pool.wait(LISTEN_SECONDS):
                    if error is None:
                        yield shard
                        continue
                    deaths[shard] += 1
                    if deaths[shard] >= DEATHS:
                        raise _died(shard, error) from error
                    waiting.append(shard)
                pool.events.drain(self.context)
                self._check_start(ray, task, pool)
        finally:
            if pool.busy or task.gpus:  # work is broken off, or a model holds a GPU
                pool.close()
                self._pools.clear()

    def _pool_for(self, ray: Any, task: Task) -> _Pool:
        """Return the actors for tasks of these needs; steps one after the other share them."""
        needs = (task.cpus, task.gpus)
        if needs not in self._pools:
            for pool in self._pools.values():
                pool.close()
            self._pools = {needs: _Pool(ray, self._remote(ray, task))}
        self._pools[needs].take(task)
        return self._pools[needs]

    def _room(self, ray: Any, task: Task) -> int:
        """Return how many actors fit.

        Raises:
            UsageError: not even one does.
        """
        there = ray.cluster_resources()
        room = self.config.workers or MOST
        for name, amount in self._needs(task).items():
            room = min(room, int(there.get(name, 0.0) / amount))
            if room < 1:
                raise UsageError(
                    f"the Ray cluster has {there.get(name, 0.0):g} {name}; a worker of this stage"
                    f" needs {amount:g}",
                    fix="add nodes, or ask for less; or build with --engine local",
                )
        return room

    def _needs(self, task: Task) -> dict[str, float]:
        needs = {"CPU": task.cpus, "GPU": task.gpus, **self.config.resources}
        return {name: amount for name, amount in needs.items() if amount > 0}

    def _check_start(self, ray: Any, task: Task, pool: _Pool) -> None:
        """End a run whose workers find no room.

        Raises:
            UsageError: something else holds what they need.
        """
        if pool.has_run or pool.waited() < self.config.start_seconds or pool.is_ready():
            return
        free = ray.available_resources()
        needs = ", ".join(
            f"{amount:g} {name} (free: {free.get(name, 0.0):g})"
            for name, amount in self._needs(task).items()
        )
        raise UsageError(
            f"no worker could start within {self.config.start_seconds:g} s: it needs {needs}",
            fix="wait for what else runs on the cluster, add nodes, or use --engine local",
        )

    def _remote(self, ray: Any, task: Task) -> Any:
        return ray.remote(_Worker).options(
            num_cpus=task.cpus,
            num_gpus=task.gpus,
            resources=self.config.resources or None,
            max_restarts=0,
        )


class _Worker:
    """Lives in an actor: holds the task, and so what the task has loaded."""

    def __init__(self) -> None:
        self.name = ""
        self.task: Task | None = None

    def run(self, name: str, reference: list[Any], shard: int) -> int:
        """Do a shard; the task is fetched once and kept until another comes."""
        import ray

        if self.task is None or name != self.name:
            self.name, self.task = name, _named(ray, ray.get(reference[0]))
        return self.task(shard)

    def ready(self) -> None:
        """Answer once the actor lives."""


def _named(ray: Any, task: Task) -> Task:
    """Return the task under the actor's name, where others work on other machines."""
    within = getattr(task, "within", None)
    if within is None or len([node for node in ray.nodes() if node["Alive"]]) < 2:
        return task
    named: Task = within(worker=ray.get_runtime_context().get_actor_id())
    return named


class _Pool:
    """Actors, and the shard that each is at."""

    def __init__(self, ray: Any, remote: Any) -> None:
        self.ray, self.remote = ray, remote
        self.events = _Relay()
        self.idle: list[Any] = []
        self.busy: dict[Any, tuple[Any, int]] = {}
        self.has_run = False
        self._ready: list[Any] = []

    def take(self, task: Task) -> None:
        """Work on this task from now on."""
        self._reference = self.ray.put(self.events.task(task))
        self._started = time.monotonic()

    def start(self, shard: int) -> None:
        """Give a shard to an idle actor, or to a new one."""
        if self.idle:
            actor = self.idle.pop()
        else:
            actor = self.remote.remote()
            self._ready.append(actor.ready.remote())
        result = actor.run.remote(self._reference.hex(), [self._reference], shard)
        self.busy[result] = (actor, shard)

    def waited(self) -> float:
        """Return the seconds since the pool was made."""
        return time.monotonic() - self._started

    def is_ready(self) -> bool:
        """Tell whether any actor has come to life."""
        done, _ = self.ray.wait(self._ready, num_returns=1, timeout=0)
        self.has_run = self.has_run or bool(done)
        return self.has_run

    def wait(self, seconds: float) -> Iterator[tuple[int, BaseException | None]]:
        """Yield (shard, None) for each that is done, (shard, error) where its actor died.

        What a task raises itself is raised here.
        """
        from ray.exceptions import RayActorError, RayTaskError

        done, _ = self.ray.wait(list(self.busy), num_returns=1, timeout=seconds)
        for result in done:
            actor, shard = self.busy.pop(result)
            try:
                self.ray.get(result)
            except RayActorError as error:
                yield shard, error
            except RayTaskError as error:
                cause = error.cause
                raise cause if isinstance(cause, PrefdataError) else error from None
            else:
                self.has_run = True
                self.idle.append(actor)
                yield shard, None

    def close(self) -> None:
        """End all actors."""
        self.events.close()
        for actor in [*self.idle, *(actor for actor, _ in self.busy.values())]:
            self.ray.kill(actor)


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


def _died(shard: int, error: BaseException) -> PrefdataError:
    return PrefdataError(
        f"{DEATHS} workers died at shard {shard}: {str(error).splitlines()[0]}",
        fix="look at the machines' memory; the same command goes on, finished shards are kept",
    )


def _import_ray() -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError as error:
        raise MissingExtra.needed("ray", by="--engine ray", extra="ray") from error
    return ray
