"""Exports are what the big trainers read, and the server gives our rewards."""

from __future__ import annotations

import urllib.error
from pathlib import Path
from threading import Thread

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
