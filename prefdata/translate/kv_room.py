"""How many requests a GPU holds at once: its memory, less the weights, by what a token takes.

Every decoding step reads all weights, whatever the batch; so speed grows with the batch until the
room for keys and values (KV) is full. Beyond it the engine preempts requests and computes them
again. These are the sums behind `max_num_seqs`; a measured throughput (`doctor --bench`) wins.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

ACTIVATIONS = 2.5e9  # bytes beside weights and KV: activations, graphs of the decoding step
MOST = 1024  # requests at once, whatever fits: vLLM's own default on large cards
_BYTES = {"float32": 4, "float": 4, "float16": 2, "half": 2, "bfloat16": 2}


@dataclass(frozen=True)
class Shape:
    """What a model's ``config.json`` says of its size; `parameters` is 0 where that is unknown."""

    layers: int
    kv_heads: int
    head_size: int
    parameters: int
    dtype: str

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Shape | None:
        """Return the shape of a decoder, None for a config that does not have its numbers."""
        config = {**config, **(config.get("text_config") or {})}
        try:
            layers, heads = config["num_hidden_layers"], config["num_attention_heads"]
            hidden = config["hidden_size"]
        except KeyError:
            return None
        kv_heads = config.get("num_key_value_heads") or heads
        head_size = config.get("head_dim") or hidden // heads
        dtype = config.get("dtype") or config.get("torch_dtype") or "bfloat16"
        attention = 2 * hidden * head_size * (heads + kv_heads)
        mlp = 3 * hidden * config.get("intermediate_size", 0)
        ends = hidden * config.get("vocab_size", 0) * (2 - bool(config.get("tie_word_embeddings")))
        other = any("experts" in name or name == "quantization_config" for name in config)
        known = mlp and ends and not other
        parameters = layers * (attention + mlp) + ends if known else 0
        return cls(layers, kv_heads, head_size, parameters, str(dtype))

    def kv_bytes(self, dtype: str) -> int:
        """Return the bytes of KV that one token takes, over all layers; `dtype` as vLLM has it."""
        size = 1 if dtype.startswith("fp8") else _BYTES.get(dtype, 2)
        return 2 * self.layers * self.kv_heads * self.head_size * size

    def weight_bytes(self, dtype: str, quantization: str | None) -> int | None:
        """Return the bytes of all weights, None where a quantization leaves them open."""
        if not self.parameters or quantization not in (None, "fp8"):
            return None
        return self.parameters * (1 if quantization == "fp8" else _BYTES.get(dtype, 2))


def kv_tokens(
    *, memory: float, utilization: float, weights: float, kv_bytes: float, gpus: int = 1
) -> int:
    """Return for how many tokens one copy of a model has room, 0 if its weights do not fit.

    `memory` is that of one GPU in bytes; `weights` and `kv_bytes` (of a token) are those of the
    whole model, which `gpus` share.
    """
    room = memory * utilization - weights / gpus - ACTIVATIONS
    return max(0, int(room * gpus / kv_bytes))


def requests_that_fit(tokens: int, each: float) -> int:
    """Return how many requests of `each` tokens fit into room for `tokens`: 1 to `MOST`."""
    return max(1, min(MOST, int(tokens / max(each, 1.0))))


class Settings(Protocol):
    """What of a translator's settings decides its room."""

    model: str
    revision: str
    dtype: str
    quantization: str | None
    kv_cache_dtype: str
    tensor_parallel_size: int
    gpu_memory_utilization: float
    gpu_memory_gib: float | None
    kv_cache_memory_bytes: int | None


def room_of(settings: Settings, folder: Path) -> int | None:
    """Return for how many tokens of KV there is room, None if model or GPU do not tell.

    `folder` is where the model lies if it lies on this machine.
    """
    gpus = settings.tensor_parallel_size
    memory = (settings.gpu_memory_gib or 0) * 2**30 or min((m for _, m in gpus_here()), default=0)
    if not memory and not settings.kv_cache_memory_bytes:
        return None
    config = read_config(settings.model, folder, settings.revision)
    shape = Shape.of(config) if config else None
    if shape is None:
        return None
    dtype = shape.dtype if settings.dtype == "auto" else settings.dtype
    kv = shape.kv_bytes(dtype if settings.kv_cache_dtype == "auto" else settings.kv_cache_dtype)
    if settings.kv_cache_memory_bytes:
        return settings.kv_cache_memory_bytes * gpus // kv
    weights = shape.weight_bytes(dtype, settings.quantization) or stored_bytes(folder)
    if not weights:
        return None
    utilization = settings.gpu_memory_utilization
    return kv_tokens(
        memory=memory, utilization=utilization, weights=weights, kv_bytes=kv, gpus=gpus
    )


def read_config(model: str, folder: Path, revision: str) -> dict[str, Any] | None:
    """Return a model's ``config.json``, from its folder or the hub; None if it cannot be had."""
    path = folder / "config.json"
    try:
        if not folder.is_dir():
            from huggingface_hub import hf_hub_download

            path = Path(hf_hub_download(model, "config.json", revision=revision or None))
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # not there, no network, no such name, not JSON
        return None
    return config if isinstance(config, dict) else None


def stored_bytes(folder: Path) -> int:
    """Return the bytes of the weights in a model's folder, 0 where none lie."""
    return sum(path.stat().st_size for path in folder.glob("*.safetensors"))


def gpus_here() -> list[tuple[str, int]]:
    """Return (name, bytes of memory) of this machine's GPUs, as nvidia-smi tells them."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    query = [program, "--query-gpu=name,memory.total", "--format=csv,noheader,nounits"]
    done = subprocess.run(query, capture_output=True, text=True, check=False)
    rows = [line.rpartition(",") for line in done.stdout.splitlines() if not done.returncode]
    return [(name, int(mib) * 2**20) for name, _, mib in rows if mib.strip().isdigit()]
