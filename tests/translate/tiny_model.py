"""A chat model of three million parameters, built on the spot; it writes noise."""

from __future__ import annotations

from pathlib import Path

CORPUS = [
    "Hello, how are you today? Tell me about the weather in the mountains.",
    "こんにちは。今日はいい天気ですね。",
    "The quick brown fox jumps over the lazy dog, and translates it into Japanese.",
    "翻訳者は訳文だけを出力します。質問者と回答者の話し方に気をつけます。",
    '<source speaker="質問者">\n</source>',
]
TEMPLATE = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] }}"
    "{{ '<|im_end|>' + '\n' }}{% endfor %}{% if add_generation_prompt %}"
    "{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def build_tiny_model(folder: Path, *, positions: int = 2048) -> Path:
    """Write a Llama with a byte-level tokenizer and a ChatML template; the same bytes each time."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=600,
        special_tokens=["<pad>", "<|im_start|>", "<|im_end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<|im_start|>",
        eos_token="<|im_end|>",
        pad_token="<pad>",
        model_max_length=positions,
    )
    fast.chat_template = TEMPLATE
    fast.save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(fast),
        hidden_size=256,
        intermediate_size=688,
        num_hidden_layers=4,
        num_attention_heads=8,
        num_key_value_heads=4,
        head_dim=32,
        max_position_embeddings=positions,
        bos_token_id=fast.bos_token_id,
        eos_token_id=fast.eos_token_id,
        pad_token_id=fast.pad_token_id,
        tie_word_embeddings=False,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


def build_short_prompt(folder: Path) -> Path:
    """Write a prompt of a few words, so that requests fit a tiny model."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "prompt.yaml").write_text(
        "system: 訳文だけを出力します。{register}\n"
        'turn: "{speaker}: {text}"\nhard: "{speaker}! {text}"\n'
        "speakers: {user: Q, assistant: A, system: S}\n",
        encoding="utf-8",
    )
    (folder / "kinds.yaml").write_text(
        "default: {register: です, first: [one], strict: [one]}\n", encoding="utf-8"
    )
    (folder / "examples.yaml").write_text(
        "one: {role: user, source: Hi, target: やあ}\n", encoding="utf-8"
    )
    return folder
