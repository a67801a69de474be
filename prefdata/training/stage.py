"""What the stages of this package have in common, said once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from prefdata.config.settings import Settings
from prefdata.core.errors import ConfigError, InputError, MissingExtra, UsageError
from prefdata.core.origin import Layer
from prefdata.core.stage import Context
from prefdata.store.files import write_json
from prefdata.training import licenses
from prefdata.training.artifact import content_of, write_manifest
from prefdata.training.data import no_release, release_of
from prefdata.training.remote_code import made_before
from prefdata.training.settings import BaseModelSettings, Licensing

if TYPE_CHECKING:
    from prefdata.training.card import Kind

TORCH = ("torch", "transformers", "accelerate")


class PlugIn:
    """A stage whose settings name files, folders and packages.

    What is not there is data for `plan` and an error for `build`: planning needs no torch.
    """

    version: ClassVar[int] = 1
    name: ClassVar[str]
    Config: ClassVar[type[Any]]
    config: Any  # each stage names its own Config

    def __init__(self, config: Any, context: Context) -> None:
        self.config = config
        self.context = context

    @classmethod
    def packages(cls, config: Any, inputs: Collection[str]) -> Mapping[str, Sequence[str]]:
        """Return the modules that `run` imports, by the extra that brings them."""
        return {"train": TORCH}

    @classmethod
    def named(cls, config: Any) -> list[str]:
        """Return the files and folders that the settings name; empty ones are no matter."""
        return []

    @classmethod
    def content_key(cls, config: Any, context: Context) -> str:
        """Return what lies at the paths that the settings name."""
        return content_of(context, cls.named(config))

    @classmethod
    def lacks(cls, config: Any, context: Context, inputs: Collection[str]) -> list[UsageError]:
        """Return what must be installed, built, fetched or named before the stage can run."""
        found: list[UsageError] = [
            MissingExtra.needed(missing[0], by=cls.name, extra=extra)
            for extra, modules in cls.packages(config, inputs).items()
            if (missing := [module for module in modules if find_spec(module) is None])
        ]
        return found + [
            InputError(
                "there is no such file or folder",
                str(context.path(name)),
                "build or fetch it first, or name another one with --set",
            )
            for name in cls.named(config)
            if name and not context.path(name).exists()
        ]


class TrainingSettings(Settings):
    """What every stage that makes a model out of a release can be told."""

    release: str = Field(default="", description="a release folder, instead of an input")
    licensing: Licensing = Licensing()


class TrainingStage(PlugIn):
    """A stage that makes something of a release's rows, and of models, as far as licenses allow.

    `release_inputs` names the inputs that may hold the release, `start` the setting and the input
    that hold the model to start from.
    """

    release_inputs: ClassVar[tuple[str, ...]] = ("pairs",)
    start: ClassVar[str] = ""

    @classmethod
    def models(cls, config: Any) -> list[str]:
        """Return the folders of models made before that the settings name."""
        return []

    @classmethod
    def texts(cls, config: Any) -> dict[str, str]:
        """Return files of texts to learn from, beside the release: path to registry entry."""
        return {}

    @classmethod
    def named(cls, config: Any) -> list[str]:
        """Return the files and folders that the settings name, a base model's apart."""
        return [config.release, *cls.models(config), *cls.texts(config)]

    @classmethod
    def base_setting(cls, config: Any) -> BaseModelSettings | None:
        """Return the model to start from, where the settings name one."""
        return getattr(config, cls.start) if cls.start else None

    @classmethod
    def content_key(cls, config: Any, context: Context) -> str:
        """Return what lies at the paths that the settings name."""
        base = cls.base_setting(config)
        return content_of(context, [*cls.named(config), base.path if base else ""])

    @classmethod
    def lacks(cls, config: Any, context: Context, inputs: Collection[str]) -> list[UsageError]:
        """Return what must be installed, built, fetched or named before the stage can run."""
        base = cls.base_setting(config)
        found = super().lacks(config, context, inputs)
        if not config.release and not set(cls.release_inputs) & set(inputs):
            found.append(no_release(cls.release_inputs[0]))
        if cls.start and base is None and cls.start not in inputs:
            found.append(no_model(cls.start))
        if base is not None and not context.path(base.path).is_dir() and not base.is_pinned:
            found.append(
                InputError(
                    "there is no such model folder, and a model of the hub needs its commit",
                    base.path,
                    "fetch it, name another folder, or add 'revision' with 40 hex digits",
                )
            )
        return found

    @classmethod
    def foresee(
        cls, config: Any, context: Context, combinations: Sequence[tuple[Layer, ...]]
    ) -> dict[str, Any]:
        """Return `{verdict, reasons}`: what `permit` will say, as far as it can be known now."""
        release = context.path(config.release) if config.release else None
        return licenses.foresee(
            config.licensing,
            context,
            dict.fromkeys(combinations, 0) if release is None else {},
            release=release,
            base=cls.base_setting(config),
            models=[context.path(name) for name in cls.models(config)],
            texts=cls.texts(config),
        )

    def permit(self, folders: Mapping[str, Path], out: Path) -> None:
        """Decide the licenses of all that goes in, before torch is imported; write the report.

        Raises:
            LicenseDenied: something is denied.
            LicenseReview: something waits for a person.
        """
        models = [self.context.path(name) for name in self.models(self.config)]
        report = licenses.gate(
            self.release(folders),
            self.known_base(folders),
            self.config.licensing,
            self.context,
            [*folders.values(), *models],
            texts=self.texts(self.config),
        )
        write_json(out / licenses.FILE, report)

    def release(self, folders: Mapping[str, Path]) -> Path:
        """Return the release that the rows come from: the setting's, else an input's."""
        own = self.context.path(self.config.release) if self.config.release else None
        name = next((name for name in self.release_inputs if name in folders), "")
        return release_of(folders, name or self.release_inputs[0], own)

    def base(self, folders: Mapping[str, Path]) -> BaseModelSettings:
        """Return the model to start from.

        Raises:
            ConfigError: neither a setting nor an input names one.
        """
        found = self.known_base(folders)
        if found is None:
            raise no_model(self.start)
        return found

    def known_base(self, folders: Mapping[str, Path]) -> BaseModelSettings | None:
        """Return the model to start from, the setting's or an input's; None if there is none."""
        own = self.base_setting(self.config)
        if own is not None:
            local = self.context.path(own.path)
            return own.model_copy(update={"path": str(local)}) if local.is_dir() else own
        if self.start in folders:
            return made_before((folders[self.start] / "model").absolute())
        return None

    def sign(self, folders: Mapping[str, Path], out: Path, *, card: Kind | None = None) -> None:
        """Write the card, if this is a model of that kind, and the manifest over all files."""
        from prefdata.training.card import write_card

        parents = self.parents(folders)
        if card:
            write_card(out, card, self.known_base(folders), self.context, self.name, parents)
        write_manifest(out, self.name, self.config, self.context, parents)

    def parents(self, folders: Mapping[str, Path]) -> dict[str, Path]:
        """Return what went in by name: inputs, and what the settings name instead of one."""
        base = self.base_setting(self.config)
        named = {
            "release": self.config.release,
            self.start: base.path if base else "",
            **{f"model {n}": name for n, name in enumerate(self.models(self.config), 1)},
            **{f"texts {n}": name for n, name in enumerate(self.texts(self.config), 1)},
        }
        return {**folders, **{key: self.context.path(name) for key, name in named.items() if name}}


def no_model(start: str) -> ConfigError:
    """Return the error of a stage that has no model to start from."""
    return ConfigError(
        "there is no model to start from",
        fix=f"give '{start}: {{path: …}}', or an input: 'inputs: {{{start}: ID}}'",
    )
