"""The stages ``train_dpo`` and ``train_kto``: thin over TRL, with our data, licenses and cards."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from prefdata.training.artifact import write_metrics
from prefdata.training.data import Split, read_split
from prefdata.training.session import StopRequest, out_of_memory_explained
from prefdata.training.settings import BaseModelSettings, Lora, Optimization
from prefdata.training.stage import TORCH, TrainingSettings, TrainingStage

if TYPE_CHECKING:
    from prefdata.store.dataset import Dataset


class TuningSettings(TrainingSettings):
    """Settings of DPO and KTO: what TRL needs, under our names."""

    policy: BaseModelSettings | None = Field(default=None, description="the model to start at")
    lang: str = Field(default="ja", description="rows of this language; empty: of all")
    beta: float = Field(default=0.1, gt=0, description="how near the reference is kept")
    loss: str = Field(default="", description="TRL's loss_type; its default if empty")
    longest: int = Field(default=1024, ge=8, description="tokens of prompt and answer")
    train: Optimization = Optimization(batch_size=8)
    lora: Lora | None = None
    precision: Literal["auto", "fp32", "bf16"] = "auto"


class _Tuning(TrainingStage):
    """What the two stages share; they differ in the view, the trainer and the columns."""

    start = "policy"
    resumable = True
    view: ClassVar[str]
    columns: ClassVar[tuple[str, ...]]
    trainer: ClassVar[str]
    Config = TuningSettings
    config: TuningSettings

    @classmethod
    def packages(
        cls, config: TuningSettings, inputs: Collection[str]
    ) -> Mapping[str, Sequence[str]]:
        """Return the modules that `run` imports, by the extra that brings them."""
        return {"train": (*TORCH, *(("peft",) if config.lora else ())), "trl": ("trl",)}

    def run(self, inputs: Mapping[str, Dataset], out: Path) -> None:
        """Train with TRL and write what every training stage writes."""
        folders = {name: dataset.path for name, dataset in inputs.items()}
        self.permit(folders, out)
        write_metrics(out, self.train(self.base(folders), self.release(folders), out), [])
        self.sign(folders, out, card="policy")

    def train(self, base: BaseModelSettings, release: Path, out: Path) -> dict[str, Any]:
        """Train and return TRL's last metrics.

        The model is given by its path: TRL loads the reference from it again.
        """
        import trl

        from prefdata.training import network

        config = self.config
        network.quiet()
        tokenizer = network.load_tokenizer(base)
        if tokenizer.chat_template is None:
            tokenizer.chat_template = PLAIN_CHAT
        with out_of_memory_explained(
            asked=f"train.batch_size {config.train.batch_size}, longest {config.longest}",
            lower="train.batch_size or longest, or set lora",
        ):
            trainer = getattr(trl, f"{self.trainer}Trainer")(
                model=base.path,
                args=getattr(trl, f"{self.trainer}Config")(**self.arguments(base, out)),
                train_dataset=self.rows(release, "train"),
                eval_dataset=self.rows(release, "validation") or None,
                processing_class=tokenizer,
                peft_config=self.peft(),
            )
            checkpoints = (out / "checkpoints").glob("checkpoint-*")
            with StopRequest() as stop:
                trainer.add_callback(stopping(stop))
                trainer.train(resume_from_checkpoint=any(checkpoints))
            if stop.asked:
                stop.interrupt(trainer.state.global_step)
        network.save_model(trainer.model, tokenizer, out / "model")
        history = trainer.state.log_history
        (out / "events.jsonl").write_text(
            "".join(json.dumps(row) + "\n" for row in history), encoding="utf-8"
        )
        return {k: v for row in history for k, v in row.items() if isinstance(v, (int, float))}

    def arguments(self, base: BaseModelSettings, out: Path) -> dict[str, Any]:
        """Return TRL's arguments; its own defaults ask for a GPU."""
        import torch

        config, train = self.config, self.config.train
        on_gpu = torch.cuda.is_available()
        return {
            "model_init_kwargs": {
                "revision": base.revision or "main",
                "trust_remote_code": base.trust_remote_code,
            },
            "output_dir": str(out / "checkpoints"),
            "num_train_epochs": train.epochs,
            "per_device_train_batch_size": train.batch_size,
            "learning_rate": train.learning_rate,
            "warmup_steps": train.warmup,
            "weight_decay": train.weight_decay,
            "max_grad_norm": train.max_grad_norm,
            "beta": config.beta,
            "max_length": config.longest,
            "seed": self.context.seed,
            "use_cpu": not on_gpu,
            "bf16": on_gpu and config.precision != "fp32",
            "gradient_checkpointing": False,
            "save_total_limit": 2,
            "eval_strategy": "no",
            "report_to": "none",
            "disable_tqdm": True,
            **({"loss_type": config.loss} if config.loss else {}),
        }

    def rows(self, release: Path, split: Split) -> Any:
        """Return one split in TRL's columns, in the release's order."""
        from datasets import Dataset as Rows

        lang = self.config.lang
        rows = [r for r in read_split(release, self.view, split) if not lang or r["lang"] == lang]
        return Rows.from_list([{name: row[name] for name in self.columns} for row in rows])

    def peft(self) -> Any:
        """Return TRL's adapter configuration, None without one."""
        lora = self.config.lora
        if lora is None:
            return None
        from peft import LoraConfig

        return LoraConfig(
            task_type="CAUSAL_LM",
            r=lora.rank,
            lora_alpha=lora.alpha,
            target_modules=list(lora.targets) or "all-linear",
        )


def stopping(stop: StopRequest) -> Any:
    """Return a callback of transformers' trainer: asked to stop, it writes a checkpoint first."""
    from transformers import TrainerCallback

    class Stopping(TrainerCallback):
        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> Any:
            if stop.asked:
                control.should_save = control.should_training_stop = True
            return control

    return Stopping()


# For a policy without a chat template: turns as the view `labels` joins them.
PLAIN_CHAT = (
    "{% for m in messages %}{{ m.role }}: {{ m.content }}"
    "{% if m.role == 'assistant' %}{{ eos_token }}{% else %}\n\n{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}assistant: {% endif %}"
)


class TrainDPO(_Tuning):
    """Train a policy on pairs directly (DPO, by TRL).

    Inputs: ``pairs``, a release; ``policy`` (optional), a step that leaves a model.
    """

    name = "train_dpo"
    view = "pairs"
    columns = ("prompt", "chosen", "rejected")
    trainer = "DPO"


class TrainKTO(_Tuning):
    """Train a policy on completions labeled true or false (KTO, by TRL).

    Inputs: ``pairs``, a release, whose view ``unpaired`` is read; ``policy`` (optional). KTO pairs
    each prompt with the next row's completion, so rows must not stand beside rows of the same
    prompt: a release orders them so.
    """

    name = "train_kto"
    view = "unpaired"
    columns = ("prompt", "completion", "label")
    trainer = "KTO"
