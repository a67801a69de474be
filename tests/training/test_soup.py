"""Soups: averages of models of one start, and of nothing else."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from prefdata.core.errors import ConfigError
from tests.training import toy
from tests.training.conftest import Run, run_stage

pytestmark = pytest.mark.train


@pytest.fixture(scope="module")
def noisy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pairs of which three in ten are labeled the wrong way round, to learn from."""
    rows = toy.pairs(700, seed=31, noise=0.3)
    clean = toy.pairs(450, seed=32, start=9000)
    return toy.release(
        tmp_path_factory.mktemp("noisy") / "release",
        pairs={"train": rows, "validation": clean[:150], "test": clean[150:]},
    )


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory, noisy: Path, encoder: Path) -> Path:
    from prefdata.training.reward_model import TrainRewardModel

    out = tmp_path_factory.mktemp("members") / "members"
    settings = {**toy.REWARD, "release": str(noisy), "objective": "bt", "seeds": [0, 1, 2, 3]}
    return run_stage(TrainRewardModel, settings, out, {"base": encoder})


@pytest.mark.parametrize("method", ["uniform", "greedy"])
def test_an_average_of_noisy_members_is_better_than_their_mean(
    run: Run, noisy: Path, members: Path, method: str
) -> None:
    from prefdata.training.soup import Soup

    folder = run(Soup, {"release": str(noisy), "method": method}, method, {"members": members})

    found = toy.metrics(folder)
    accuracies = list(found["members"].values())
    assert len(accuracies) == 4
    assert found["pairwise_acc"] >= sum(accuracies) / 4
    assert (folder / "reward_config.json").is_file()


def test_the_best_member_is_the_models_own(members: Path) -> None:
    found = toy.metrics(members)
    best = members / "members" / found["best_member"] / "model" / "model.safetensors"

    assert (members / "model" / "model.safetensors").read_bytes() == best.read_bytes()


def test_a_soup_of_copies_is_the_copy_bit_by_bit(
    run: Run, noisy: Path, members: Path, tmp_path: Path
) -> None:
    from prefdata.training.soup import Soup

    one = members / "members" / "seed-0"
    shutil.copytree(one, tmp_path / "copy")

    settings = {"release": str(noisy), "folders": [str(one), str(tmp_path / "copy")]}
    folder = run(Soup, settings)

    name = "model/model.safetensors"
    assert (folder / name).read_bytes() == (one / name).read_bytes()


@pytest.mark.parametrize("what", ["base_digest", "tokenizer_sha256", "input_template"])
def test_members_of_another_start_are_refused(
    run: Run, noisy: Path, members: Path, tmp_path: Path, what: str
) -> None:
    from prefdata.training.reward import RewardConfig
    from prefdata.training.soup import Soup, refuse_strangers

    one, other = members / "members" / "seed-0", tmp_path / "other"
    shutil.copytree(members / "members" / "seed-1", other)
    config = json.loads((other / "reward_config.json").read_text())
    if what == "base_digest":
        config[what] = "0" * 64
        (other / "reward_config.json").write_text(json.dumps(config))
        with pytest.raises(ConfigError, match="differ in base_digest"):
            run(Soup, {"release": str(noisy), "folders": [str(one), str(other)]})
        return
    first = RewardConfig.read(one)
    changed = replace(first, **{what: "x"})
    with pytest.raises(ConfigError, match=f"differ in {what}"):
        refuse_strangers([one, other], [first, changed])


def test_one_member_is_no_soup(run: Run, noisy: Path, reward: Path, tmp_path: Path) -> None:
    from prefdata.training.soup import Soup

    single = tmp_path / "single"
    shutil.copytree(reward / "members" / "seed-0", single)
    with pytest.raises(ConfigError, match="at least two"):
        run(Soup, {"release": str(noisy), "folders": [str(single)]})
