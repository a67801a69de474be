"""PPO climbs the reward, is held by the penalty, is caught when it cheats, and can be killed."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from prefdata.core.errors import ConfigError, Interrupted, MonitorTripped
from prefdata.core.stage import Event
from prefdata.store.dataset import Dataset
from tests.training import toy
from tests.training.conftest import Run, context_for, run_stage

pytestmark = pytest.mark.train

STEPS = {
    "steps": 40,
    "rollout": 32,
    "minibatch": 32,
    "epochs": 2,
    "learning_rate": 1e-3,
    "critic_learning_rate": 3e-3,
}
SETTINGS: dict[str, Any] = {
    "reward": {"normalize": "none", "clip": 0.0},
    "kl": {"coef": 0.05, "stop": 0.0},
    "generate": {"max_new_tokens": 16},
    "repetition_n": 1,
    "monitors": {},
    "ppo": STEPS,
    "samples_every": 1,
}


def settings(release: Path, **changes: Mapping[str, Any] | Any) -> dict[str, Any]:
    tree = {**SETTINGS, "release": str(release)}
    for key, value in changes.items():
        tree[key] = {**tree.get(key, {}), **value} if isinstance(value, Mapping) else value
    return tree


def last(folder: Path, name: str, steps: int = 10) -> float:
    """The mean of a measure over the last steps."""
    values = [event[name] for event in toy.events(folder)[-steps:]]
    return sum(values) / len(values)


def true_reward(folder: Path, steps: int = 10) -> float:
    """The hidden reward of the last samples."""
    samples = toy.lines(folder / "samples.jsonl")[-4 * steps :]
    return sum(toy.strict_truth(row["text"]) for row in samples) / len(samples)


@pytest.fixture(scope="session")
def models(policy: Path, reward: Path) -> dict[str, Path]:
    return {"policy": policy, "reward": reward}


@pytest.fixture(scope="session")
def trained(
    tmp_path_factory: pytest.TempPathFactory, toy_release: Path, models: dict[str, Path]
) -> Path:
    """Forty steps with a KL penalty of 0.05, under a monitor that must stay silent."""
    from prefdata.training.ppo import TrainPPO

    tree = settings(toy_release, monitors={"repetition": "<=0.25"})
    return run_stage(TrainPPO, tree, tmp_path_factory.mktemp("ppo") / "trained", models)


def train(
    run: Run,
    release: Path,
    models: Mapping[str, Path],
    name: str = "ppo",
    seed: int = 0,
    **changes: Any,
) -> Path:
    from prefdata.training.ppo import TrainPPO

    return run(TrainPPO, settings(release, **changes), name, models, seed)


def test_the_policy_climbs_the_reward_and_the_truth_behind_it(trained: Path) -> None:
    before = toy.metrics(trained)["before"]

    assert toy.events(trained)[0]["kl"] == 0.0  # nothing has moved yet
    assert last(trained, "score") >= before["score"] + 2.5
    assert true_reward(trained) > 0.5
    assert 0.5 < last(trained, "kl") <= 8
    for name in ("model/model.safetensors", "samples.jsonl", "manifest.json", "README.md"):
        assert (trained / name).is_file()


def test_a_reward_turned_round_is_climbed_downwards(
    run: Run, toy_release: Path, models: dict[str, Path]
) -> None:
    folder = train(run, toy_release, models, reward={"sign": -1}, ppo={"steps": 20})

    assert last(folder, "score", 5) < toy.metrics(folder)["before"]["score"] - 1


def test_without_the_penalty_the_policy_cheats_and_its_repetitions_betray_it(
    run: Run, toy_release: Path, models: dict[str, Path], trained: Path, tmp_path: Path
) -> None:
    """Chance has a part in how it cheats: two of three seeds must."""
    cheats = 0
    for seed in (0, 1, 2):
        watched = {"monitors": {"repetition": "<=0.25"}, "on_trip": "go_on", "ppo": {"steps": 60}}
        try:
            train(run, toy_release, models, f"free-{seed}", seed, kl={"coef": 0.0}, **watched)
            stopped_by = ""
        except MonitorTripped as error:
            stopped_by = error.what
        free = tmp_path / f"free-{seed}"
        cheats += (
            last(free, "kl") >= 12
            and last(free, "score") >= last(trained, "score")
            and true_reward(free) <= true_reward(trained) - 0.8
            and last(free, "repetition") >= 0.25
            and stopped_by.startswith("repetition is")
        )
        if cheats == 2:
            break

    assert cheats >= 2
    assert last(trained, "repetition") < 0.25  # and its monitor, the same, was silent


def test_a_monitor_stops_the_run_and_keeps_the_best(
    run: Run, toy_release: Path, models: dict[str, Path], tmp_path: Path
) -> None:
    with pytest.raises(MonitorTripped, match="kl is") as stopped:
        train(
            run,
            toy_release,
            models,
            "watched",
            kl={"coef": 0.0, "stop": 8.0},
            ppo={"steps": 60},
            keep_best_every=1,
        )

    found = toy.metrics(tmp_path / "watched")
    assert found["stopped_by"].startswith("kl is")
    assert found["step_of_model"] < found["steps"] < 60
    assert (tmp_path / "watched" / "model" / "model.safetensors").is_file()
    assert "best policy" in str(stopped.value)


def test_an_adaptive_penalty_keeps_the_kl_near_its_target(
    run: Run, toy_release: Path, models: dict[str, Path]
) -> None:
    """Chance has a part in it: two of three seeds must."""
    adaptive, near = {"mode": "adaptive", "target": 6.0, "horizon": 300}, 0
    for seed in (0, 1, 2):
        folder = train(run, toy_release, models, f"adaptive-{seed}", seed, kl=adaptive)
        assert toy.events(folder)[-1]["kl_coef"] != 0.05
        near += 3.5 <= last(folder, "kl") <= 9
        if near == 2:
            break

    assert near >= 2


def test_replay_holds_back_forgetting(
    run: Run, toy_release: Path, models: dict[str, Path], trained: Path
) -> None:
    folder = train(run, toy_release, models, ptx={"coef": 0.1})

    assert last(folder, "lm_loss_delta") <= 0.75 * last(trained, "lm_loss_delta")
    assert last(folder, "score") >= 2.6


@pytest.mark.parametrize("changes", [{}, {"lora": {"rank": 8}}, {"critic": "separate"}])
def test_a_killed_run_goes_on_to_the_same_weights(
    run: Run, toy_release: Path, models: dict[str, Path], tmp_path: Path, changes: dict[str, Any]
) -> None:
    from prefdata.training.ppo import TrainPPO

    few = {**changes, "ppo": {"steps": 6}, "ptx": {"coef": 0.1}, "checkpoint_every": 4}
    whole = train(run, toy_release, models, "whole", **few)

    def listen(event: Event) -> None:
        if event.data.get("step") == 3:
            os.kill(os.getpid(), signal.SIGTERM)

    out = tmp_path / "killed" / "whole"
    out.mkdir(parents=True)
    config = TrainPPO.Config.from_tree(settings(toy_release, **few))
    with pytest.raises(Interrupted, match="after step 3"):
        TrainPPO(config, context_for(out, listen=listen)).run(
            {k: Dataset(v) for k, v in models.items()}, out
        )
    resumed = train(run, toy_release, models, "killed/whole", **few)

    name = "model/model.safetensors"
    assert (resumed / name).read_bytes() == (whole / name).read_bytes()
    for log in ("events.jsonl", "samples.jsonl"):
        assert (resumed / log).read_bytes() == (whole / log).read_bytes()


def test_an_adapter_is_held_against_its_own_base(
    run: Run, toy_release: Path, models: dict[str, Path]
) -> None:
    import torch
    from peft import PeftModel
    from safetensors.torch import load_file
    from transformers import AutoModelForCausalLM

    before = load_file(models["policy"] / "model" / "model.safetensors")
    folder = train(run, toy_release, models, lora={"rank": 8}, ppo={"steps": 15})
    after = load_file(models["policy"] / "model" / "model.safetensors")

    assert toy.events(folder)[0]["kl"] == 0.0
    assert last(folder, "kl", 3) > 0
    assert last(folder, "score", 5) > toy.metrics(folder)["before"]["score"]
    assert all(torch.equal(before[k], after[k]) for k in before)
    base = AutoModelForCausalLM.from_pretrained(models["policy"] / "model")
    adapted = PeftModel.from_pretrained(base, folder / "adapter").eval()
    merged = AutoModelForCausalLM.from_pretrained(folder / "model").eval()
    ids = torch.arange(20, 40).unsqueeze(0)
    with torch.no_grad():
        assert torch.allclose(adapted(ids).logits, merged(ids).logits, atol=1e-5)


def test_policy_and_reward_model_need_not_share_a_tokenizer(models: dict[str, Path]) -> None:
    one, other = (models[name] / "model" / "tokenizer.json" for name in ("policy", "reward"))

    assert one.read_bytes() != other.read_bytes()  # and every other test here passes


def test_several_rewards_are_combined(run: Run, toy_release: Path, models: dict[str, Path]) -> None:
    both = {**models, "reward_2": models["reward"]}
    alone = train(run, toy_release, models, "alone/x", ppo={"steps": 2})

    folder = train(run, toy_release, both, "both/x", reward={"combine": "min"}, ppo={"steps": 2})

    assert toy.events(folder)[0]["score"] == toy.events(alone)[0]["score"]


def test_ppo_needs_a_reward_and_settings_that_make_sense(
    run: Run, toy_release: Path, policy: Path
) -> None:
    with pytest.raises(ConfigError, match="no reward model"):
        train(run, toy_release, {"policy": policy})
    with pytest.raises(ConfigError, match="minibatch 64 is more than"):
        train(run, toy_release, {"policy": policy}, ppo={"minibatch": 64})


def test_a_loss_that_is_no_number_stops_the_run(
    run: Run, toy_release: Path, models: dict[str, Path]
) -> None:
    with pytest.raises(MonitorTripped, match="no number"):
        train(run, toy_release, models, ppo={"steps": 5, "learning_rate": 1e12})
