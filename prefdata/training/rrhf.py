"""The stage ``train_rrhf``: a policy that ranks answers as people did, without an RL loop."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from prefdata.core.records import digest
from prefdata.core.stage import Context
from prefdata.store.files import read_json
from prefdata.training.artifact import METRICS, write_metrics
from prefdata.training.data import Comparison, comparisons_of
from prefdata.training.launch import in_processes
from prefdata.training.session import Checkpoints, EventLog, out_of_memory_explained
from prefdata.training.settings import BaseModelSettings, Limit, Lora, Optimization
from prefdata.training.stage import TORCH, TrainingSettings, TrainingStage
from prefdata.training.thresholds import check_all, refuse_misses, refuse_unknown

if TYPE_CHECKING:
    from torch import Tensor

    from prefdata.store.dataset import Dataset


class TrainRRHF(TrainingStage):
    """Train a policy on ranked answers, of several models or people (Yuan et al. 2023).

    Inputs: ``rankings``, a release; ``policy`` (optional), a step that leaves a model. Of two
    answers the higher ranked should be the likelier one for each token, and the best is learned.
    """

    name = "train_rrhf"
    release_inputs = ("rankings", "pairs")
    start = "policy"
    resumable = True

    class Config(TrainingSettings):
        """Settings of RRHF."""

        policy: BaseModelSettings | None = Field(default=None, description="the model to start at")
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

    config: Config

    @staticmethod
    def plan(config: Config, context: Context) -> None:
        """Refuse thresholds on unknown metrics."""
        refuse_unknown(config.gates, ("spearman", "pairwise_acc"), context.step)

    @classmethod
    def packages(cls, config: Config, inputs: Collection[str]) -> Mapping[str, Sequence[str]]:
        """Return the modules that `run` imports, by the extra that brings them."""
        return {"train": (*TORCH, *(("peft",) if config.lora else ()))}

    def run(self, inputs: Mapping[str, Dataset], out: Path) -> None:
        """Train, write the policy, judge the gates."""
        folders = {name: dataset.path for name, dataset in inputs.items()}
        self.permit(folders, out)
        if not in_processes(self, folders, out):
            self.work(folders, out)
        self.finish(folders, out)

    def work(self, folders: Mapping[str, Path], out: Path) -> None:
        """Train; runs in every process of a launch."""
        from prefdata.training import network
        from prefdata.training.answers import Answers, agreement, encoded
        from prefdata.training.examples import batch_order
        from prefdata.training.fit import Run, accelerator_of, fit

        config = self.config
        base = self.base(folders)
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
            network.refuse_longer(model, config.longest, "longest")
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
        self.sign(folders, out, card="policy")
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
