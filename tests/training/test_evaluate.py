"""Models on evaluation sets: the numbers are those that can be worked out by hand."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from prefdata.core.errors import GateFailed
from tests.training import toy
from tests.training.conftest import Run

pytestmark = pytest.mark.train


@pytest.fixture
def bench(tmp_path: Path) -> Path:
    rows = toy.pairs(40, seed=61, start=7000)
    file = tmp_path / "bench.jsonl"
    lines = [
        {
            "id": row["id"],
            "prompt": row["prompt"][0]["content"],
            "chosen": row["chosen"][0]["content"],
            "rejected": row["rejected"][0]["content"],
            "subset": row["source"],
        }
        for row in rows
    ]
    file.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
    return file


def evaluate(run: Run, inputs: dict[str, Path], *sets: dict[str, Any], **more: Any) -> Path:
    from prefdata.training.evaluate import Evaluate

    return run(Evaluate, {"sets": list(sets), **more}, "evaluate", inputs)


def test_a_reward_models_share_is_what_scoring_its_rows_gives(
    run: Run, reward: Path, bench: Path, toy_release: Path
) -> None:
    from prefdata.training.scoring import score_path

    one = {"format": "m-rewardbench", "path": str(bench), "name": "ja"}
    folder = evaluate(run, {"reward": reward, "pairs": toy_release}, one)

    found = toy.metrics(folder)
    right = [row["right"] for row in score_path(reward, bench)]
    assert found["reward_ja"] == pytest.approx(sum(right) / len(right), abs=0.05)
    assert found["reward_ja"] >= 0.85
    assert set(found["reward_ja_subsets"]) == {"toy/a", "toy/b"}
    assert found["seen_in_training"] == {"ja": 0}
    assert "machine-translated" in (folder / "README.md").read_text(encoding="utf-8")


def test_a_missed_gate_keeps_the_report(
    run: Run, reward: Path, bench: Path, tmp_path: Path
) -> None:
    one = {"format": "rewardbench", "path": str(bench)}

    with pytest.raises(GateFailed, match="reward_rewardbench"):
        evaluate(run, {"reward": reward}, one, gates={"reward_rewardbench": ">=1.01"})
    assert (tmp_path / "evaluate" / "README.md").is_file()


def test_a_policys_accuracy_is_computed_by_the_harness_without_a_network(
    run: Run, policy: Path, bench: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("lm_eval")
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    def no_network(*_: object) -> None:
        raise AssertionError("a test without a network asked for one")

    monkeypatch.setattr(socket.socket, "connect", no_network)
    crows = tmp_path / "crows.jsonl"
    pairs = [
        ("ありがとうです", "ばか黙れ"),
        ("駅を見る", "ありがとうございます"),
        ("今日の本", "本の今日"),
    ]
    crows.write_text(
        "".join(
            json.dumps({"sent_more": a, "sent_less": b, "bias_type": "age"}) + "\n"
            for a, b in pairs
        )
    )
    sets = [
        {"format": "crows-pairs", "path": str(crows)},
        {"format": "rewardbench", "path": str(bench), "limit": 8, "name": "bench"},
    ]
    found = toy.metrics(evaluate(run, {"model": policy}, *sets))

    tokenizer = AutoTokenizer.from_pretrained(policy / "model")
    model = AutoModelForCausalLM.from_pretrained(policy / "model").eval()

    def likelihood(prompt: str, answer: str) -> float:
        """The answer's log-likelihood; as the harness does, cut into tokens with its prompt."""
        start = [] if prompt else [tokenizer.bos_token_id]
        before = start + tokenizer(prompt, add_special_tokens=False)["input_ids"]
        whole = start + tokenizer(prompt + answer, add_special_tokens=False)["input_ids"]
        with torch.no_grad():
            logs = model(torch.tensor([whole])).logits.log_softmax(-1)[0]
        return sum(float(logs[n - 1, whole[n]]) for n in range(len(before), len(whole)))

    by_hand = sum(likelihood("", a) > likelihood("", b) for a, b in pairs) / len(pairs)
    assert found["model_crows-pairs"] == pytest.approx(by_hand)
    rows = toy.lines(bench)[:8]
    right = [
        likelihood(f"{r['prompt']}\n", r["chosen"]) > likelihood(f"{r['prompt']}\n", r["rejected"])
        for r in rows
    ]
    assert found["model_bench"] == pytest.approx(sum(right) / 8)
