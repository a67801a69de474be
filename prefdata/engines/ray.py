"""A Ray cluster: every shard is the work of an actor, here or on another machine.

An actor is built once and keeps what it loaded (a tagger, a model on its GPU) from shard to
shard. If it dies, alone or with its machine, its unfinished shard is done again by another.

Why actors of our own and not `ray.data.llm`: it maps fixed batches through an engine, and knows
neither requests that become ready when others are answered (a turn after its parent) nor answers
that are durable as they finish; its shards carry random names, so that a build could not promise
its bytes; and it ties a version of Ray to a few versions of vLLM.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

from pydantic import Field

from prefdata.config.settings import RUNTIME, Settings
from prefdata.core.errors import MissingExtra, UsageError
from prefdata.core.stage import Context, Task
from prefdata.engines.actors import DEATHS, Pool, Worker, died

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
            default=300.0, gt=0, description="how long a run may be without any actor"
        )

    def __init__(self, config: Config, context: Context) -> None:
        self.config = config
        self.context = context
        self._pools: dict[tuple[float, float], Pool] = {}
        self._alone = False  # whether the cluster is this machine for sure, to the end

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
            self._alone = True
        try:
            ray.init(**settings)
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise UsageError(
                f"cannot join the Ray cluster: {error}",
                address,
                "start it with `ray start --head`, or leave the address out",
            ) from error

    def _run(self, ray: Any, task: Task, shards: Sequence[int]) -> Iterator[int]:
        room = self._room(ray, task)
        pool = self._pool_for(ray, task)
        waiting = list(reversed(shards))
        deaths: Counter[int] = Counter()
        try:
            while waiting or pool.busy:
                pool.grow(min(room, len(waiting) + len(pool.busy)))
                while waiting and pool.idle:
                    pool.give(waiting.pop())
                for shard, error in pool.wait(LISTEN_SECONDS):
                    if error is None:
                        yield shard
                        continue
                    deaths[shard] += 1
                    if deaths[shard] >= DEATHS:
                        raise died(f"at shard {shard}", error) from error
                    waiting.append(shard)
                pool.events.drain(self.context)
                self._check_room(ray, task, pool)
        finally:
            if pool.busy or task.gpus:  # work is broken off, or a model holds a GPU
                pool.close()
                self._pools.clear()

    def _pool_for(self, ray: Any, task: Task) -> Pool:
        """Return the actors for tasks of these needs; steps one after the other share them."""
        needs = (task.cpus, task.gpus)
        if needs not in self._pools:
            for pool in self._pools.values():
                pool.close()
            self._pools = {needs: Pool(ray, self._remote(ray, task), alone=self._alone)}
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

    def _check_room(self, ray: Any, task: Task, pool: Pool) -> None:
        """End a run whose workers find no room, at its start or after the loss of machines.

        Raises:
            UsageError: something else holds what they need, or it is gone.
        """
        if pool.seconds_without_actor() < self.config.start_seconds:
            return
        free = ray.available_resources()
        needs = ", ".join(
            f"{amount:g} {name} (free: {free.get(name, 0.0):g})"
            for name, amount in self._needs(task).items()
        )
        raise UsageError(
            f"no worker could start within {self.config.start_seconds:g} s: it needs {needs}",
            fix="wait for what else runs on the cluster, add nodes, or use --engine local;"
            " finished shards are kept",
        )

    def _remote(self, ray: Any, task: Task) -> Any:
        return ray.remote(Worker).options(
            num_cpus=task.cpus,
            num_gpus=task.gpus,
            resources=self.config.resources or None,
            max_restarts=0,
        )


def _import_ray() -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError as error:
        raise MissingExtra.needed("ray", by="--engine ray", extra="ray") from error
    return ray
