"""The audit bundle beside a release: what was decided for every record, on what evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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


def write_bundle(
    release: Path,
    records: Dataset,
    excluded: Sequence[Dataset],
    context: Context,
    gate: Mapping[str, Any],
    published: Path | None = None,
) -> Bundle:
    """Write the audit bundle into a release folder, in bounded memory.

    Call it when the data files are written and before the card, the manifest and Croissant: it
    writes ``audit/``, ``NOTICE``, ``LICENSE.md``, ``ATTRIBUTION.csv`` and ``license-texts/``; the
    card takes its fields from what is returned. After every other file is written, call
    `seal(release)`, which writes ``audit/SHA256SUMS`` over the whole release.

    Args:
        release: the folder; its Parquet files lie in ``pairs/``, ``labels/`` and so on.
        records: the step that the published rows come from (the license gate's).
        excluded: the steps whose drop logs hold records that the gate left out.
        context: the pipeline's context (`as_of`, `released`, `licenses`).
        gate: the settings of the license gate, as plain values.
        published: a Parquet file with the column `id` of every record that is published; without
            it, all of `records`.

    Raises:
        LicenseDenied: a record that would be published is not allowed.
    """
    raise NotImplementedError


def seal(release: Path) -> None:
    """Write ``audit/SHA256SUMS`` over every file of the release but itself and the manifest."""
    raise NotImplementedError
