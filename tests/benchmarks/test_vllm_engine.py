"""The `vllm` back end beside a bare `LLM.chat` over the same requests, in one process.

Run in the environment that `.ci/env-vllm` builds: a tiny model on CPU, unless PREFDATA_BENCH_MODEL
names a folder with a model (and PREFDATA_BENCH_ENGINE its engine's arguments as JSON).
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from measure import write_results
from test_translation import dialogues

from prefdata.core.stage import Context, Request
from prefdata.translate.entry import Entry
from prefdata.translate.ladder import Ladder
from prefdata.translate.memory import Memory, memory_file
from prefdata.translate.stage import Translate
from prefdata.translate.tree import Node, Tree
from prefdata.translate.work import Window
from tests.translate.tiny_model import build_short_prompt, build_tiny_model

pytestmark = [pytest.mark.benchmark]
ROUNDS = 3
Times = tuple[float, float]  # seconds by the clock, CPU seconds of this process


def since(start: Times) -> Times:
    """What has passed."""
    return time.perf_counter() - start[0], time.process_time() - start[1]


def settings(folder: Path) -> dict[str, Any]:
    """The tiny model on CPU, or a model of the user's."""
    model = os.environ.get("PREFDATA_BENCH_MODEL")
    if model:
        engine = json.loads(os.environ.get("PREFDATA_BENCH_ENGINE", "{}"))
        return {"use": "vllm", "model": model, **engine}
    os.environ.update(OMP_NUM_THREADS="1", VLLM_ENABLE_V1_MULTIPROCESSING="0", HF_HUB_OFFLINE="1")
    build_tiny_model(folder / "model", positions=1024)
    prompt = str(build_short_prompt(folder / "prompt"))
    return {"use": "vllm", "model": str(folder / "model"), "prompt": prompt, "dtype": "float32",
            "max_model_len": 1024, "max_num_seqs": 64, "kv_cache_memory_bytes": 256 << 20,
            "enforce_eager": True}  # fmt: skip


def own_run(stage: Translate, nodes: list[Node], folder: Path) -> tuple[dict[Node, Entry], Times]:
    """Translate with the memory on and one attempt each; return the entries and the times."""
    with Memory(memory_file(folder)) as memory:
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
        return window.entries, since(start)


def test_vllm_beside_bare_chat(tmp_path: Path) -> None:
    pytest.importorskip("vllm")
    from prefdata.translate.vllm import _parameters

    config = Translate.Config.from_tree({"translator": settings(tmp_path), "context": "none"})
    stage = Translate(config, Context(cache=tmp_path))
    translator: Any = stage.translator
    tree, _ = Tree.of(dialogues(25), context=False)
    nodes = list(tree)
    requests = [Request(n.key.hex(), n.role, n.text, (), n.kind) for n in nodes]
    chats = [translator.model.chat(request) for request in requests]
    parameters = [_parameters(translator.model.sampling(request)) for request in requests]
    own_run(stage, nodes[:40], tmp_path / "warm")

    shares, cpu_shares, speeds = [], [], []
    for turn in range(ROUNDS):
        translator.llm.reset_prefix_cache()
        start = (time.perf_counter(), time.process_time())
        outputs = translator.llm.chat(chats, parameters, use_tqdm=False)
        bare = since(start)
        tokens = sum(len(output.outputs[0].token_ids) for output in outputs)
        translator.llm.reset_prefix_cache()
        entries, own = own_run(stage, nodes, tmp_path / str(turn))
        for node, output in zip(nodes, outputs, strict=True):
            assert entries[node].attempts[0].text == output.outputs[0].text
        shares.append(bare[0] / own[0])
        cpu_shares.append(bare[1] / own[1])
        speeds.append(tokens / own[0])
    rows = [
        ("tokens/s of the `vllm` back end, memory on", f"{median(speeds):,.0f}", ""),
        ("share of a bare `LLM.chat`, same requests and process, in CPU seconds",
         f"{median(cpu_shares):.2f} ({min(cpu_shares):.2f}–{max(cpu_shares):.2f})", "≥ 0.97"),
        ("the same by the clock",
         f"{median(shares):.2f} ({min(shares):.2f}–{max(shares):.2f})", ""),
    ]  # fmt: skip
    model = os.environ.get("PREFDATA_BENCH_MODEL", "a model of 3 million parameters on CPU")
    write_results("vllm-engine", rows, packages=["torch"], note=f"Model: {model}. Texts equal.")
    assert max(median(cpu_shares), median(shares)) >= 0.97
