"""The stage ``train_reward_model``: preferences in, a model that gives rewards out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from prefdata.config.settings import Settings
from prefdata.core.errors import ConfigError
from prefdata.core.records import digest
from prefdata.core.stage import Context
from prefdata.store.files import read_json, write_json
from prefdata.training import licenses
from prefdata.training.artifact import METRICS, content_of, same_copy, write_manifest, write_metrics
from prefdata.training.data import (
    SPLITS,
    Comparison,
    comparisons_of,
    hold_out,
    refuse_leaks,
    release_of,
)
from prefdata.training.launch import in_processes
from prefdata.training.objectives import Objective
from prefdata.training.scoring import RewardStage
from prefdata.training.session import Checkpoints, EventLog, need
from prefdata.training.settings import (
    BaseModelSettings,
    Length,
    Licensing,
    Limit,
    Lora,
    Optimization,
)
from prefdata.training.template import DEFAULT, render
from prefdata.training.thresholds import check_all, refuse_misses

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

    version = 1
    resumable = True
    foresee = staticmethod(licenses.foresee)

    class Config(Settings):
        """Settings of a reward model."""

        base: BaseModelSettings | None = Field(default=None, description="the model to start from")
        release: str = Field(default="", description="a release folder, instead of an input")
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
        licensing: Licensing = Licensing()

    def __init__(self, config: Config, context: Context) -> None:
        self.config = config
        self.context = context

    @staticmethod
    def plan(config: Config, context: Context) -> None:
        """Refuse what cannot work, before anything is downloaded or loaded."""
        need("torch", "transformers", "accelerate", "matplotlib", by="train_reward_model")
        if config.lora:
            need("peft", by="the setting 'lora'")
        if (config.objective == "aspects") != bool(config.aspects):
            raise ConfigError(
                "the objective 'aspects' and the list 'aspects' belong together",
                context.step,
                "give both or neither",
            )
        render(config.template, (), ())
        licenses.check(config.licensing, context, base=config.base, release=config.release)

    @staticmethod
    def content_key(config: Config, context: Context) -> str:
        """Return what lies at the paths that the settings name."""
        return content_of(context, [config.release, config.base.path if config.base else ""])

    def run(self, inputs: Mapping[str, Dataset], out: Path) -> None:
        """Train every member, keep the best, write metrics and card, judge the gates."""
        folders = {name: dataset.path for name, dataset in inputs.items()}
        release = self.release(folders)
        report = licenses.gate(
            release, self.base(folders), self.config.licensing, self.context, folders
        )
        write_json(out / licenses.FILE, report)
        if not in_processes("train_reward_model", self, folders, out):
            self.work(folders, out)
        self.finish(folders, out)

    def release(self, folders: Mapping[str, Path]) -> Path:
        """Return the release to train on."""
        own = self.context.path(self.config.release) if self.config.release else None
        return release_of(folders, "pairs", own)

    def base(self, folders: Mapping[str, Path]) -> BaseModelSettings | None:
        """Return the model to start from: the setting, else the input ``base``."""
        return base_of(self.config.base, folders, self.context)

    def work(self, folders: Mapping[str, Path], out: Path) -> None:
        """Train the members that are not done; runs in every process of a launch."""
        from prefdata.training.reward_training import train_member

        config = self.config.model_copy(update={"base": self.base(folders)})
        splits = self.splits(folders, config)
        for seed in config.seeds:
            folder = out / "members" / f"seed-{seed}"
            if (folder / METRICS).is_file():
                continue
            metrics = train_member(config, splits, seed, self.session(out, seed), folder)
            if metrics:
                write_metrics(folder, metrics, [])

    def splits(self, folders: Mapping[str, Path], config: Config) -> Splits:
        """Read, check and encode the release's splits."""
        from prefdata.training import network
        from prefdata.training.examples import Encoder
        from prefdata.training.reward_training import encode_splits, required

        base = required(config.base)
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
        tokenizer = network.load_tokenizer(base)
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
        from prefdata.training.card import write_card

        members = sorted((out / "members").iterdir())
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
        write_card(out, "reward model", self.config, self.context, "train_reward_model", folders)
        write_manifest(out, "train_reward_model", self.config, self.context, folders)
        refuse_misses(checks, str(out))


def base_of(
    own: BaseModelSettings | None, folders: Mapping[str, Path], context: Context, name: str = "base"
) -> BaseModelSettings | None:
    """Return a base model from a setting, else from an input that holds ``model/``."""
    if own is not None:
        local = context.path(own.path)
        return own.model_copy(update={"path": str(local)}) if local.is_dir() else own
    if name in folders:
        return BaseModelSettings(path=str((folders[name] / "model").absolute()))
    return None


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
