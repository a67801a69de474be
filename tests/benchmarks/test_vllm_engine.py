"""The `vllm` back end beside a bare `LLM.chat` over the same requests, in one process.

Run in the environment that `.ci/env-vllm` builds: a tiny model on CPU. On a GPU, set
PREFDATA_BENCH_SHAPE=calm3 (random weights in the shape of calm3-22b-chat) or PREFDATA_BENCH_MODEL
(a folder or a name on the hub); PREFDATA_BENCH_SETTINGS has more settings of the translator as
JSON, PREFDATA_BENCH_PAIRS the number of pairs.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from measure import write_results
from test_translation import dialogues

from prefdata.core.stage import Context, Request
from prefdata.translate.entry import Entry, Item, Maker
from prefdata.translate.kv_room import gpus_here
from prefdata.translate.ladder import Ladder
from prefdata.translate.memory import Memory, memory_file
from prefdata.translate.stage import Translate
from prefdata.translate.tree import Node, Tree
from prefdata.translate.work import Window
from tests.translate.tiny_model import build_short_prompt, build_tiny_model

pytestmark = [pytest.mark.benchmark]
ROUNDS = 3
PAIRS = int(os.environ.get("PREFDATA_BENCH_PAIRS", "25"))
Times = tuple[float, float]  # seconds by the clock, CPU seconds of this process


def since(start: Times) -> Times:
    """What has passed."""
    return time.perf_counter() - start[0], time.process_time() - start[1]


CALM3 = {
    "hidden_size": 6144, "intermediate_size": 16384, "num_hidden_layers": 48,
    "num_attention_heads": 48, "num_key_value_heads": 48, "head_dim": 128,
    "max_position_embeddings": 16384,
}  # fmt: skip


def settings(folder: Path) -> dict[str, Any]:
    """The tiny model on CPU, random weights in another shape, or a model of the user's."""
    model, shape = (os.environ.get(f"PREFDATA_BENCH_{name}") for name in ("MODEL", "SHAPE"))
    more = json.loads(os.environ.get("PREFDATA_BENCH_SETTINGS", "{}"))
    more["engine"] = {"disable_log_stats": False, **more.get("engine", {})}
    if model:
        return {"use": "vllm", "model": model, **more}
    if not shape:  # before torch is imported
        os.environ.update(
            OMP_NUM_THREADS="1", VLLM_ENABLE_V1_MULTIPROCESSING="0", HF_HUB_OFFLINE="1"
        )
    path = build_tiny_model(folder / "model", positions=1024)
    if shape:
        reshape(path, CALM3 if shape == "calm3" else json.loads(shape))
        more["engine"]["load_format"] = "dummy"
        return {"use": "vllm", "model": str(path), "dtype": "bfloat16", **more}
    prompt = str(build_short_prompt(folder / "prompt"))
    return {"use": "vllm", "model": str(path), "prompt": prompt, "dtype": "float32",
            "max_model_len": 1024, "max_num_seqs": 64, "kv_cache_memory_bytes": 256 << 20,
            "enforce_eager": True, **more}  # fmt: skip


def reshape(model: Path, shape: dict[str, Any]) -> None:
    """Give a model another shape and no weights; its small vocabulary stays."""
    config = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps({**config, **shape}))
    for weights in model.glob("*.safetensors"):
        weights.unlink()


class Timed(Memory):
    """A memory that knows when something was durable for the first time."""

    first = 0.0

    def store(self, items: Sequence[Item], maker: Maker) -> None:
        super().store(items, maker)
        self.first = self.first or time.perf_counter()


def own_run(
    stage: Translate, nodes: list[Node], folder: Path
) -> tuple[dict[Node, Entry], Times, float]:
    """Translate with the memory on and one attempt each.

    Returns the entries, the times, and the seconds until the first durable result.
    """
    with Timed(memory_file(folder)) as memory:
        start = (time.perf_counter(), time.process_time())
        window = Window(
            nodes,
            translator=stage.translator,
            memory=memory,
            maker=memory.maker("m", layer=None),
            ladder=Ladder(attempts=1, checks=False),
            report=lambda window: None,
        )
        window.run()
        return window.entries, since(start), memory.first - start[0]


def prefix_hits(llm: Any) -> float:
    """The share of prompt tokens that the prefix cache has had so far."""
    counts = {metric.name: metric.value for metric in llm.get_metrics() if hasattr(metric, "value")}
    hits, asked = (counts[f"vllm:prefix_cache_{name}"] for name in ("hits", "queries"))
    return float(hits / max(asked, 1))


def test_vllm_beside_bare_chat(tmp_path: Path) -> None:
    if find_spec("vllm") is None:  # not imported: its threads are counted when torch is
        pytest.skip("needs vllm")
    translation = settings(tmp_path)
    from prefdata.translate.vllm import _parameters

    config = Translate.Config.from_tree({"translator": translation, "context": "none"})
    stage = Translate(config, Context(cache=tmp_path))
    translator: Any = stage.translator
    tree, _ = Tree.of(dialogues(PAIRS), context=False)
    nodes = list(tree)
    requests = [Request(n.key.hex(), n.role, n.text, (), n.kind) for n in nodes]
    chats = [translator.model.chat(request) for request in requests]
    parameters = [_parameters(translator.model.sampling(request)) for request in requests]
    own_run(stage, nodes[:40], tmp_path / "warm")
    device = ", ".join(name for name, _ in gpus_here()) or "CPU"
    named = os.environ.get("PREFDATA_BENCH_MODEL") or os.environ.get("PREFDATA_BENCH_SHAPE")
    named = named or "a model of 3 million parameters"

    shares, cpu_shares, speeds, firsts = [], [], [], []
    for turn in range(ROUNDS):
        translator.llm.reset_prefix_cache()
        start = (time.perf_counter(), time.process_time())
        outputs = translator.llm.chat(chats, parameters, use_tqdm=False)
        bare = since(start)
        tokens = sum(len(output.outputs[0].token_ids) for output in outputs)
        translator.llm.reset_prefix_cache()
        entries, own, first = own_run(stage, nodes, tmp_path / str(turn))
        for node, output in zip(nodes, outputs, strict=True):
            assert entries[node].attempts[0].text == output.outputs[0].text
        shares.append(bare[0] / own[0])
        cpu_shares.append(bare[1] / own[1])
        speeds.append(tokens / own[0])
        firsts.append(first)
    rows = [
        ("tokens/s of the `vllm` back end, memory on", f"{median(speeds):,.0f}", ""),
        ("share of a bare `LLM.chat`, same requests and process, in CPU seconds",
         f"{median(cpu_shares):.2f} ({min(cpu_shares):.2f}–{max(cpu_shares):.2f})", "≥ 0.97"),
        ("the same by the clock",
         f"{median(shares):.2f} ({min(shares):.2f}–{max(shares):.2f})", ""),
        ("prompt tokens from the prefix cache", f"{prefix_hits(translator.llm):.0%}", ""),
        ("seconds until the first durable result, the model loaded",
         f"{median(firsts):.2f} of {tokens / median(speeds):.2f}", ""),
        ("requests at once", str(translator.arguments()["max_num_seqs"]), ""),
    ]  # fmt: skip
    write_results(
        "vllm-engine" if device == "CPU" else "vllm-engine-gpu", rows, packages=["torch"],
        note=f"{device}; {named}; {len(nodes)} requests. Texts equal.",
    )  # fmt: skip
    assert max(median(cpu_shares), median(shares)) >= 0.97
