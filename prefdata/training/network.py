"""Models and tokenizers: loaded from a folder or a pinned hub revision, checked, given adapters."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from prefdata.core.errors import ConfigError, InputError, IntegrityError
from prefdata.training.remote_code import made_before, refuse_other_code
from prefdata.training.settings import BaseModelSettings, Lora


def load_tokenizer(base: BaseModelSettings) -> Any:
    """Return the tokenizer of a model; its end token pads where it has no padding token.

    Raises:
        InputError: it is not there, or not readable.
    """
    from transformers import AutoTokenizer

    tokenizer = _loaded(AutoTokenizer, base)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token or tokenizer.unk_token
    return tokenizer


def load_classifier(
    base: BaseModelSettings, tokenizer: Any, outputs: int, *, seed: int, dtype: str = "float32"
) -> tuple[Any, list[str]]:
    """Return a sequence classifier with `outputs` logits, and the names of its new weights.

    New weights, those of the head, are drawn from `seed`. `dtype` is float32, which full training
    needs, or ``auto``: as stored, half the memory.
    """
    import torch
    from transformers import AutoModelForSequenceClassification as Auto

    torch.manual_seed(seed)
    model, told = _loaded(Auto, base, num_labels=outputs, dtype=dtype, output_loading_info=True)
    return _checked(model, tokenizer, base), sorted(told["missing_keys"])


def load_reward(folder: Path, tokenizer: Any, outputs: int) -> Any:
    """Return the classifier of a reward directory's ``model/``, as it was trained.

    Raises:
        IntegrityError: weights are missing; drawn anew, they would give rewards like any others.
    """
    model, new = load_classifier(made_before(folder), tokenizer, outputs, seed=0, dtype="auto")
    if new:
        raise IntegrityError(
            f"the model lacks weights: {', '.join(new)}", str(folder), "restore it, or train again"
        )
    return model


def load_policy(base: BaseModelSettings, tokenizer: Any, *, dtype: str = "float32") -> Any:
    """Return a causal language model.

    Raises:
        InputError: it has no language-model head of its own, or lacks other weights.
    """
    from transformers import AutoModelForCausalLM as Auto

    model, told = _loaded(Auto, base, dtype=dtype, output_loading_info=True)
    if told["missing_keys"]:
        raise InputError(
            f"this is no whole language model: it lacks {', '.join(sorted(told['missing_keys']))}",
            base.path,
            "give the folder of a causal language model, not of an encoder or a reward model",
        )
    return _checked(model, tokenizer, base)


def refuse_longer(model: Any, longest: int, setting: str) -> None:
    """Refuse texts of more tokens than a model has learned positions for.

    Raises:
        ConfigError: models with relative or rotary positions have no such limit.
    """
    from torch.nn import Embedding

    for name, part in model.named_modules():
        if name.endswith(("position_embeddings", "wpe", "embed_positions")):
            if not isinstance(part, Embedding):
                continue
            # RoBERTa's kind keeps the positions up to the padding token's for itself.
            kept = 0 if part.padding_idx is None else part.padding_idx + 1
            if longest > part.num_embeddings - kept:
                raise ConfigError(
                    f"texts of {longest} tokens do not fit: the model has "
                    f"{part.num_embeddings - kept} positions",
                    setting,
                    f"lower {setting}",
                )


def _loaded(auto: Any, base: BaseModelSettings, **options: Any) -> Any:
    quiet()
    refuse_other_code(base)
    try:
        return auto.from_pretrained(
            base.path,
            revision=base.revision or None,
            trust_remote_code=base.trust_remote_code,
            local_files_only=Path(base.path).is_dir(),
            **options,
        )
    except (OSError, ValueError, KeyError) as error:
        first = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
        raise InputError(
            f"cannot load the model: {first}",
            base.path,
            "give a folder with config.json, weights and tokenizer, or a name on the hub; a model "
            "with code of its own needs 'trust_remote_code: true' and a pinned revision",
        ) from error


def quiet() -> None:
    """Keep transformers' bars and load reports away: a new head is expected, and ours to report."""
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()


def _checked(model: Any, tokenizer: Any, base: BaseModelSettings) -> Any:
    """Refuse a tokenizer whose ids the model does not have."""
    rows = model.get_input_embeddings().num_embeddings
    highest = max(tokenizer.get_vocab().values(), default=-1)
    if highest >= rows:
        raise ConfigError(
            f"the tokenizer does not match the model: it has ids up to {highest}, "
            f"the model {rows} embeddings",
            base.path,
            "put the tokenizer that the model was trained with into its folder",
        )
    model.config.pad_token_id = tokenizer.pad_token_id
    return model


def with_adapter(model: Any, lora: Lora, task: str, *, seed: int, new: Sequence[str] = ()) -> Any:
    """Return the model with a fresh low-rank adapter drawn from `seed`; the base is frozen.

    Layers whose weights are `new` are trained and saved whole, since the base has none.
    """
    import torch
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(seed)
    inside = f"{model.base_model_prefix}."
    layers = sorted(  # a head whole, but of the trunk only the layer
        {n.rpartition(".")[0] if n.startswith(inside) else n.partition(".")[0] for n in new}
    )
    config = LoraConfig(
        task_type=task,
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=0.0,
        target_modules=list(lora.targets) or "all-linear",
        modules_to_save=layers or None,
    )
    return get_peft_model(model, config)


def save_model(model: Any, tokenizer: Any, folder: Path) -> None:
    """Write weights and tokenizer; an adapter is also written merged, so that one loader serves.

    ``model/`` is always a plain model folder; ``adapter/`` lies beside it where there is one.
    """
    if hasattr(model, "merge_and_unload"):
        model.save_pretrained(folder.with_name("adapter"))
        model = model.merge_and_unload()
    model.save_pretrained(folder, safe_serialization=True)
    tokenizer.save_pretrained(folder)


def trainable_state(model: Any) -> dict[str, Any]:
    """Return what training changes, on the CPU: adapters only, where there are any."""
    return {
        name: value.detach().cpu().clone()
        for name, value in model.named_parameters()
        if value.requires_grad
    }


def restore_state(model: Any, state: dict[str, Any]) -> None:
    """Put back what `trainable_state` returned."""
    import torch

    with torch.no_grad():
        for name, value in model.named_parameters():
            if value.requires_grad:
                value.copy_(state[name])


def weights_digest(model: Any) -> str:
    """Return the SHA-256 over all parameters by name: equal models, equal digest."""
    import torch

    hasher = sha256()
    for name, value in sorted(model.state_dict().items()):
        hasher.update(name.encode())
        raw = value.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
        hasher.update(raw.numpy().tobytes())
    return hasher.hexdigest()


def tokenizer_digest(folder: Path) -> str:
    """Return the SHA-256 over the files that decide how a text is cut into tokens."""
    hasher = sha256()
    names = ("tokenizer.json", "vocab.txt", "vocab.json", "merges.txt", "spiece.model")
    found = [folder / name for name in (*names, "sentencepiece.bpe.model", "tokenizer.model")]
    for file in found:
        if file.is_file():
            hasher.update(file.name.encode() + file.read_bytes())
    return hasher.hexdigest()


def padded(ids: Sequence[Sequence[int]], pad: int, *, left: bool = False) -> tuple[Any, Any]:
    """Return input ids and attention mask, both (batch, sequence)."""
    import torch

    width = max(map(len, ids))
    rows, masks = [], []
    for row in ids:
        fill = [pad] * (width - len(row))
        rows.append([*fill, *row] if left else [*row, *fill])
        one, zero = [1] * len(row), [0] * len(fill)
        masks.append([*zero, *one] if left else [*one, *zero])
    return torch.tensor(rows), torch.tensor(masks)


def device() -> str:
    """Return the device of a session: the first GPU if there is one."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"
