"""Several processes share the work, and what goes wrong in one is told as if there were one."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from threading import Thread

import pytest

from prefdata.core.errors import InputError, Interrupted
from tests.training import toy
from tests.training.conftest import Run
from tests.training.test_ppo import settings as ppo_settings

pytestmark = pytest.mark.train


def test_two_processes_train_a_policy_stop_when_asked_and_go_on(
    run: Run, toy_release: Path, policy: Path, reward: Path, tmp_path: Path
) -> None:
    from prefdata.training.ppo import TrainPPO

    log = tmp_path / "ppo" / "events.jsonl"
    tree = ppo_settings(toy_release, ppo={"steps": 24, "minibatch": 16}, ptx={"coef": 0.1})

    def train() -> Path:
        inputs = {"policy": policy, "reward": reward}
        return run(TrainPPO, {**tree, "processes": 2}, "ppo", inputs)

    def stop_early() -> None:
        while not (log.is_file() and log.stat().st_size):
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGTERM)

    Thread(target=stop_early, daemon=True).start()
    with pytest.raises(Interrupted, match="stopped after step"):
        train()
    stopped = len(toy.lines(log))
    folder = train()

    events = toy.events(folder)
    assert 1 <= stopped < 24
    assert [event["step"] for event in events] == list(range(1, 25))
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
