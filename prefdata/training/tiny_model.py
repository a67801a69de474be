"""The stage ``tiny_model``: a small model with its tokenizer, made from a release alone.

It is no good model. It lets the whole road be walked on a laptop, in a test, without a download.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from prefdata.core.records import digest
from prefdata.training.artifact import write_metrics
from prefdata.training.data import SPLITS, Comparison, comparisons_of
from prefdata.training.session import Checkpoints, EventLog
from prefdata.training.settings import Optimization
from prefdata.training.stage import TrainingSettings, TrainingStage

if TYPE_CHECKING:
    from prefdata.store.dataset import Dataset

SPECIAL = ["<pad>", "<s>", "</s>", "<unk>", "[CLS]", "[SEP]", "[MASK]"]


class TinyModel(TrainingStage):
    """Train a tokenizer on a release and make a small encoder or decoder for it.

    Inputs: ``pairs``, a release. An encoder keeps its random weights; a decoder learns to write
    the chosen completions. Both are as large as the settings say, 0.2 M parameters by default.
    """

    name = "tiny_model"
    resumable = True

    class Config(TrainingSettings):
        """Settings of a tiny model."""

        kind: Literal["encoder", "decoder"]
        vocabulary: int = Field(default=512, ge=300, description="at most so many tokens")
        hidden: int = Field(default=64, ge=8, multiple_of=8)
        layers: int = Field(default=2, ge=1)
        positions: int = Field(default=512, ge=32)
        train: Optimization = Optimization(epochs=3, batch_size=16, learning_rate=3e-3)

    config: Config

    def run(self, inputs: Mapping[str, Dataset], out: Path) -> None:
        """Make tokenizer and model."""
        from prefdata.training import network

        folders = {name: dataset.path for name, dataset in inputs.items()}
        self.permit(folders, out)
        release = self.release(folders)
        network.quiet()
        comparisons = [
            c
            for split in SPLITS
            for view in ("pairs", "rankings")
            for c in comparisons_of(release, split, view=view)
        ]
        tokenizer = make_tokenizer(
            texts_of(comparisons), self.config.vocabulary, is_encoder=self.config.kind == "encoder"
        )
        model = make_model(self.config, tokenizer, self.context.seed)
        if self.config.kind == "decoder":
            rows = comparisons_of(release, "train") or comparisons_of(
                release, "train", view="rankings"
            )
            model = self.pretrain(model, tokenizer, rows, out)
        network.save_model(model, tokenizer, out / "model")
        write_metrics(out, {"parameters": sum(p.numel() for p in model.parameters())}, [])
        self.sign(folders, out)

    def pretrain(self, model: Any, tokenizer: Any, rows: Sequence[Comparison], out: Path) -> Any:
        """Let a decoder learn to write the chosen completions."""
        from prefdata.training.examples import batch_order
        from prefdata.training.fit import Run, accelerator_of, fit
        from prefdata.training.prompts import chosen_ids

        texts = chosen_ids(tokenizer, rows, self.config.positions)
        per_epoch, order = batch_order(len(texts), self.config.train.batch_size, self.context.seed)
        identity = digest("tiny", self.context.key, self.config.model_dump_json())
        run = Run(
            Checkpoints(out / "checkpoints", identity),
            EventLog(out / "events.jsonl"),
            self.context,
            every=1000,
        )

        def losses(model: Any, step: int) -> Iterator[Any]:
            yield next_token_loss(model, [texts[n] for n in order(step)], tokenizer.pad_token_id)

        return fit(
            model,
            steps=per_epoch * self.config.train.epochs,
            losses=losses,
            optimization=self.config.train,
            run=run,
            accelerator=accelerator_of("auto"),
        )


def next_token_loss(model: Any, texts: Sequence[Sequence[int]], pad: int) -> Any:
    """Return the mean cross-entropy of the next token."""
    from prefdata.training.network import padded

    ids, mask = (t.to(next(model.parameters()).device) for t in padded(texts, pad))
    labels = ids.masked_fill(mask == 0, -100)
    return model(input_ids=ids, attention_mask=mask, labels=labels).loss


def texts_of(comparisons: Sequence[Comparison]) -> list[str]:
    """Return all texts, with the role markers that templates write."""
    found = ["system: user: assistant: \n\n"]
    for comparison in comparisons:
        found += [f"user: {m.content}" for m in comparison.prompt]
        found += [f"assistant: {m.content}" for c in comparison.completions for m in c]
    return found


def make_tokenizer(texts: Sequence[str], size: int, *, is_encoder: bool) -> Any:
    """Return a byte-level BPE tokenizer; an encoder's puts texts between [CLS] and [SEP]."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    bpe = Tokenizer(models.BPE(unk_token="<unk>"))
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=SPECIAL,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    bpe.train_from_iterator(texts, trainer)
    names = {"bos_token": "<s>", "eos_token": "</s>"}
    if is_encoder:
        marks = [(name, bpe.token_to_id(name)) for name in ("[CLS]", "[SEP]")]
        bpe.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [SEP]", special_tokens=marks
        )
        names = {"cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]"}
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe, pad_token="<pad>", unk_token="<unk>", **names
    )


def make_model(config: TinyModel.Config, tokenizer: Any, seed: int) -> Any:
    """Return a model with random weights: BERT's shape, or Llama's."""
    import torch
    from transformers import BertConfig, BertForMaskedLM, LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    shape = {
        "vocab_size": len(tokenizer),
        "hidden_size": config.hidden,
        "num_hidden_layers": config.layers,
        "num_attention_heads": max(config.hidden // 32, 1),
        "intermediate_size": 2 * config.hidden,
        "max_position_embeddings": config.positions,
        "pad_token_id": tokenizer.pad_token_id,
    }
    if config.kind == "encoder":
        return BertForMaskedLM(BertConfig(**shape))
    ends = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id}
    return LlamaForCausalLM(LlamaConfig(**shape, **ends))
