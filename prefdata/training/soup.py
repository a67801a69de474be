"""The stage ``soup``: reward models of one start, averaged weight by weight into one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from prefdata.config.settings import Settings
from prefdata.core.errors import ConfigError
from prefdata.core.stage import Context
from prefdata.store.files import read_json, write_json
from prefdata.training import licenses
from prefdata.training.artifact import METRICS, content_of, write_manifest, write_metrics
from prefdata.training.data import release_of
from prefdata.training.reward import RewardConfig
from prefdata.training.scoring import RewardStage
from prefdata.training.session import need
from prefdata.training.settings import Licensing, Limit
from prefdata.training.thresholds import check_all, refuse_misses

if TYPE_CHECKING:
    from prefdata.store.dataset import Dataset

# What members must agree in for an average of their weights to mean anything.
SHARED = ("head", "input_template", "max_length", "tokenizer_sha256", "base_digest")


class Soup(RewardStage):
    """Average reward models that began at the same weights.

    Inputs: ``members``, a step with several seeds, and any other whose name begins so; ``pairs``,
    a release to measure with. ``greedy`` adds a member only where validation does not suffer.
    """

    version = 1
    foresee = staticmethod(licenses.foresee)

    class Config(Settings):
        """Settings of a soup."""

        method: Literal["uniform", "greedy"] = "uniform"
        folders: tuple[str, ...] = Field(default=(), description="reward directories beside inputs")
        release: str = Field(default="", description="a release folder, instead of an input")
        lang: str = Field(default="ja", description="rows of this language; empty: of all")
        gates: dict[str, Limit] = Field(default={}, description="metric: '>=0.65'; else code 6")
        licensing: Licensing = Licensing()

    def __init__(self, config: Config, context: Context) -> None:
        self.config = config
        self.context = context

    @staticmethod
    def plan(config: Config, context: Context) -> None:
        """Refuse what cannot work."""
        need("torch", "transformers", "matplotlib", by="soup")
        licenses.check(config.licensing, context, release=config.release)

    @staticmethod
    def content_key(config: Config, context: Context) -> str:
        """Return what lies at the paths that the settings name."""
        return content_of(context, [config.release, *config.folders])

    def run(self, inputs: Mapping[str, Dataset], out: Path) -> None:
        """Check the members, average them, measure the average."""
        folders = {name: dataset.path for name, dataset in inputs.items()}
        own = self.context.path(self.config.release) if self.config.release else None
        release = release_of(folders, "pairs", own)
        report = licenses.gate(release, None, self.config.licensing, self.context, folders)
        write_json(out / licenses.FILE, report)
        members = members_of(folders, [self.context.path(f) for f in self.config.folders])
        configs = [RewardConfig.read(member) for member in members]
        refuse_strangers(members, configs)
        metrics = self.cook(members, configs, release, out)
        checks = check_all(self.config.gates, metrics)
        write_metrics(out, metrics, checks)
        from prefdata.training.card import write_card

        write_card(out, "reward model", self.config, self.context, "soup", folders)
        write_manifest(out, "soup", self.config, self.context, folders)
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
