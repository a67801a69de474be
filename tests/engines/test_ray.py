"""The Ray engine on a cluster of this machine."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from prefdata.core.errors import PrefdataError, UsageError
from prefdata.core.stage import Context, Event
from prefdata.engines.ray import RayEngine
from prefdata.pipeline.build import build_pipeline
from prefdata.pipeline.task import StageTask, Work
from prefdata.store.arrow import encode
from prefdata.store.shards import shard_name, write_shard
from prefdata.translate.fake import invented
from tests.engines.watched import Watched
from tests.translate.loopback import Loopback, Say
from tests.translate.records import record

pytestmark = pytest.mark.ray
SHARDS = 6


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    """One cluster of four logical CPUs for all tests."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    import ray

    ray.init(address="local", num_cpus=4, include_dashboard=False, log_to_driver=False,
             object_store_memory=100 * 2**20)  # fmt: skip
    yield
    ray.shutdown()


def engine(listen: Any = None, **settings: Any) -> RayEngine:
    context = Context(listen=listen) if listen else Context()
    return RayEngine(RayEngine.Config(**settings), context)


def translation(folder: Path, url: str) -> StageTask:
    """Six shards of ten pairs, to be translated through a server."""
    inputs = []
    for shard in range(SHARDS):
        pairs = [
            record(
                f"{shard}-{n}", [f"Question {n} of shard {shard}?"], "A good answer.", "A poor one."
            )
            for n in range(10)
        ]
        inputs.append(folder / "in" / shard_name(shard))
        write_shard(inputs[-1], encode(pairs))
    translator = {"use": "server", "model": "m", "base_url": url, "concurrency": 4}
    work = Work("stages", "translate", json.dumps({"translator": translator}),
                Context(cache=folder / "cache", step="translate"))  # fmt: skip
    return StageTask(work, tuple(inputs), folder / "out", 1.0, 0.0, parallel=False)


def slowly(number: int, source: str, body: dict[str, Any]) -> Say:
    return Say(invented(source), wait=0.2)


def content(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_two_actors_translate_and_the_shard_of_a_killed_one_alone_is_done_again(
    tmp_path: Path,
) -> None:
    with Loopback(slowly) as server:
        task = Watched(translation(tmp_path / "ray", server.url), tmp_path / "log")
        killed: list[int] = []

        def kill_the_second() -> None:
            while not killed:
                pids = dict.fromkeys(line.pid for line in task.lines())
                if len(pids) >= 2:
                    time.sleep(0.3)
                    killed.append(list(pids)[1])
                    os.kill(killed[0], signal.SIGKILL)
                time.sleep(0.01)

        killer = threading.Thread(target=kill_the_second, daemon=True)
        killer.start()
        done = sorted(engine(workers=2).map(task, range(SHARDS)))
        killer.join(60)

    assert done == list(range(SHARDS))
    assert len({line.pid for line in task.lines() if line.what == "end"}) >= 2
    [(pid, lost)] = task.unfinished()
    assert pid == killed[0]
    begins = Counter(line.shard for line in task.lines() if line.what == "begin")
    assert [shard for shard, times in begins.items() if times > 1] == [lost]

    with Loopback() as server:
        local = translation(tmp_path / "local", server.url)
        for shard in range(SHARDS):
            local(shard)
    assert content(tmp_path / "ray" / "out") == content(tmp_path / "local" / "out")


def test_a_build_on_ray_gives_the_bytes_of_a_local_one(tmp_path: Path) -> None:
    built = {
        name: build_pipeline(
            "quickstart", engine=name, out=tmp_path / name, cache=tmp_path / f"{name}-cache"
        )
        for name in ("local", "ray")
    }

    excepted = {"manifest.json", "SHA256SUMS", "report.html", "audit.html"}
    local, ray = (
        {name: data for name, data in content(tmp_path / engine_name / "release").items()
         if Path(name).name not in excepted}
        for engine_name in built
    )  # fmt: skip
    assert local == ray
    assert local


def test_a_pipelines_own_settings_of_ray_are_used(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has 0 gpu_box; a worker of this stage needs 2"):
        build_pipeline(
            "quickstart",
            out=tmp_path / "out",
            cache=tmp_path / "cache",
            overrides=["engine={use: ray, resources: {gpu_box: 2}}"],
        )


def test_events_of_actors_reach_the_listener(tmp_path: Path) -> None:
    seen: list[Event] = []
    with Loopback(slowly) as server:
        task = translation(tmp_path, server.url)
        list(engine(seen.append, workers=2).map(task, range(SHARDS)))

    assert any(event.kind == "progress" and event.data["nodes"] for event in seen)


def test_more_than_the_cluster_has_is_refused_at_once(tmp_path: Path) -> None:
    task = Watched(Never(), tmp_path / "log", cpus=64.0)

    with pytest.raises(UsageError, match="has 4 CPU; a worker of this stage needs 64"):
        list(engine().map(task, [0]))


def test_a_cluster_full_of_other_work_is_told_and_not_waited_for_without_end(
    tmp_path: Path,
) -> None:
    import ray

    @ray.remote(num_cpus=4)
    class Greedy:
        def ready(self) -> bool:
            return True

    greedy = Greedy.remote()
    ray.get(greedy.ready.remote())
    try:
        with pytest.raises(UsageError, match="no worker could start") as caught:
            list(engine(start_seconds=1.5).map(Watched(Never(), tmp_path / "log"), [0]))
        assert "1 CPU (free: 0)" in caught.value.what
    finally:
        ray.kill(greedy)


def test_what_a_task_raises_arrives_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(PrefdataError, match="not today") as caught:
        list(engine().map(Watched(Never(), tmp_path / "log"), [0]))

    assert caught.value.fix == "try tomorrow"


def test_a_shard_that_kills_every_worker_ends_the_run(tmp_path: Path) -> None:
    with pytest.raises(PrefdataError, match="3 workers died at shard 0"):
        list(engine().map(Watched(Deadly(), tmp_path / "log"), [0]))


class Never:
    """A task that fails."""

    cpus, gpus, parallel = 1.0, 0.0, True

    def __call__(self, shard: int) -> int:
        raise PrefdataError("not today", "here", "try tomorrow")

    def within(self, **changes: Any) -> Never:
        return self


class Deadly:
    """A task that kills its process."""

    cpus, gpus, parallel = 1.0, 0.0, True

    def __call__(self, shard: int) -> int:
        os.kill(os.getpid(), signal.SIGKILL)
        return shard

    def within(self, **changes: Any) -> Deadly:
        return self
