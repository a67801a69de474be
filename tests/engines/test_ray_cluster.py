"""Two nodes, one of which is lost in the middle of the work."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from prefdata.core.stage import Context
from prefdata.engines.ray import RayEngine
from prefdata.translate.shared import open_memory
from tests.engines.test_ray import SHARDS, content, slowly, translation
from tests.engines.watched import Watched
from tests.translate.loopback import Loopback

pytestmark = pytest.mark.ray


OWN = "PREFDATA_TEST_OWN_PROCESS"


def test_in_a_process_of_its_own() -> None:
    """A process that has left one cluster cannot make another of several nodes."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-m",
        "ray",
        __file__,
    ]
    done = subprocess.run(
        [*command, "-k", "lost_node"],
        env={**os.environ, OWN: "1"}, capture_output=True, text=True, timeout=400, check=False,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]


@pytest.fixture
def nodes() -> Iterator[tuple[Any, Any]]:
    """A cluster of a head without room for work and two nodes with one CPU each; the second one."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    import ray
    from ray.cluster_utils import Cluster

    if ray.is_initialized():
        ray.shutdown()
    memory = 100 * 2**20
    cluster = Cluster(
        initialize_head=True, head_node_args={"num_cpus": 0, "object_store_memory": memory}
    )
    cluster.add_node(num_cpus=1, object_store_memory=memory)
    second = cluster.add_node(num_cpus=1, object_store_memory=memory)
    cluster.wait_for_nodes()
    ray.init(address=cluster.address, log_to_driver=False)
    yield cluster, second
    ray.shutdown()
    cluster.shutdown()


@pytest.mark.skipif(OWN not in os.environ, reason="runs through test_in_a_process_of_its_own")
def test_a_lost_node_costs_its_unfinished_shard_and_no_finished_translation(
    tmp_path: Path, nodes: tuple[Any, Any]
) -> None:
    cluster, second = nodes
    with Loopback(slowly) as server:
        task = Watched(translation(tmp_path / "ray", server.url), tmp_path / "log")

        def lose_a_node() -> None:
            while len({pid for pid, _, _ in task.lines()}) < 2:
                time.sleep(0.05)
            time.sleep(0.4)
            cluster.remove_node(second, allow_graceful=False)

        loser = threading.Thread(target=lose_a_node, daemon=True)
        loser.start()
        engine = RayEngine(RayEngine.Config(), Context())
        done = sorted(engine.map(task, range(SHARDS)))
        loser.join(60)

    assert done == list(range(SHARDS))
    lines = task.lines()
    finished = {(pid, shard) for pid, shard, what in lines if what == "end"}
    begins = Counter(shard for _, shard, what in lines if what == "begin")
    again = {shard for shard, times in begins.items() if times > 1}
    assert again == {
        shard for pid, shard, what in lines if what == "begin" and (pid, shard) not in finished
    }
    assert len(again) <= 1

    context = Context(cache=tmp_path / "ray" / "cache")
    with open_memory(context) as memory:
        assert memory.stats()["nodes"] == SHARDS * 30
    assert [p.name for p in context.cache.glob("*.sqlite")] == ["translations.sqlite"]

    with Loopback() as server:
        local = translation(tmp_path / "local", server.url)
        for shard in range(SHARDS):
            local(shard)
    assert content(tmp_path / "ray" / "out") == content(tmp_path / "local" / "out")
