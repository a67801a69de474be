"""The stage ``evaluate``: reward models and policies on public sets, read from local files."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from prefdata.config.settings import Settings
from prefdata.core.errors import ConfigError, LicenseDenied, UsageError
from prefdata.core.records import Message
from prefdata.core.stage import Context
from prefdata.store.files import sha256, write_text
from prefdata.training.artifact import write_manifest, write_metrics
from prefdata.training.benchmarks import FORMATS, Question, read_questions
from prefdata.training.data import SPLITS, read_split
from prefdata.training.settings import Limit
from prefdata.training.stage import TORCH, PlugIn
from prefdata.training.thresholds import check_all, refuse_misses, refuse_unknown

if TYPE_CHECKING:
    from prefdata.store.dataset import Dataset


class EvaluationSet(Settings):
    """One file of questions, in the format that its authors publish."""

    format: str = Field(description=", ".join(FORMATS))
    path: str
    name: str = Field(default="", description="how metrics call it; the format if empty")
    limit: int = Field(default=0, ge=0, description="questions; 0: all")

    @property
    def title(self) -> str:
        """Return what metrics call it."""
        return self.name or self.format


class Evaluate(PlugIn):
    """Measure a reward model, a policy, or both, before and after.

    Inputs, each optional: ``reward``, a step that leaves a reward model; ``model`` and
    ``baseline``, steps that leave a policy; ``pairs``, the release trained on, to count questions
    that are in it.
    """

    name = "evaluate"

    class Config(Settings):
        """Settings of an evaluation."""

        sets: tuple[EvaluationSet, ...] = Field(min_length=1)
        reward: str = Field(default="", description="a reward directory, instead of an input")
        model: str = Field(default="", description="a policy's folder, instead of an input")
        baseline: str = Field(default="", description="what the policy is held against")
        batch_size: int = Field(default=8, ge=1)
        gates: dict[str, Limit] = Field(default={}, description="metric: '>=0.65'; else code 6")

    config: Config

    @classmethod
    def packages(cls, config: Config, inputs: Collection[str]) -> Mapping[str, Sequence[str]]:
        """Return the modules that `run` imports, by the extra that brings them."""
        return {
            "train": TORCH,
            **({"eval": ("lm_eval",)} if config.model or "model" in inputs else {}),
        }

    @classmethod
    def named(cls, config: Config) -> list[str]:
        """Return the files and folders that the settings name."""
        return [config.reward, config.model, config.baseline, *(one.path for one in config.sets)]

    @classmethod
    def lacks(cls, config: Config, context: Context, inputs: Collection[str]) -> list[UsageError]:
        """Return what must be installed, built, fetched or named before the stage can run."""
        found = super().lacks(config, context, inputs)
        if not {"reward", "model"} & set(inputs) and not (config.reward or config.model):
            found.append(nothing_to_evaluate())
        return found

    @staticmethod
    def plan(config: Config, context: Context) -> None:
        """Refuse unknown formats, and thresholds on unknown metrics."""
        for one in config.sets:
            if one.format not in FORMATS:
                raise ConfigError.unknown("format", one.format, list(FORMATS), where=context.step)
        titles = [one.title for one in config.sets]
        if len(set(titles)) < len(titles):
            raise ConfigError("two sets have one name", context.step, "give each its own 'name'")
        known = [f"{who}_{title}" for who in ("reward", "model", "baseline") for title in titles]
        refuse_unknown(config.gates, known, context.step)

    def run(self, inputs: Mapping[str, Dataset], out: Path) -> None:
        """Measure every model on every set."""
        folders = self.folders(inputs)
        if not {"reward", "model"} & set(folders):
            raise nothing_to_evaluate()
        questions = {
            one.title: read_questions(one.format, self.context.path(one.path), one.limit)
            for one in self.config.sets
        }
        metrics: dict[str, Any] = {"sets": self.described(questions)}
        if "reward" in folders:
            metrics |= self.of_reward(folders["reward"], questions)
        for name in ("model", "baseline"):
            if name in folders:
                metrics |= self.of_policy(name, folders[name], questions, out)
        if "pairs" in folders:
            metrics["seen_in_training"] = seen(questions, folders["pairs"])
            self.refuse_trained_on(metrics["seen_in_training"])
        checks = check_all(self.config.gates, metrics)
        write_metrics(out, metrics, checks)
        write_text(out / "README.md", report(metrics))
        write_manifest(out, "evaluate", self.config, self.context, folders)
        refuse_misses(checks, str(out))

    def refuse_trained_on(self, seen: Mapping[str, int]) -> None:
        """Refuse a model that learned from a set whose license is for evaluation alone.

        Raises:
            LicenseDenied: questions of such a set stand in the release.
        """
        for one in self.config.sets:
            if FORMATS[one.format].eval_only and seen[one.title]:
                raise LicenseDenied(
                    f"{seen[one.title]} questions of {one.title} stand in the release that was "
                    f"trained on, and {FORMATS[one.format].license} is for evaluation alone",
                    self.context.step,
                    "leave these rows out of the release, and train again",
                )

    def folders(self, inputs: Mapping[str, Dataset]) -> dict[str, Path]:
        """Return the models and the release, from settings and inputs."""
        found = {name: dataset.path for name, dataset in inputs.items()}
        for name in ("reward", "model", "baseline"):
            own: str = getattr(self.config, name)
            if own:
                found[name] = self.context.path(own)
        return found

    def described(self, questions: Mapping[str, Sequence[Question]]) -> dict[str, Any]:
        """Return each set's size, digest, license and cautions."""
        found = {}
        for one in self.config.sets:
            about = FORMATS[one.format]
            found[one.title] = {
                "format": one.format,
                "questions": len(questions[one.title]),
                "sha256": sha256(self.context.path(one.path)),
                "license": about.license,
                "eval_only": about.eval_only,
                "measures": about.measures,
                "caution": about.caution,
            }
        return found

    def of_reward(
        self, folder: Path, questions: Mapping[str, Sequence[Question]]
    ) -> dict[str, Any]:
        """Return the share of better choices that have the higher reward, ``reward_<set>``."""
        from prefdata.training.reward import RewardModel

        model = RewardModel.load(folder)
        found: dict[str, Any] = {}
        for title, own in questions.items():
            prompts = [_prompt(q) for q in own for _ in q.choices]
            texts = [(Message("assistant", c.strip()),) for q in own for c in q.choices]
            rewards = iter(model.score(prompts, texts))
            shares = {
                (n, q.subset): pair_share([next(rewards) for _ in q.choices], q.right)
                for n, q in enumerate(own)
            }
            found[f"reward_{title}"] = sum(shares.values()) / len(shares)
            found[f"reward_{title}_subsets"] = by_subset(shares)
        return found

    def of_policy(
        self, name: str, folder: Path, questions: Mapping[str, Sequence[Question]], out: Path
    ) -> dict[str, Any]:
        """Return what lm-evaluation-harness measures on the same files, ``<model>_<set>``."""
        from prefdata.training.lm_tasks import measure

        weights = folder / "model" if (folder / "model").is_dir() else folder
        return {
            f"{name}_{title}": value
            for title, value in measure(
                weights, questions, out / "tasks", self.config.batch_size
            ).items()
        }


def nothing_to_evaluate() -> ConfigError:
    """Return the error of an evaluation without a model."""
    return ConfigError(
        "there is nothing to evaluate",
        fix="name a step: 'inputs: {reward: ID}' or 'inputs: {model: ID}'",
    )


def _prompt(question: Question) -> tuple[Message, ...]:
    return (Message("user", question.prompt),) if question.prompt else ()


def pair_share(rewards: Sequence[float], right: int) -> float:
    """Return the share of (better, worse) pairs in the right order; a tie counts half."""
    better, worse = rewards[:right], rewards[right:]
    wins = sum((b > w) + 0.5 * (b == w) for b in better for w in worse)
    return float(wins / (len(better) * len(worse)))


def by_subset(shares: Mapping[tuple[int, str], float]) -> dict[str, float]:
    """Return the mean of each subset."""
    groups: dict[str, list[float]] = {}
    for (_, subset), share in shares.items():
        groups.setdefault(subset, []).append(share)
    return {name: sum(own) / len(own) for name, own in sorted(groups.items())}


def seen(questions: Mapping[str, Sequence[Question]], release: Path) -> dict[str, int]:
    """Return how many questions of each set stand as prompts in a release."""
    prompts = {
        " ".join(turn["content"].casefold().split())
        for split in SPLITS
        for row in read_split(release, "pairs", split)
        for turn in row["prompt"]
    }
    return {
        title: sum(bool(q.prompt) and " ".join(q.prompt.casefold().split()) in prompts for q in own)
        for title, own in questions.items()
    }


def report(metrics: Mapping[str, Any]) -> str:
    """Return a short Markdown report."""
    lines = ["# Evaluation", "", "| metric | value |", "|---|---|"]
    for name, value in metrics.items():
        if isinstance(value, float):
            lines.append(f"| {name} | {value:.4g} |")
    lines += ["", "## Sets", ""]
    for title, about in metrics["sets"].items():
        alone = ", for evaluation alone" if about["eval_only"] else ""
        lines.append(
            f"- **{title}**: {about['questions']} questions, {about['license']}{alone}. "
            f"Measures: {about['measures']}."
            + (f" Caution: {about['caution']}." if about["caution"] else "")
        )
    return "\n".join(lines) + "\n"
