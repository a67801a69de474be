"""The stage `publish`: records and labeled rows become a release that people can load."""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ClassVar

from prefdata.allocators import trim
from prefdata.core.errors import ConfigError, InputError
from prefdata.core.stage import Context, Kind
from prefdata.licensing.audit import Bundle, find_gate, seal, write_bundle
from prefdata.publish import samples
from prefdata.publish.card import SAMPLES, card_of, write_card
from prefdata.publish.croissant import croissant_of
from prefdata.publish.labels import Labels
from prefdata.publish.manifest import finish, manifest_of
from prefdata.publish.pointers import is_pointers_alone, write_pointers_alone
from prefdata.publish.report import BUILD, report_of
from prefdata.publish.settings import ReleaseSettings
from prefdata.publish.survey import Rules, survey
from prefdata.publish.write import write_data
from prefdata.store.dataset import Dataset
from prefdata.store.files import write_json, write_text


class Publish:
    """Writes the release: Parquet files of every view, card, manifest, report, audit bundle.

    Reads the records that the license gate let through and the rows of the relabel step. Memory is
    bounded: one look at all records decides, and keeps 22 bytes of each, then the texts stream.
    """

    version = 3
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
        """Write the release into an empty folder.

        Raises:
            InputError: the disk is full, or the folder cannot be written to.
        """
        try:
            self._run(inputs, out)
        except OSError as error:
            raise InputError(
                f"cannot write the release: {error.strerror or error}",
                str(error.filename2 or error.filename or out),
                "free some space, or use --out; the steps before it need not run again",
            ) from error

    def _run(self, inputs: Mapping[str, Dataset], out: Path) -> None:
        started = time.monotonic()
        config, context, pairs = self.config, self.context, inputs["pairs"]
        if is_pointers_alone(pairs):
            write_pointers_alone(pairs, config, context, out)
            return
        labels = Labels(out / ".labels.arrow", inputs, config.languages)
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="labels") as thread:
            spilling = thread.submit(labels.spill)
            decisions, found = survey(pairs, _rules(config, context), out)
            spilling.result()
        trim()
        files = write_data(pairs, labels, decisions, config, out)
        del decisions
        trim()
        manifest = manifest_of(pairs.path.parent, config, context, found, files)
        audit = write_bundle(out, pairs, context) if find_gate(pairs) else None
        shown = samples.kept(pairs, SAMPLES, without=_warned(audit))
        write_card(out, card_of(manifest, shown, audit))
        write_json(out / "croissant.json", croissant_of(manifest, audit))
        write_text(out / "report.html", report_of(_build(pairs), out, manifest, public=True))
        finish(out, manifest, started)
        seal(out, {file["path"]: file["sha256"] for file in manifest["files"]})


def _rules(config: ReleaseSettings, context: Context) -> Rules:
    return Rules(
        languages=config.languages,
        sizes=config.splits.sizes(),
        own_test=config.splits.own_test == "respect",
        contradictions=config.contradictions == "drop",
        seed=context.seed,
        near=config.splits.near,
    )


def _build(pairs: Dataset) -> Path | None:
    folder = pairs.path.parent
    return folder if (folder / BUILD).is_file() else None


def _warned(audit: Bundle | None) -> frozenset[str]:
    """Return the sources that carry a content warning: their texts are not shown on the card."""
    told = audit.sources if audit else ()
    return frozenset(source["id"] for source in told if source.get("content_warning"))
