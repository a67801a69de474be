"""The stage `publish`: records and labeled rows become a release that people can load."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from prefdata.core.errors import ConfigError
from prefdata.core.stage import Context, Kind
from prefdata.publish.card import write_card
from prefdata.publish.files import size_of
from prefdata.publish.manifest import write_manifest
from prefdata.publish.settings import ReleaseSettings
from prefdata.publish.survey import Rules, survey
from prefdata.publish.write import write_data
from prefdata.store.dataset import Dataset


class Publish:
    """Writes the release: Parquet files of every view, card, manifest, audit bundle.

    Reads the records that the license gate let through and the rows of the relabel step. Memory is
    bounded: one look at all records keeps 60 bytes of each, then the texts stream.
    """

    version = 1
    folder: ClassVar[str] = "release"
    writes: ClassVar[Kind] = "artifact"

    Config = ReleaseSettings

    def __init__(self, config: ReleaseSettings, context: Context) -> None:
        self.config = config
        self.context = context

    @staticmethod
    def plan(config: ReleaseSettings, context: Context) -> None:
        """Refuse settings that contradict each other.

        Raises:
            ConfigError: sizes of splits of two kinds, or above the whole.
        """
        size_of(config.shard_size)
        sizes = list(config.splits.sizes().values())
        counts = [size for size in sizes if isinstance(size, int) and size]
        shares = [size for size in sizes if isinstance(size, float) and size]
        if counts and shares:
            raise ConfigError(
                f"splits are both a count and a share: {sizes}",
                "the stage 'publish' (splits)",
                "write both as shares (0.01) or both as numbers of pairs (1000)",
            )
        if sum(shares) >= 1:
            raise ConfigError(
                f"validation and test take {sum(shares):.0%}: nothing is left to train on",
                "the stage 'publish' (splits)",
            )

    def run(self, inputs: Mapping[str, Dataset], out: Path) -> None:
        """Write the release into an empty folder."""
        config, context = self.config, self.context
        rules = Rules(
            languages=config.languages,
            sizes=config.splits.sizes(),
            own_test=config.splits.own_test == "respect",
            contradictions=config.contradictions == "drop",
            seed=context.seed,
        )
        found = survey(inputs["pairs"], rules)
        files = write_data(inputs, found, config, out)
        manifest = write_manifest(out, inputs["pairs"], config, context, found, files)
        write_card(out, manifest)
