"""What Ray costs on one machine: the quick start through both engines, and the start of a cluster.

Run in the environment that `.ci/env-vllm` builds.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from measure import write_results

from prefdata.core.errors import PrefdataError
from prefdata.pipeline.build import build_pipeline

pytestmark = pytest.mark.benchmark


def seconds(engine: str, folder: Path) -> float:
    """Seconds of one build by the clock."""
    start = time.perf_counter()
    build_pipeline("quickstart", engine=engine, out=folder / "out", cache=folder / "cache")
    return time.perf_counter() - start


def test_ray_beside_local(tmp_path: Path) -> None:
    ray = pytest.importorskip("ray")
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    seconds("local", tmp_path / "warm")  # the dictionary is in the page cache from here on
    local = seconds("local", tmp_path / "local")
    start = time.perf_counter()
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False)
    init = time.perf_counter() - start
    own = seconds("ray", tmp_path / "ray")
    ray.shutdown()
    names = {
        path.relative_to(tmp_path / "local" / "out").as_posix(): path.read_bytes()
        for path in (tmp_path / "local" / "out").glob("*/part-*.parquet")
    }
    for name, data in names.items():
        if (tmp_path / "ray" / "out" / name).read_bytes() != data:
            raise PrefdataError(f"{name} differs")
    write_results(
        "ray-engine",
        [
            ("quick start, local engine: seconds", f"{local:.1f}", ""),
            ("start of a cluster on this machine: seconds", f"{init:.1f}", ""),
            ("quick start, Ray engine, cluster running: seconds", f"{own:.1f}", ""),
            ("shards that differ", "0", "0"),
        ],
        packages=["ray"],
        note="By the clock, on a shared machine. Most of Ray's share is starting two actors.",
    )
