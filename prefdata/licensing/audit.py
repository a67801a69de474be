"""The audit bundle beside a release: what was decided for every record, on what evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prefdata.core.stage import Context
from prefdata.store.dataset import Dataset


@dataclass(frozen=True)
class Bundle:
    """What the card and the manifest tell of an audit.

    `license`, `license_name`, `license_link` are the card's fields (rule R16); the last two are
    None for a single hub id. `sources` is the card's table: one mapping a source with `id, title,
    url, license, records, notice, intended_use, content_warning`. `terms` are the output terms
    that travel beside the license. `files` are paths under the release, written by the bundle.
    """

    license: str
    license_name: str | None
    license_link: str | None
    expression: str
    merkle_root: str
    terms: tuple[str, ...]
    sources: tuple[Mapping[str, Any], ...]
    files: tuple[str, ...]


def write_bundle(release: Path, records: Dataset, context: Context) -> Bundle:
    """Write the audit bundle into a release folder, in bounded memory.

    Call it when the data files are written and before card, Croissant and manifest: it writes
    ``audit/``, ``NOTICE``, ``LICENSE.md``, ``ATTRIBUTION.csv`` and ``license-texts/``, and returns
    what the card says. When every other file is there, the manifest too, call `seal`.

    Args:
        release: the folder; its Parquet files lie in ``pairs/``, ``labels/`` and so on.
        records: the step that the published rows come from; the license gate's step, with its
            settings and drop log, is found beside it through ``build.json``.
        context: the pipeline's context (`as_of`, `released`, `licenses`).

    Raises:
        LicenseDenied: a published record is not allowed.
        IntegrityError: a published row belongs to no record of the step.
    """
    raise NotImplementedError


def seal(release: Path) -> None:
    """Write ``audit/SHA256SUMS`` over every file of the release but itself."""
    raise NotImplementedError
