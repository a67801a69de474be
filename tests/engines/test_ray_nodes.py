"""The Ray engine on two nodes of which one is lost: two raylets on this machine."""

from __future__ import annotations

import os
import signal
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
from tests.engines.watched import Line, Watched
from tests.translate.loopback import Loopback

pytestmark = pytest.mark.ray
DISTINCT = SHARDS * 30  # ten pairs a shard: a question and two answers each
IN_FLIGHT = 4


@pytest.fixture
def cluster() -> Iterator[Any]:
    """Two nodes with room for one actor and for two; this process belongs to the first."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    import ray
    from ray.cluster_utils import Cluster

    memory = 100 * 2**20
    head = {"num_cpus": 1, "object_store_memory": memory, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    cluster.add_node(num_cpus=2, object_store_memory=memory)
    yield cluster
    ray.shutdown()
    cluster.shutdown()


def test_a_lost_node_costs_its_unfinished_shards_alone_and_nothing_that_was_durable(
    tmp_path: Path, cluster: Any
) -> None:
    [lost] = cluster.worker_nodes
    [raylet] = lost.all_processes["raylet"]
    with Loopback(slowly) as server:
        task = Watched(translation(tmp_path / "ray", server.url), tmp_path / "log")
        there: list[Line] = []

        def lose_the_second_node() -> None:
            """Wait until it has done a shard and is at two others."""
            while [line.what for line in there].count("end") < 1 or len(there) < 4:
                time.sleep(0.01)
                there[:] = [line for line in task.lines() if line.parent == raylet.process.pid]
            time.sleep(1.0)
            for pid in [raylet.process.pid, *{line.pid for line in there}]:
                os.kill(pid, signal.SIGKILL)  # a machine takes its workers along at once
            cluster.remove_node(lost, allow_graceful=False)

        killer = threading.Thread(target=lose_the_second_node, daemon=True)
        killer.start()
        engine = RayEngine(RayEngine.Config(address=cluster.address), Context())
        done = sorted(engine.map(task, range(SHARDS)))
        killer.join(60)

    assert done == list(range(SHARDS))
    unfinished = task.unfinished()
    assert {pid for pid, _ in unfinished} <= {line.pid for line in there}
    begins = Counter(line.shard for line in task.lines() if line.what == "begin")
    again = {shard for shard, times in begins.items() if times > 1}
    assert again == {shard for _, shard in unfinished} != set()
    sent_twice = sum(server.sources.values()) - DISTINCT
    assert 0 <= sent_twice <= len(again) * 2 * IN_FLIGHT  # under way, or answered a moment ago

    with Loopback() as server:
        local = translation(tmp_path / "local", server.url)
        for shard in range(SHARDS):
            local(shard)
    assert content(tmp_path / "ray" / "out") == content(tmp_path / "local" / "out")
    with open_memory(Context(cache=tmp_path / "ray" / "cache")) as memory:
        assert memory.stats()["nodes"] == DISTINCT
    assert [path.name for path in (tmp_path / "ray" / "cache").iterdir()] == ["translations.sqlite"]
