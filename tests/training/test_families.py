"""Every family of models that the stages are meant for is trained, saved, loaded and scored."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from prefdata.core.errors import ConfigError, InputError, IntegrityError
from tests.training import families, toy
from tests.training.conftest import Run

pytestmark = pytest.mark.train

KNOWN = {"artifact": "retrieva-jp/bert-1.3b"}  # allowed by the registry, whatever lies there
TEXTS = ["user: 駅\n\nassistant: です", "ばか"]


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = toy.pairs(24, seed=1)
    splits = {"train": rows[:16], "validation": rows[16:20], "test": rows[20:]}
    return toy.release(tmp_path_factory.mktemp("few") / "release", pairs=splits)


def reward_model(run: Run, release: Path, base: dict[str, Any], **more: Any) -> Path:
    from prefdata.training.reward_model import TrainRewardModel

    tree = {
        "release": str(release),
        "base": {**base, **KNOWN},
        "objective": "bt",
        "length": {"max": 64},
        "train": {"epochs": 1, "batch_size": 8, "learning_rate": 1e-3},
    }
    return run(TrainRewardModel, {**tree, **more}, "rm")


@pytest.mark.parametrize("family", [*families.ENCODERS, *families.DECODERS])
def test_a_reward_model_of_each_family_is_what_its_adapter_says(
    run: Run, few: Path, tmp_path: Path, family: str
) -> None:
    """With an adapter, so that one training shows both: the merged model and the adapter's."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForSequenceClassification

    from prefdata.training.reward import RewardModel, logits_of

    base = families.make(family, tmp_path / "base")
    folder = reward_model(run, few, {"path": str(base)}, lora={"rank": 4})

    loaded = RewardModel.load(folder)
    rewards = loaded.score_texts([*TEXTS, TEXTS[0]])
    assert rewards[0] == pytest.approx(rewards[2], abs=1e-6)
    assert rewards[0] != rewards[1]
    torch.manual_seed(99)  # whatever the base lacks must come from the adapter
    plain = AutoModelForSequenceClassification.from_pretrained(base, num_labels=1)
    plain.config.pad_token_id = loaded.tokenizer.pad_token_id
    adapted = PeftModel.from_pretrained(plain, folder / "members" / "seed-0" / "adapter").eval()
    ids = [loaded.encoder.cut_ids(text) for text in TEXTS]
    found = logits_of(adapted, ids, loaded.tokenizer.pad_token_id)[:, 0].tolist()
    assert rewards[:2] == pytest.approx(found, abs=1e-5)


@pytest.mark.parametrize("family", list(families.DECODERS))
def test_a_policy_of_each_family_is_trained_from_where_it_is(
    run: Run, few: Path, tmp_path: Path, reward: Path, family: str
) -> None:
    from transformers import AutoModelForCausalLM

    from prefdata.training.ppo import TrainPPO

    base = families.make(family, tmp_path / "base")
    tree = {
        "release": str(few),
        "policy": {"path": str(base), **KNOWN},
        "generate": {"max_new_tokens": 8, "max_prompt": 56},
        "ppo": {"steps": 2, "rollout": 4, "minibatch": 4, "learning_rate": 1e-3},
    }
    folder = run(TrainPPO, tree, "ppo", {"reward": reward})

    events = toy.events(folder)
    assert events[0]["kl"] == 0.0
    assert events[1]["kl"] != 0.0
    assert type(AutoModelForCausalLM.from_pretrained(folder / "model")).__name__ == (
        type(AutoModelForCausalLM.from_pretrained(base)).__name__
    )


@pytest.mark.parametrize("family", ["bert", "xlm-roberta", "luke"])
def test_more_tokens_than_positions_are_refused_before_training(
    run: Run, few: Path, tmp_path: Path, family: str
) -> None:
    base = families.make(family, tmp_path / "base")

    with pytest.raises(ConfigError, match="the model has 64 positions"):
        reward_model(run, few, {"path": str(base)}, length={"max": 65})


def test_an_encoder_is_no_policy(run: Run, few: Path, tmp_path: Path, reward: Path) -> None:
    from prefdata.training.ppo import TrainPPO

    tree = {"release": str(few), "policy": {"path": str(reward / "model"), **KNOWN}}
    with pytest.raises(InputError, match="no whole language model"):
        run(TrainPPO, tree, "ppo", {"reward": reward})


def test_a_reward_directory_without_all_its_weights_is_refused(
    reward: Path, tmp_path: Path
) -> None:
    from safetensors.torch import load_file, save_file

    from prefdata.training.reward import RewardModel

    shutil.copytree(reward, tmp_path / "copy")
    file = tmp_path / "copy" / "model" / "model.safetensors"
    weights = load_file(file)
    weights.pop("classifier.weight")
    file.unlink()  # a hard link to the member's
    save_file(weights, file, {"format": "pt"})

    with pytest.raises(IntegrityError, match="lacks weights: classifier"):
        RewardModel.load(tmp_path / "copy")


def test_code_of_a_models_own_runs_only_where_it_is_pinned(
    run: Run, few: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from prefdata.training.remote_code import TRUST, code_digest
    from prefdata.training.reward import RewardModel

    monkeypatch.setenv("HF_MODULES_CACHE", str(tmp_path / "modules"))
    base = families.make_with_code(tmp_path / "base")
    pinned = {"path": str(base), "trust_remote_code": True, "code": code_digest(base)}
    with pytest.raises(InputError, match="trust_remote_code"):
        reward_model(run, few, {"path": str(base)})
    with pytest.raises(InputError, match=f"code: {code_digest(base)}"):
        reward_model(run, few, {**pinned, "code": "0" * 40})

    folder = reward_model(run, few, pinned)

    code = code_digest(folder / "model")
    with pytest.raises(InputError, match=f"{TRUST}={code}"):
        RewardModel.load(folder)
    monkeypatch.setenv(TRUST, code)
    rewards = RewardModel.load(folder).score_texts(TEXTS)
    assert rewards[0] != rewards[1]
    assert json.loads((folder / "metrics.json").read_text())["metrics"]["new_weights"] == [
        "classifier.bias",
        "classifier.weight",
    ]
    (folder / "model" / "modeling_own.py").write_text(families.CODE + "\n# changed\n")
    with pytest.raises(InputError, match="does not run unasked"):
        RewardModel.load(folder)
