"""Several processes share the work, and what goes wrong in one is told as if there were one."""

from __future__ import annotations

from pathlib import Path

import pytest

from prefdata.core.errors import InputError
from tests.training import toy
from tests.training.conftest import Run
from tests.training.test_ppo import settings as ppo_settings

pytestmark = pytest.mark.train


def test_two_processes_train_a_policy(
    run: Run, toy_release: Path, policy: Path, reward: Path
) -> None:
    from prefdata.training.ppo import TrainPPO

    tree = ppo_settings(toy_release, ppo={"steps": 3, "minibatch": 16}, ptx={"coef": 0.1})
    folder = run(TrainPPO, {**tree, "processes": 2}, "ppo", {"policy": policy, "reward": reward})

    events = toy.events(folder)
    assert len(events) == 3
    assert events[0]["kl"] == 0.0
    assert events[-1]["kl"] > 0.0
    assert not (folder / "launch.json").exists()


def test_an_error_in_a_process_is_told_in_its_own_words(
    run: Run, toy_release: Path, tmp_path: Path
) -> None:
    from prefdata.training.reward_model import TrainRewardModel

    tree = {
        **toy.REWARD,
        "release": str(toy_release),
        "processes": 2,
        "base": {"path": str(tmp_path), "artifact": "retrieva-jp/bert-1.3b"},
    }

    with pytest.raises(InputError, match="cannot load the model"):
        run(TrainRewardModel, tree)
