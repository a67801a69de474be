"""Reward model and PPO at a real size, on random weights: tokens a second, memory.

Needs a CUDA device: ``pytest -m benchmark tests/benchmarks/test_training_gpu.py``. With
``PREFDATA_BENCH_TINY=1`` the same road is walked with tiny models on any machine, and no results
are written.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from prefdata.core.stage import Event
from prefdata.store.dataset import Dataset
from tests.benchmarks.measure import HERE
from tests.training import families, toy
from tests.training.conftest import context_for

pytestmark = pytest.mark.benchmark

TINY = os.environ.get("PREFDATA_BENCH_TINY") == "1"
KNOWN = {"artifact": "retrieva-jp/bert-1.3b"}  # allowed by the registry, whatever lies there
LENGTH = 64 if TINY else 512

# The shapes of bge-m3 (568 M parameters) and of a Llama of 1.2 B.
ENCODER: dict[str, Any] = {
    "vocab_size": 250_002, "hidden_size": 1024, "num_hidden_layers": 24,
    "num_attention_heads": 16, "intermediate_size": 4096, "max_position_embeddings": 8194,
}  # fmt: skip
POLICY: dict[str, Any] = {
    "vocab_size": 128_256, "hidden_size": 2048, "num_hidden_layers": 16,
    "num_attention_heads": 32, "num_key_value_heads": 8, "intermediate_size": 8192,
    "max_position_embeddings": 4096, "tie_word_embeddings": True,
}  # fmt: skip


@dataclass
class Clock:
    """Notes when each step of a stage ended; the first warms up and does not count."""

    ends: list[float] = field(default_factory=list)

    def __call__(self, event: Event) -> None:
        if "step" in event.data and "of" in event.data:
            self.ends.append(time.perf_counter())

    def per_second(self, of_a_step: float) -> float:
        return of_a_step * (len(self.ends) - 1) / (self.ends[-1] - self.ends[0])


def make(kind: str, shape: Mapping[str, Any], folder: Path) -> Path:
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForMaskedLM

    is_encoder = kind != "llama"
    if TINY:
        return families.make(kind, folder)
    tokenizer = families.tokenizer_for(is_encoder=is_encoder)
    ids = {"pad_token_id": tokenizer.pad_token_id, "eos_token_id": tokenizer.eos_token_id}
    auto = AutoModelForMaskedLM if is_encoder else AutoModelForCausalLM
    torch.manual_seed(0)
    model = auto.from_config(AutoConfig.for_model(kind, **shape, **ids))
    model.to(torch.bfloat16).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def long_pairs(n: int, words: int) -> list[dict[str, Any]]:
    """Pairs whose texts fill the length, so that every token that is counted is worked on."""
    rows = toy.pairs(n, seed=1)
    for row in rows:
        for side in ("chosen", "rejected"):
            row[side] = toy.assistant(row[side][0]["content"] * words)
    return rows


def run_stage(
    stage: Any, tree: Mapping[str, Any], out: Path, inputs: Mapping[str, Path]
) -> tuple[Clock, float]:
    """Run a stage and return its clock and the peak of GPU memory in GiB."""
    import torch

    clock = Clock()
    out.mkdir(parents=True)
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    config = stage.Config.from_tree(dict(tree))
    datasets = {name: Dataset(path) for name, path in inputs.items()}
    stage(config, context_for(out, listen=clock)).run(datasets, out)
    peak = torch.cuda.max_memory_allocated() if torch.cuda.is_available() else 0
    return clock, peak / 2**30


def test_a_reward_model_and_ppo_at_a_real_size(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    if not TINY and not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    from prefdata.training.ppo import TrainPPO
    from prefdata.training.reward_model import TrainRewardModel

    rows = long_pairs(336, words=8 if TINY else 60)
    splits = {"train": rows[:320], "validation": rows[320:328], "test": rows[328:]}
    release = toy.release(tmp_path / "release", pairs=splits)
    encoder = make("xlm-roberta", ENCODER, tmp_path / "encoder")
    policy = make("llama", POLICY, tmp_path / "policy")

    learn = {"epochs": 1, "batch_size": 16, "learning_rate": 1e-5}
    base = {"path": str(encoder), **KNOWN}
    tree = {"release": str(release), "base": base, "objective": "bt", "train": learn}
    reward_clock, reward_peak = run_stage(
        TrainRewardModel, {**tree, "length": {"max": LENGTH}}, tmp_path / "rm", {}
    )
    reward_tokens = reward_clock.per_second(16 * 2 * LENGTH)

    short = toy.release(tmp_path / "prompts", pairs={"train": toy.pairs(256, seed=2)})
    answer = 8 if TINY else 128
    tree = {
        "release": str(short),
        "policy": {"path": str(policy), **KNOWN},
        "lora": {"rank": 16},
        "generate": {"max_new_tokens": answer, "max_prompt": 48},
        "ppo": {"steps": 4, "rollout": 64, "minibatch": 16},
    }
    ppo_clock, ppo_peak = run_stage(TrainPPO, tree, tmp_path / "ppo", {"reward": tmp_path / "rm"})
    lengths = [event["length"] for event in toy.events(tmp_path / "ppo")][1:]
    ppo_tokens = ppo_clock.per_second(64 * sum(lengths) / len(lengths))

    lines = [
        "# Training at a real size",
        "",
        f"Random weights, {torch.cuda.get_device_name(0) if not TINY else 'tiny'}, torch "
        f"{torch.__version__}, bf16.",
        "",
        "| stage | model | tokens/s | peak GiB |",
        "|---|---|---|---|",
        f"| reward model, {LENGTH} tokens a text | bge-m3's shape | {reward_tokens:,.0f} read | "
        f"{reward_peak:.1f} |",
        f"| PPO with LoRA, {answer} tokens a response | Llama, 1.2 B | {ppo_tokens:,.0f} sampled "
        f"and learned from | {ppo_peak:.1f} |",
    ]
    print("\n".join(lines))
    assert reward_tokens > 0
    assert ppo_tokens > 0
    if not TINY:
        (HERE / "RESULTS-training-gpu.md").write_text("\n".join([*lines, ""]), encoding="utf-8")
