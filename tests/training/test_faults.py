"""What goes wrong in training is said in three parts, and what was good is kept."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from prefdata.core.errors import ConfigError, IntegrityError, MissingExtra, MonitorTripped
from prefdata.training.session import EventLog, need
from tests.training import toy
from tests.training.conftest import Run


def test_a_missing_package_is_named_with_its_extra() -> None:
    with pytest.raises(MissingExtra, match=r"pip install 'prefdata\[train\]'"):
        need("no_such_package", by="train_ppo")


def test_a_torn_line_of_the_log_is_forgotten(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.jsonl")
    for step in (1, 2, 3):
        log.write(step, loss=0.5)
    with log.path.open("a") as file:
        file.write('{"step": 4, "lo')

    log.rewind(2)

    assert [event["step"] for event in log.read()] == [1, 2]


@pytest.mark.train
def test_out_of_memory_says_how_much_and_what_to_lower() -> None:
    import torch

    from prefdata.training.session import out_of_memory_explained

    with (
        pytest.raises(ConfigError, match="out of memory") as told,
        out_of_memory_explained(asked="batch_size 512", lower="train.batch_size"),
    ):
        torch.empty(10**15)

    assert "tried to allocate" in str(told.value)
    assert "batch_size 512" in str(told.value)
    assert "lower train.batch_size" in str(told.value)


@pytest.mark.train
def test_a_loss_that_is_no_number_keeps_the_weights_before_it(
    run: Run, encoder: Path, toy_release: Path, tmp_path: Path
) -> None:
    import torch

    from prefdata.training.reward_model import TrainRewardModel

    tree = {**toy.REWARD, "release": str(toy_release), "objective": "bt"}
    tree["train"] = {**tree["train"], "learning_rate": 1e30, "warmup": 0.0}

    with pytest.raises(MonitorTripped, match="no number at step"):
        run(TrainRewardModel, tree, "rm", {"base": encoder})

    (kept,) = (tmp_path / "rm" / "checkpoints" / "seed-0").glob("step-*.pt")
    state = torch.load(kept, weights_only=True)
    assert all(torch.isfinite(value).all() for value in state["model"].values())


@pytest.mark.train
def test_a_torn_checkpoint_is_named(tmp_path: Path) -> None:
    from prefdata.training.session import Checkpoints

    checkpoints = Checkpoints(tmp_path, "x")
    checkpoints.save(1, {})
    (file,) = checkpoints.files()
    file.write_bytes(file.read_bytes()[:200])

    with pytest.raises(IntegrityError, match="cannot be read"):
        checkpoints.newest()


PIPELINE = """
name: killed
as_of: {as_of}
licenses: {licenses}
stages:
  - use: train_reward_model
    id: rm
    release: {release}
    base: {{path: {base}/model}}
    objective: bt
    length: {{max: 128}}
    train: {{epochs: 30, batch_size: 8, learning_rate: 1e-3}}
    checkpoint_every: 5
"""


@pytest.mark.train
def test_a_build_that_is_stopped_or_killed_goes_on_where_it_was(
    tmp_path: Path, toy_release: Path, encoder: Path
) -> None:
    file = tmp_path / "killed.yaml"
    licenses = toy.registry(tmp_path)
    file.write_text(
        PIPELINE.format(as_of=toy.AS_OF, licenses=licenses, release=toy_release, base=encoder),
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "prefdata", "build", str(file), "--out", str(tmp_path / "out")]

    def steps() -> list[int]:
        """The numbers of the checkpoints on disk."""
        found = (tmp_path / "out").glob(".*.partial/checkpoints/seed-0/step-*.pt")
        return sorted(int(path.stem.split("-")[1]) for path in found)

    def build_until(done: Callable[[], bool], how: signal.Signals) -> int:
        with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE) as build:
            wait_for(done, build)
            os.kill(build.pid, how)
            build.communicate(timeout=120)
        return build.returncode

    assert build_until(lambda: bool(steps()), signal.SIGTERM) == 130
    reached = steps()[-1]
    assert build_until(lambda: steps()[-1] > reached, signal.SIGKILL) == -signal.SIGKILL

    (log,) = (tmp_path / "out").glob(".*.partial/members/seed-0/events.jsonl")
    EventLog(log).rewind(10**9)  # a kill may tear the last line
    logged = [event["step"] for event in EventLog(log).read()]
    assert logged == list(range(1, len(logged) + 1))  # gone on with, not begun again


def wait_for(done: Callable[[], bool], build: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while not done():
        assert build.poll() is None, build.communicate()[1].decode()
        assert time.monotonic() < deadline
        time.sleep(0.1)
