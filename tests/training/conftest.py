"""Models that the tests build themselves, once a session, with the project's own stages."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from prefdata.core.stage import Context
from prefdata.store.dataset import Dataset
from tests.training import toy

Run = Callable[..., Path]


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """One torch thread: same numbers everywhere, and the machine stays free."""
    os.environ.update(TOKENIZERS_PARALLELISM="false", HF_HUB_OFFLINE="1", OMP_NUM_THREADS="1")
    try:
        import torch
    except ImportError:
        yield
        return
    torch.set_num_threads(1)
    yield


def context_for(out: Path, **changes: Any) -> Context:
    """The context of a step in a folder: its name is the key, its registry knows the toy world."""
    licenses = toy.registry(out.parent)
    return Context(
        step=out.name, key=f"key-{out.name}", licenses=licenses, as_of=toy.AS_OF, **changes
    )


def run_stage(
    stage: Any,
    settings: Mapping[str, Any],
    out: Path,
    inputs: Mapping[str, Path] | None = None,
    seed: int = 0,
) -> Path:
    """Run a stage as a pipeline would, into `out`."""
    config = stage.Config.from_tree(dict(settings))
    out.mkdir(parents=True, exist_ok=True)
    context = context_for(out, seed=seed)
    if hasattr(stage, "plan"):
        stage.plan(config, context)
    stage(config, context).run({k: Dataset(v) for k, v in (inputs or {}).items()}, out)
    return out


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """``run(Stage, settings, name, inputs)`` runs a stage in a folder of its own."""

    def run_named(
        stage: Any,
        settings: Mapping[str, Any],
        name: str = "step",
        inputs: Mapping[str, Path] | None = None,
        seed: int = 0,
    ) -> Path:
        return run_stage(stage, settings, tmp_path / name, inputs, seed)

    return run_named


@pytest.fixture(scope="session")
def toy_release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """1,500 pairs to train on, 200 and 400 to measure with."""
    rows = toy.pairs(2100, seed=1)
    return toy.release(
        tmp_path_factory.mktemp("toy") / "release",
        pairs={"train": rows[:1500], "validation": rows[1500:1700], "test": rows[1700:]},
    )


@pytest.fixture(scope="session")
def encoder(tmp_path_factory: pytest.TempPathFactory, toy_release: Path) -> Path:
    """A BERT of two layers with random weights, and its tokenizer."""
    from prefdata.training.tiny_model import TinyModel

    settings = {"kind": "encoder", "release": str(toy_release), "positions": 160}
    return run_stage(TinyModel, settings, tmp_path_factory.mktemp("models") / "encoder")


@pytest.fixture(scope="session")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Llama of two layers that has learned to write the world's texts, rude ones above all."""
    from prefdata.training.tiny_model import TinyModel

    folder = tmp_path_factory.mktemp("policy")
    rows = toy.pairs(1500, seed=3, noise=0.68)
    release = toy.release(folder / "release", pairs={"train": rows})
    train = {"epochs": 8, "batch_size": 32, "learning_rate": 2e-3}
    settings = {"kind": "decoder", "release": str(release), "positions": 160, "train": train}
    return run_stage(TinyModel, settings, folder / "policy")


@pytest.fixture(scope="session")
def reward(tmp_path_factory: pytest.TempPathFactory, toy_release: Path, encoder: Path) -> Path:
    """A reward model of the toy world: 0.97 of pairs right."""
    from prefdata.training.reward_model import TrainRewardModel

    out = tmp_path_factory.mktemp("models") / "reward"
    settings = {**toy.REWARD, "release": str(toy_release), "objective": "bt"}
    return run_stage(TrainRewardModel, settings, out, {"base": encoder})
