"""RRHF, DPO and KTO move a policy towards what people ranked higher."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from prefdata.publish.views import UNPAIRED
from tests.training import toy
from tests.training.conftest import Run

pytestmark = pytest.mark.train

FAST = {"epochs": 2, "batch_size": 16, "learning_rate": 1e-3}


def rankings(tmp_path: Path, rows: list[dict[str, Any]]) -> Path:
    return toy.release(tmp_path / "release", rankings={"train": rows[:300], "test": rows[300:]})


def test_rrhf_teaches_the_policy_to_rank(run: Run, tmp_path: Path, policy: Path) -> None:
    from prefdata.training.rrhf import TrainRRHF

    release = rankings(tmp_path, toy.rankings(360, seed=41))
    folder = run(TrainRRHF, {"release": str(release), "train": FAST}, "rrhf", {"policy": policy})

    found = toy.metrics(folder)
    assert found["before"]["spearman"] <= 0.15
    assert found["spearman"] >= 0.5
    assert found["pairwise_acc"] >= 0.7


def test_rrhf_on_shuffled_ranks_teaches_nothing(run: Run, tmp_path: Path, policy: Path) -> None:
    from prefdata.training.rrhf import TrainRRHF

    rng, rows = random.Random(1), toy.rankings(360, seed=41)
    for row in rows[:300]:
        ranks = [1, 2, 3, 4]
        rng.shuffle(ranks)
        for completion, rank in zip(row["completions"], ranks, strict=True):
            completion["rank"] = rank
    folder = run(
        TrainRRHF,
        {"release": str(rankings(tmp_path, rows)), "train": FAST},
        "rrhf",
        {"policy": policy},
    )

    assert toy.metrics(folder)["spearman"] <= 0.2


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    rows = toy.pairs(64, seed=51)
    release = toy.release(tmp_path / "release", pairs={"train": rows})
    unpaired = [
        {**row, "completion": row[side], "label": side == "chosen", "pair_id": row["id"]}
        for side in ("chosen", "rejected")
        for row in rows
    ]
    (release / "unpaired").mkdir()
    table = pa.Table.from_pylist(unpaired, schema=UNPAIRED)
    pq.write_table(table, release / "unpaired" / "train-00000-of-00001.parquet")
    return release


@pytest.mark.parametrize("name", ["TrainDPO", "TrainKTO"])
def test_trl_trains_on_a_release_as_it_is(run: Run, pairs: Path, policy: Path, name: str) -> None:
    pytest.importorskip("trl")
    from prefdata.training import preference_tuning

    stage = getattr(preference_tuning, name)
    settings = {"release": str(pairs), "train": {**FAST, "epochs": 1}}
    folder = run(stage, settings, name, {"policy": policy})

    assert toy.metrics(folder)["train_loss"] > 0
    before = (policy / "model" / "model.safetensors").read_bytes()
    assert (folder / "model" / "model.safetensors").read_bytes() != before
    assert "train_" in (folder / "README.md").read_text(encoding="utf-8")
