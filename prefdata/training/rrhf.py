"""The stage ``train_rrhf``: a policy that ranks answers as people did, without an RL loop."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from prefdata.config.settings import Settings
from prefdata.core.records import digest
from prefdata.core.stage import Context
from prefdata.store.files import write_json
from prefdata.training import licenses
from prefdata.training.artifact import content_of, write_manifest, write_metrics
from prefdata.training.data import Comparison, comparisons_of, release_of
from prefdata.training.launch import in_processes
from prefdata.training.reward_model import base_of
from prefdata.training.session import Checkpoints, EventLog, need, out_of_memory_explained
from prefdata.training.settings import BaseModelSettings, Licensing, Limit, Lora, Optimization
from prefdata.training.thresholds import check_all, refuse_misses

if TYPE_CHECKING:
    from torch import Tensor

    from prefdata.store.dataset import Dataset


class TrainRRHF:
    """Train a policy on ranked answers, of several models or people (Yuan et al. 2023).

    Inputs: ``rankings``, a release; ``policy`` (optional), a step that leaves a model. Of two
    answers the higher ranked should be the likelier one for each token, and the best is learned.
    """

    version = 1
    resumable = True
    foresee = staticmethod(licenses.foresee)

    class Config(Settings):
        """Settings of RRHF."""

        policy: BaseModelSettings | None = Field(default=None, description="the model to start at")
        release: str = Field(default="", description="a release folder, instead of an input")
        view: Literal["rankings", "pairs"] = "rankings"
        lang: str = Field(default="ja", description="rows of this language; empty: of all")
        longest: int = Field(default=1024, ge=8, description="tokens of prompt and answer")
        train: Optimization = Optimization(batch_size=16)
        accumulate: int = Field(default=1, ge=1, description="parts of a step, to save memory")
        lora: Lora | None = None
        gates: dict[str, Limit] = Field(default={}, description="metric: '>=0.3'; else code 6")
        checkpoint_every: int = Field(default=100, ge=1, description="steps")
        precision: Literal["auto", "fp32", "bf16"] = "auto"
        processes: int = Field(default=1, ge=0, description="0: one for each GPU")
        licensing: Licensing = Licensing()

    def __init__(self, config: Config, context: Context) -> None:
        self.config = config
        self.context = context

    @staticmethod
    def plan(config: Config, context: Context) -> None:
        """Refuse what cannot work, before anything is downloaded or loaded."""
        need("torch", "transformers", "accelerate", by="train_rrhf")
        licenses.check(config.licensing, context, base=config.policy, release=config.release)

    @staticmethod
    def content_key(config: Config, context: Context) -> str:
        """Return what lies at the paths that the settings name."""
        return content_of(context, [config.release, config.policy.path if config.policy else ""])

    def run(self, inputs: Mapping[str, Dataset], out: Path) -> None:
        """Train, write the policy, judge the gates."""
        folders = {name: dataset.path for name, dataset in inputs.items()}
        report = licenses.gate(
            self.release(folders), self.base(folders), self.config.licensing, self.context, folders
        )
        write_json(out / licenses.FILE, report)
        if not in_processes("train_rrhf", self, folders, out):
            self.work(folders, out)
        self.finish(folders, out)

    def release(self, folders: Mapping[str, Path]) -> Path:
        """Return the release to train on."""
        own = self.context.path(self.config.release) if self.config.release else None
        return release_of(folders, "rankings" if "rankings" in folders else "pairs", own)

    def base(self, folders: Mapping[str, Path]) -> BaseModelSettings | None:
        """Return the model to start from: the setting, else the input ``policy``."""
        return base_of(self.config.policy, folders, self.context, "policy")

    def work(self, folders: Mapping[str, Path], out: Path) -> None:
        """Train; runs in every process of a launch."""
        from prefdata.training import network
        from prefdata.training.answers import Answers, agreement, encoded
        from prefdata.training.examples import batch_order
        from prefdata.training.fit import Run, accelerator_of, fit
        from prefdata.training.reward_training import required

        config = self.config
        base = required(self.base(folders))
        tokenizer = network.load_tokenizer(base)
        train = encoded(tokenizer, self.rows(folders, "train"), config.longest)
        held_out = encoded(
            tokenizer,
            self.rows(folders, "test") or self.rows(folders, "validation"),
            config.longest,
        )
        accelerator = accelerator_of(config.precision)
        rank, world = accelerator.process_index, accelerator.num_processes
        pad = tokenizer.pad_token_id
        per_epoch, order = batch_order(len(train), config.train.batch_size, self.context.seed)

        def losses(model: Any, step: int) -> Iterator[Tensor]:
            mine: Sequence[Answers] = [train[n] for n in order(step)][rank::world]
            size = -(-len(mine) // config.accumulate)
            for start in range(0, len(mine), size):
                part = mine[start : start + size]
                yield batch_loss(model, part, pad) * (len(part) / len(mine))

        with out_of_memory_explained(
            asked=f"train.batch_size {config.train.batch_size}, longest {config.longest}",
            lower="train.batch_size or longest, raise accumulate, or set lora",
        ):
            model = network.load_policy(base, tokenizer, dtype="auto" if config.lora else "float32")
            model = model.to(accelerator.device).eval()
            before = agreement(model, held_out, pad)
            if config.lora:
                model = network.with_adapter(
                    model, config.lora, "CAUSAL_LM", seed=self.context.seed
                )
            identity = digest("rrhf", self.context.key, config.model_dump_json())
            model = fit(
                model,
                steps=per_epoch * config.train.epochs,
                losses=losses,
                optimization=config.train,
                run=Run(
                    Checkpoints(out / "checkpoints", identity),
                    EventLog(out / "events.jsonl"),
                    self.context,
                    config.checkpoint_every,
                ),
                accelerator=accelerator,
            )
            after = agreement(model, held_out, pad)
        if accelerator.is_main_process:
            network.save_model(model, tokenizer, out / "model")
            metrics = {**after, "before": before, "n": len(held_out)}
            write_metrics(out, metrics, check_all(config.gates, metrics))

    def rows(self, folders: Mapping[str, Path], split: Any) -> list[Comparison]:
        """Return one split's comparisons."""
        return comparisons_of(
            self.release(folders), split, view=self.config.view, lang=self.config.lang
        )

    def finish(self, folders: Mapping[str, Path], out: Path) -> None:
        """Write card and manifest, then judge the gates."""
        from prefdata.store.files import read_json
        from prefdata.training.artifact import METRICS
        from prefdata.training.card import write_card

        write_card(out, "policy", self.config, self.context, "train_rrhf", folders)
        write_manifest(out, "train_rrhf", self.config, self.context, folders)
        metrics = read_json(out / METRICS)["metrics"]
        refuse_misses(check_all(self.config.gates, metrics), str(out))


def batch_loss(model: Any, batch: Sequence[Any], pad: int) -> Tensor:
    """Return the RRHF loss of a few prompts, each with answers of its own number."""
    import torch

    from prefdata.training.answers import log_probs_of
    from prefdata.training.objectives import rrhf

    flat = log_probs_of(model, batch, pad)
    width = max(len(answers.ids) for answers in batch)
    rows = flat.split([len(answers.ids) for answers in batch])
    log_probs = torch.stack([torch.nn.functional.pad(r, (0, width - len(r))) for r in rows])
    missing = [[*a.scores, *[float("nan")] * (width - len(a.scores))] for a in batch]
    return rrhf(log_probs, torch.tensor(missing, device=flat.device))
