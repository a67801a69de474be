"""A model on every worker: two Ray actors, each with its own vLLM engine (on CPU)."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from prefdata.core.stage import Context
from prefdata.engines.ray import RayEngine
from prefdata.pipeline.task import StageTask, Work
from prefdata.store.arrow import encode
from prefdata.store.shards import shard_name, write_shard
from tests.engines.watched import Watched
from tests.translate.records import record
from tests.translate.tiny_model import build_short_prompt, build_tiny_model

pytestmark = pytest.mark.vllm
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
    "HF_HUB_OFFLINE": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
}


@pytest.fixture
def cluster() -> Iterator[None]:
    """Two logical CPUs, and workers that see the environment of the engine."""
    import ray

    os.environ.update(ENVIRONMENT)
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False,
             object_store_memory=100 * 2**20, runtime_env={"env_vars": ENVIRONMENT})  # fmt: skip
    yield
    ray.shutdown()


def task(folder: Path, model: Path, prompt: Path) -> StageTask:
    """Two shards of three pairs."""
    inputs = []
    for shard in range(2):
        pairs = [
            record(
                f"{shard}-{n}", [f"Question {n} of shard {shard}?"], "A good one.", "A poor one."
            )
            for n in range(3)
        ]
        inputs.append(folder / "in" / shard_name(shard))
        write_shard(inputs[-1], encode(pairs))
    translator = {
        "use": "vllm", "model": str(model), "prompt": str(prompt), "artifact": "test/tiny",
        "dtype": "float32", "max_model_len": 512, "kv_cache_memory_bytes": 128 << 20,
        "enforce_eager": True, "gpus": 0,
    }  # fmt: skip
    settings = {"translator": translator, "checks": False, "attempts": 1}
    work = Work("stages", "translate", json.dumps(settings), Context(cache=folder / "cache"))
    return StageTask(work, tuple(inputs), folder / "out", 1.0, 0.0, parallel=False)


def test_two_actors_with_a_model_each_give_the_bytes_of_one_process(
    tmp_path: Path, cluster: None
) -> None:
    model = build_tiny_model(tmp_path / "model", positions=512)
    prompt = build_short_prompt(tmp_path / "prompt")
    watched = Watched(task(tmp_path / "ray", model, prompt), tmp_path / "log")

    assert sorted(RayEngine(RayEngine.Config(), Context()).map(watched, range(2))) == [0, 1]
    assert len({line.pid for line in watched.lines()} - {os.getpid()}) == 2

    local = task(tmp_path / "local", model, prompt)
    for shard in range(2):
        local(shard)
    for shard in range(2):
        name = shard_name(shard)
        for part in (Path(name), Path("dropped") / name):
            assert (tmp_path / "ray" / "out" / part).read_bytes() == (
                tmp_path / "local" / "out" / part
            ).read_bytes()
