"""The stage ``train_reward_model``: preferences in, a model that gives rewards out."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from prefdata.config.settings import Settings
from prefdata.core.errors import ConfigError
from prefdata.core.records import digest
from prefdata.core.stage import Context
from prefdata.store.files import read_json
from prefdata.training import licenses
from prefdata.training.artifact import METRICS, same_copy, write_metrics
from prefdata.training.data import SPLITS, Comparison, comparisons_of, hold_out, refuse_leaks
from prefdata.training.launch import in_processes
from prefdata.training.metrics import NUMBERS
from prefdata.training.objectives import Objective
from prefdata.training.scoring import RewardStage
from prefdata.training.session import Checkpoints, EventLog
from prefdata.training.settings import BaseModelSettings, Length, Limit, Lora, Optimization
from prefdata.training.stage import TORCH, TrainingSettings
from prefdata.training.template import DEFAULT, render
from prefdata.training.thresholds import check_all, refuse_misses, refuse_unknown

if TYPE_CHECKING:
    from prefdata.store.dataset import Dataset
    from prefdata.training.reward_training import Splits


class Aspect(Settings):
    """One score of a person's: a text that has at least `threshold` is labeled 1."""

    name: str
    weight: float = 1.0
    threshold: float = 0.5


class TrainRewardModel(RewardStage):
    """Train a reward model on a release.

    Inputs: ``pairs``, a release; ``base`` (optional), a step that leaves a model. With several
    seeds there is one member for each in ``members/``, and ``model/`` is the best on validation.
    """

    name = "train_reward_model"
    start = "base"
    resumable = True

    class Config(TrainingSettings):
        """Settings of a reward model."""

        base: BaseModelSettings | None = Field(default=None, description="the model to start from")
        objective: Objective = Field(
            default="bce", description="bce and ce label 1 and 0; the others compare"
        )
        view: Literal["", "pairs", "rankings"] = Field(
            default="", description="what to read; rankings for listwise and aspects, else pairs"
        )
        pairing: Literal["all", "best_worst"] = Field(
            default="all", description="which pairs of a ranking teach; all are measured"
        )
        lang: str = Field(default="ja", description="rows of this language; empty: of all")
        template: str = Field(default=DEFAULT, description="Jinja over prompt and completion")
        aspects: tuple[Aspect, ...] = ()
        center: float = Field(default=0.0, ge=0, description="pull of rewards to zero, e.g. 0.01")
        hold_out: float = Field(
            default=0.05, gt=0, lt=0.5, description="for a release without validation and test"
        )
        length: Length = Length()
        train: Optimization = Optimization()
        accumulate: int = Field(default=1, ge=1, description="parts of a step, to save memory")
        seeds: tuple[int, ...] = Field(default=(0,), min_length=1)
        lora: Lora | None = None
        gates: dict[str, Limit] = Field(default={}, description="metric: '>=0.65'; else code 6")
        checkpoint_every: Annotated[int, Field(ge=1, description="steps")] = 100
        precision: Literal["auto", "fp32", "bf16"] = "auto"
        processes: int = Field(default=1, ge=0, description="0: one for each GPU")

    config: Config

    @classmethod
    def packages(cls, config: Config, inputs: Collection[str]) -> Mapping[str, Sequence[str]]:
        """Return the modules that `run` imports, by the extra that brings them."""
        return {"train": (*TORCH, "matplotlib", *(("peft",) if config.lora else ()))}

    @staticmethod
    def plan(config: Config, context: Context) -> None:
        """Refuse settings that cannot work, before anything is downloaded or loaded."""
        if (config.objective == "aspects") != bool(config.aspects):
            raise ConfigError(
                "the objective 'aspects' and the list 'aspects' belong together",
                context.step,
                "give both or neither",
            )
        render(config.template, (), ())
        refuse_unknown(config.gates, NUMBERS, context.step)

    def run(self, inputs: Mapping[str, Dataset], out: Path) -> None:
        """Train every member, keep the best, write metrics and card, judge the gates."""
        folders = {name: dataset.path for name, dataset in inputs.items()}
        self.permit(folders, out)
        if not in_processes(self, folders, out):
            self.work(folders, out)
        self.finish(folders, out)

    def work(self, folders: Mapping[str, Path], out: Path) -> None:
        """Train the members that are not done; runs in every process of a launch."""
        from prefdata.training import network
        from prefdata.training.reward_training import train_member

        base = self.base(folders)
        splits = self.splits(folders, network.load_tokenizer(base))
        for seed in self.config.seeds:
            folder = out / "members" / f"seed-{seed}"
            if (folder / METRICS).is_file():
                continue
            session = self.session(out, seed)
            metrics = train_member(self.config, base, splits, session, folder, seed=seed)
            if metrics:
                write_metrics(folder, metrics, [])

    def splits(self, folders: Mapping[str, Path], tokenizer: Any) -> Splits:
        """Read, check and encode the release's splits."""
        from prefdata.training.examples import Encoder
        from prefdata.training.reward_training import encode_splits

        config = self.config
        view = config.view or (
            "rankings" if config.objective in ("listwise", "aspects") else "pairs"
        )
        release = self.release(folders)
        found: dict[str, list[Comparison]] = {
            split: comparisons_of(
                release,
                split,
                view=view,
                pairing=config.pairing if split == "train" else "all",
                lang=config.lang,
            )
            for split in SPLITS
        }
        if not found["validation"] and not found["test"]:
            found = hold_out(found["train"], config.hold_out)
        refuse_leaks(found)
        refuse_missing_margins(config.objective, found["train"])
        return encode_splits(found, Encoder(tokenizer, config.template, config.length.max), config)

    def session(self, out: Path, seed: int) -> Any:
        """Return where a member's state and events go."""
        from prefdata.training.fit import Run

        identity = digest("member", self.context.key, self.config.model_dump_json(), str(seed))
        return Run(
            checkpoints=Checkpoints(out / "checkpoints" / f"seed-{seed}", identity),
            events=EventLog(out / "members" / f"seed-{seed}" / "events.jsonl"),
            context=self.context,
            every=self.config.checkpoint_every,
            name=f"seed-{seed}",
        )

    def finish(self, folders: Mapping[str, Path], out: Path) -> None:
        """Choose the best member, write metrics, card and manifest, then judge the gates."""
        members = sorted((out / "members").iterdir())
        for member in members:  # a member may go its own way, into a soup
            (member / licenses.FILE).write_bytes((out / licenses.FILE).read_bytes())
        found = {m.name: read_json(m / METRICS)["metrics"] for m in members}
        best = max(found, key=lambda name: (found[name]["validation_pairwise_acc"] or 0.0, name))
        for name in ("model", "plots"):
            if (out / "members" / best / name).is_dir():
                same_copy(out / "members" / best / name, out / name)
        for name in ("reward_config.json", "events.jsonl"):
            (out / name).write_bytes((out / "members" / best / name).read_bytes())
        metrics = {"best_member": best, **found[best]}
        metrics["members"] = {name: m["pairwise_acc"] for name, m in found.items()}
        checks = check_all(self.config.gates, metrics)
        write_metrics(out, metrics, checks)
        self.sign(folders, out, card="reward model")
        refuse_misses(checks, str(out))


def refuse_missing_margins(objective: str, comparisons: Any) -> None:
    """Refuse objectives over margins on data that states none.

    Raises:
        ConfigError: every margin is 0.
    """
    if objective not in ("bt_margin", "bt_scaled"):
        return
    if not any(margin for c in comparisons for *_, margin in c.pairs):
        raise ConfigError(
            f"the objective {objective!r} needs margins, and this release states none",
            fix="publish with 'margin: true', or use the objective bt",
        )
