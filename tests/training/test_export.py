"""Exports are what the big trainers read, and the server gives our rewards."""

from __future__ import annotations

import urllib.error
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any

import pyarrow.parquet as pq
import pytest

from prefdata.training.export import Export
from tests.training import toy
from tests.training.conftest import Run


@pytest.fixture
def release(tmp_path: Path) -> Path:
    rows = toy.pairs(6, seed=1)
    return toy.release(
        tmp_path / "release", pairs={"train": [*rows[:5], rows[0]], "test": rows[5:]}
    )


def test_openrlhf_gets_conversations_and_each_prompt_once(run: Run, release: Path) -> None:
    folder = run(Export, {"to": "openrlhf", "release": str(release)}, "export")

    pairs = toy.lines(folder / "train.pairs.jsonl")
    assert [turn["role"] for turn in pairs[0]["chosen"]] == ["user", "assistant"]
    assert len(pairs) == 6
    assert len(toy.lines(folder / "train.prompts.jsonl")) == 5
    assert (folder / "licenses.json").is_file()


def test_answers_come_without_prompt_and_end_tokens() -> None:
    from prefdata.training.serve import completions_of

    body = {
        "query": ["<|im_start|>問<|im_end|>答え。<|im_end|>\n"],
        "prompts": ["<|im_start|>問<|im_end|>"],
    }

    assert completions_of(body) == ["答え。"]
    assert completions_of({"completions": ["はい</s>"]}) == ["はい"]


def test_verl_gets_parquet_in_its_columns(run: Run, release: Path) -> None:
    folder = run(Export, {"to": "verl", "release": str(release)}, "export")

    (row,) = pq.read_table(folder / "test.parquet").to_pylist()
    assert set(row) == {"data_source", "prompt", "ability", "reward_model", "extra_info"}


def test_a_start_token_before_the_prompt_is_no_part_of_the_answer() -> None:
    from prefdata.training.serve import completions_of

    assert completions_of({"query": ["<s>問答</s>"], "prompts": ["問"]}) == ["答"]
    with pytest.raises(ValueError, match="does not hold its prompt"):
        completions_of({"query": ["別の話"], "prompts": ["問"]})


CHAT = (
    "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)


def chat_tokenizer() -> Any:
    from prefdata.training.tiny_model import make_tokenizer

    tokenizer = make_tokenizer([*toy.GOOD, *toy.BAD], 300, is_encoder=False)
    tokenizer.chat_template = CHAT
    return tokenizer


@pytest.mark.train
def test_openrlhfs_own_classes_read_the_export(run: Run, release: Path) -> None:
    """With ``pip install --no-deps openrlhf`` and pylatexenc; no GPU is needed for reading."""
    utils = pytest.importorskip("openrlhf.datasets.utils")
    from openrlhf.datasets import PromptDataset, RewardDataset

    folder = run(Export, {"to": "openrlhf", "release": str(release)}, "export")
    keys = {"input_key": "prompt", "label_key": "id", "apply_chat_template": True}
    keys |= {"prompt_key": None, "chosen_key": "chosen", "rejected_key": "rejected"}
    strategy = SimpleNamespace(
        args=SimpleNamespace(data=SimpleNamespace(**keys)),
        print=lambda *_: None,
        is_rank_0=lambda: False,
    )
    tokenizer, rows = chat_tokenizer(), toy.pairs(6, seed=1)

    def read(name: str) -> Any:
        return utils.blending_datasets(str(folder / name), None, strategy)

    prompts = PromptDataset(read("train.prompts.jsonl"), tokenizer, strategy)
    assert prompts.prompts == [f"<user>{r['prompt'][0]['content']}<assistant>" for r in rows[:5]]
    assert prompts.labels == [row["id"] for row in rows[:5]]

    pairs = RewardDataset(read("train.pairs.jsonl"), tokenizer, 256, strategy, num_processors=1)
    chosen, _, rejected, _, margin = pairs[0]
    assert rows[0]["chosen"][0]["content"] in tokenizer.decode(chosen[0])
    assert rows[0]["rejected"][0]["content"] in tokenizer.decode(rejected[0])
    assert margin == 0


@pytest.mark.train
def test_verls_own_classes_read_the_export_and_find_the_reward(run: Run, release: Path) -> None:
    """With ``pip install --no-deps verl ray tensordict omegaconf codetiming …``."""
    dataset = pytest.importorskip("verl.utils.dataset.rl_dataset")
    from omegaconf import OmegaConf
    from verl.trainer.ppo.reward import get_custom_reward_fn

    from prefdata.training.serve import verl_score

    folder = run(Export, {"to": "verl", "release": str(release)}, "export")
    config = OmegaConf.create({"max_prompt_length": 64, "filter_overlong_prompts_workers": 1})
    found = dataset.RLHFDataset(str(folder / "train.parquet"), chat_tokenizer(), config)

    assert len(found) == 5
    row = found[0]
    assert row["raw_prompt"] == toy.pairs(1, seed=1)[0]["prompt"]
    assert row["reward_model"]["ground_truth"] == "pair-0"

    named = {"path": "pkg://prefdata.training.serve", "name": "verl_score"}
    function = get_custom_reward_fn(OmegaConf.create({"reward": {"custom_reward_function": named}}))
    assert function.args[0] is verl_score


@pytest.mark.train
def test_the_server_gives_the_rewards_that_scoring_gives(
    run: Run, release: Path, reward: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from prefdata.training.data import messages
    from prefdata.training.reward import RewardModel
    from prefdata.training.serve import prompts_by_id, server, verl_score

    folder = run(Export, {"to": "openrlhf", "release": str(release)}, "export", {"reward": reward})
    rows = toy.lines(folder / "train.prompts.jsonl")[:2]
    prompts = prompts_by_id([folder / "train.prompts.jsonl"])
    with server(reward, prompts, "127.0.0.1", 0) as running:
        Thread(target=running.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{running.server_address[1]}/get_reward"
        monkeypatch.setenv("REWARD_URL", url)
        found = [verl_score("toy", "駅を見る</s>", row["id"]) for row in rows]
        with pytest.raises(urllib.error.HTTPError, match="400"):
            verl_score("toy", "駅を見る", "no such id")
        running.shutdown()

    asked = [messages(row["prompt"]) for row in rows]
    wanted = RewardModel.load(reward).score(asked, [messages("駅を見る")] * 2)
    assert found == pytest.approx(wanted, abs=1e-4)
