"""The main road over real rows: hh-rlhf through a server, and with ready translations."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from running import prefdata

from tests.translate.loopback import Loopback

COMMIT = "354e5c3cb8960630860dd5774a6ac2a58313bf4d"


def from_file(path: Path) -> list[str]:
    """Return the settings that read a local copy of the upstream commit."""
    rows = ("path", path), ("revision", COMMIT), ("split", "test")
    return [word for key, value in rows for word in ("--set", f"sources.hh_rlhf.{key}={value}")]


def rows_of(release: Path, view: str) -> list[dict[str, object]]:
    shards = sorted(release.glob(f"{view}/*.parquet"))
    return [row for shard in shards for row in pq.read_table(shard).to_pylist()]


@pytest.mark.slow
def test_all_real_rows_reach_a_release_through_a_server(
    tmp_path: Path, root: Path, shared_data: Path
) -> None:
    rows = shared_data / "hh-rlhf" / "harmless-base.test.rows-0000-1799.jsonl.gz"
    with Loopback(keep_bodies=False) as server:
        done = prefdata(
            "build",
            root / "pipelines" / "hh_rlhf.yaml",
            *from_file(rows),
            "--set",
            f"stages.translate.translator.base_url={server.url}",
            "--json",
            cwd=tmp_path,
        )

    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    steps = {step["id"]: step for step in found["steps"]}
    assert steps["hh_rlhf"]["in"] == 1800
    for step in steps.values():
        if step["id"] != "relabel":
            assert step["in"] == step["kept"] + step["dropped"]
    assert steps["license_gate"]["dropped"] == 0
    pairs = rows_of(tmp_path / found["release"], "pairs")
    assert pairs
    assert {row["license"] for row in pairs} == {"MIT"}
    lineage = pq.read_table(tmp_path / found["release"] / "audit" / "lineage.parquet").to_pylist()
    told = json.loads((tmp_path / found["release"] / "manifest.json").read_bytes())["translator"]
    assert {row["prompt"] for row in lineage} == {told["prompts"]["hh"]["digest"]}
    assert all(row["decoding_sha256"] and row["translation"] for row in lineage)


def test_real_rows_with_their_translations_become_a_japanese_release(
    tmp_path: Path, root: Path, shared_data: Path
) -> None:
    data = shared_data / "hh-rlhf-ja"
    pairs = data / "hh-rlhf.harmless-base.test.sample.jsonl"
    spec = importlib.util.spec_from_file_location("convert", root / "data/quickstart/convert.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.convert(pairs, data / "translations.jsonl", tmp_path / "memory.jsonl")

    done = prefdata(
        "build",
        root / "pipelines" / "hh_rlhf.yaml",
        *from_file(pairs),
        "--set",
        f"stages.translate.translator={{use: memory, path: {tmp_path / 'memory.jsonl'}}}",
        "--set",
        "stages.license_gate.policy=quickstart",
        "--json",
        cwd=tmp_path,
    )

    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    steps = {step["id"]: step for step in found["steps"]}
    assert steps["translate"]["dropped"] == 0
    assert steps["filter"]["kept"] >= 60  # faithful translations; two rows' tasks are English ones
    release = tmp_path / found["release"]
    labels = rows_of(release, "labels")
    assert len(labels) == 2 * len(rows_of(release, "pairs"))
    assert sum(row["label"] for row in labels) * 2 == len(labels)  # type: ignore[misc]  # 0 or 1
    assert {shard.name.split("-")[0] for shard in release.glob("pairs/*")} == {"test"}
