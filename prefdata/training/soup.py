"""The stage ``soup``: reward models of one start, averaged weight by weight into one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from prefdata.core.errors import ConfigError
from prefdata.core.stage import Context
from prefdata.store.files import read_json
from prefdata.training.artifact import METRICS, write_metrics
from prefdata.training.metrics import NUMBERS
from prefdata.training.reward import RewardConfig
from prefdata.training.scoring import RewardStage
from prefdata.training.settings import Limit
from prefdata.training.stage import TORCH, TrainingSettings
from prefdata.training.thresholds import check_all, refuse_misses, refuse_unknown

if TYPE_CHECKING:
    from prefdata.store.dataset import Dataset

# What members must agree in for an average of their weights to mean anything.
SHARED = ("head", "input_template", "max_length", "tokenizer_sha256", "base_digest")


class Soup(RewardStage):
    """Average reward models that began at the same weights.

    Inputs: ``members``, a step with several seeds, and any other whose name begins so; ``pairs``,
    a release to measure with. ``greedy`` adds a member only where validation does not suffer.
    """

    name = "soup"

    class Config(TrainingSettings):
        """Settings of a soup."""

        method: Literal["uniform", "greedy"] = "uniform"
        folders: tuple[str, ...] = Field(default=(), description="reward directories beside inputs")
        lang: str = Field(default="ja", description="rows of this language; empty: of all")
        gates: dict[str, Limit] = Field(default={}, description="metric: '>=0.65'; else code 6")

    config: Config

    @classmethod
    def packages(cls, config: Config, inputs: Collection[str]) -> Mapping[str, Sequence[str]]:
        """Return the modules that `run` imports, by the extra that brings them."""
        return {"train": (*TORCH, "matplotlib")}

    @classmethod
    def models(cls, config: Config) -> list[str]:
        """Return the reward directories that the settings name."""
        return list(config.folders)

    @staticmethod
    def plan(config: Config, context: Context) -> None:
        """Refuse thresholds on unknown metrics."""
        refuse_unknown(config.gates, NUMBERS, context.step)

    def run(self, inputs: Mapping[str, Dataset], out: Path) -> None:
        """Check the members, average them, measure the average."""
        folders = {name: dataset.path for name, dataset in inputs.items()}
        self.permit(folders, out)
        members = members_of(folders, [self.context.path(f) for f in self.config.folders])
        configs = [RewardConfig.read(member) for member in members]
        refuse_strangers(members, configs)
        metrics = self.cook(members, configs, self.release(folders), out)
        checks = check_all(self.config.gates, metrics)
        write_metrics(out, metrics, checks)
        self.sign(folders, out, card="reward model")
        refuse_misses(checks, str(out))

    def cook(
        self, members: Sequence[Path], configs: Sequence[RewardConfig], release: Path, out: Path
    ) -> dict[str, Any]:
        """Average by the method, write the reward directory, and return its metrics."""
        from prefdata.training.measure import Measured

        measured = Measured(members[0], release, self.config.lang)
        weights = [read_weights(member) for member in members]
        chosen = list(range(len(members)))
        if self.config.method == "greedy":
            chosen = greedy(weights, measured.validation_accuracy)
        metrics = measured.write(average([weights[n] for n in chosen]), configs[0], out)
        accuracies = [read_json(member / METRICS)["metrics"]["pairwise_acc"] for member in members]
        return {
            **metrics,
            "members": {m.name: a for m, a in zip(members, accuracies, strict=True)},
            "used": [members[n].name for n in chosen],
        }


def members_of(folders: Mapping[str, Path], more: Sequence[Path]) -> list[Path]:
    """Return the reward directories: the members of steps with several seeds, and plain ones.

    Raises:
        ConfigError: there are fewer than two.
    """
    given = [path for name, path in sorted(folders.items()) if name.startswith("members")]
    found: list[Path] = []
    for path in [*given, *more]:
        inside = sorted((path / "members").glob("*")) if (path / "members").is_dir() else []
        found += inside or [path]
    if len(found) < 2:
        raise ConfigError(
            f"a soup needs at least two members, there are {len(found)}",
            fix="train with 'seeds: [0, 1, 2]' and name that step: 'inputs: {members: ID}'",
        )
    return found


def refuse_strangers(members: Sequence[Path], configs: Sequence[RewardConfig]) -> None:
    """Refuse members that differ in what must be the same.

    Averages of unrelated weights need not even look bad, so nothing but these checks catches them.

    Raises:
        ConfigError: the first difference is named.
    """
    first = asdict(configs[0])
    for member, config in zip(members[1:], configs[1:], strict=True):
        other = asdict(config)
        for name in SHARED:
            if other[name] != first[name]:
                raise ConfigError(
                    f"the members {members[0].name} and {member.name} differ in {name}",
                    str(member),
                    "average only models of one base, tokenizer and template, trained by one step",
                )
        names = [[aspect["name"] for aspect in tree["aspects"]] for tree in (first, other)]
        if names[0] != names[1]:
            raise ConfigError("the members have different aspects", str(member))


def read_weights(member: Path) -> dict[str, Any]:
    """Return a member's weights by name, those of sharded files too."""
    from safetensors.torch import load_file

    found: dict[str, Any] = {}
    for file in sorted((member / "model").glob("*.safetensors")):
        found.update(load_file(file))
    return found


def average(members: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the mean of weights by name; what is no floating-point number is the first's.

    Raises:
        ConfigError: names, shapes or types differ.
    """
    import torch

    first = members[0]
    for other in members[1:]:
        if {k: (v.shape, v.dtype) for k, v in other.items()} != {
            k: (v.shape, v.dtype) for k, v in first.items()
        }:
            raise ConfigError("the members' weights differ in names, shapes or types")
    return {
        name: torch.stack([m[name].double() for m in members]).mean(0).to(value.dtype)
        if value.is_floating_point()
        else value
        for name, value in first.items()
    }


def greedy(
    members: Sequence[Mapping[str, Any]], accuracy: Callable[[dict[str, Any]], float]
) -> list[int]:
    """Return which members to take, best first, each only if the mean with it is no worse.

    Wortsman et al. 2022, recipe 1.
    """
    order = sorted(range(len(members)), key=lambda n: -accuracy(dict(members[n])))
    taken, best = order[:1], accuracy(dict(members[order[0]]))
    for n in order[1:]:
        tried = accuracy(average([members[m] for m in [*taken, n]]))
        if tried >= best:
            taken, best = [*taken, n], tried
    return taken
