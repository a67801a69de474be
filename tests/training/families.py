"""Tiny models with random weights, one of each family that the stages are meant for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from prefdata.training.tiny_model import make_tokenizer
from tests.training import toy

# What the configuration of a model type needs beside the common shape. RoBERTa's kind keeps the
# positions up to the padding token's for itself; here that is 0.
ENCODERS: dict[str, dict[str, Any]] = {
    "bert": {},
    "xlm-roberta": {"max_position_embeddings": 65},  # bge-m3's
    "modernbert": {"global_attn_every_n_layers": 2, "local_attention": 32},
    "deberta-v2": {"relative_attention": True, "pos_att_type": ["p2c", "c2p"]},
    "luke": {"entity_vocab_size": 8, "entity_emb_size": 16, "max_position_embeddings": 65},
}
DECODERS: dict[str, dict[str, Any]] = {
    "llama": {},
    "mistral": {"head_dim": 16},
    "qwen3": {"head_dim": 16},
    "gemma3_text": {"head_dim": 16},
    "gpt_neox": {},  # rinna's
    "gpt2": {"n_positions": 64, "n_embd": 32, "n_layer": 2, "n_head": 2},
}


def tokenizer_for(*, is_encoder: bool) -> Any:
    texts = [*toy.GOOD, *toy.BAD, *toy.NEUTRAL, *toy.QUESTIONS, "user: assistant: \n\n"]
    return make_tokenizer(texts, 400, is_encoder=is_encoder)


def shape(tokenizer: Any) -> dict[str, Any]:
    return {
        "vocab_size": len(tokenizer),
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "intermediate_size": 64,
        "max_position_embeddings": 64,
        "pad_token_id": tokenizer.pad_token_id,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
    }


def make(family: str, folder: Path) -> Path:
    """Write a model of a family with its tokenizer, and return the folder."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForMaskedLM

    is_encoder = family in ENCODERS
    tokenizer = tokenizer_for(is_encoder=is_encoder)
    tree = {**shape(tokenizer), **(ENCODERS | DECODERS)[family]}
    torch.manual_seed(0)
    auto = AutoModelForMaskedLM if is_encoder else AutoModelForCausalLM
    auto.from_config(AutoConfig.for_model(family, **tree)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


# A model with code of its own, as RetrievaBERT's is: `forward` knows ids and mask, nothing else.
CODE = """
import torch
from transformers import PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import SequenceClassifierOutput


class OwnConfig(PretrainedConfig):
    model_type = "own-bert"

    def __init__(self, vocab_size=400, hidden_size=32, **kwargs):
        self.vocab_size, self.hidden_size = vocab_size, hidden_size
        super().__init__(**kwargs)


class OwnForSequenceClassification(PreTrainedModel):
    config_class = OwnConfig
    base_model_prefix = "own"

    def __init__(self, config):
        super().__init__(config)
        self.words = torch.nn.Embedding(config.vocab_size, config.hidden_size)
        self.classifier = torch.nn.Linear(config.hidden_size, config.num_labels)
        self.post_init()

    def get_input_embeddings(self):
        return self.words

    def forward(self, input_ids, attention_mask):
        mask = attention_mask.unsqueeze(-1).float()
        mean = (self.words(input_ids) * mask).sum(1) / mask.sum(1)
        return SequenceClassifierOutput(logits=self.classifier(mean))
"""


def make_with_code(folder: Path) -> Path:
    """Write a model folder that asks to run its own code, and return it."""
    tokenizer = tokenizer_for(is_encoder=True)
    tokenizer.save_pretrained(folder)
    (folder / "modeling_own.py").write_text(CODE)
    names = {
        "AutoConfig": "modeling_own.OwnConfig",
        "AutoModelForSequenceClassification": "modeling_own.OwnForSequenceClassification",
    }
    tree = {"model_type": "own-bert", "auto_map": names, "vocab_size": len(tokenizer)}
    tree |= {"hidden_size": 32, "pad_token_id": tokenizer.pad_token_id}
    (folder / "config.json").write_text(json.dumps(tree))

    import torch
    from safetensors.torch import save_file

    torch.manual_seed(0)
    save_file(
        {"words.weight": torch.randn(len(tokenizer), 32)},
        folder / "model.safetensors",
        {"format": "pt"},
    )
    return folder
