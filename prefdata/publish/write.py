"""The second look: records and labeled rows as Parquet files, view by view, split by split."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from prefdata.publish import views
from prefdata.publish.columns import I64, string_digests
from prefdata.publish.entries import BATCH, entries_of
from prefdata.publish.files import DataFile, SplitWriter, size_of
from prefdata.publish.groups import SPLITS
from prefdata.publish.settings import ReleaseSettings
from prefdata.publish.shuffle import Shuffle
from prefdata.publish.survey import Survey
from prefdata.store.dataset import Dataset


class View:
    """One config of the release: a writer for each split."""

    def __init__(self, folder: Path, config: str, schema: pa.Schema, size: int) -> None:
        self.schema = schema
        self.writers = [SplitWriter(folder, config, split, schema, size) for split in SPLITS]

    def write(self, rows: pa.Table, splits: Any) -> None:
        """Write rows to their splits, each in the order given."""
        for n, writer in enumerate(self.writers):
            own = splits == n
            if own.all():
                writer.write(rows)
            elif own.any():
                writer.write(rows.take(pa.array(np.flatnonzero(own))))

    def close(self) -> list[DataFile]:
        """Finish all files."""
        return [file for writer in self.writers for file in writer.close()]


def write_data(
    inputs: Mapping[str, Dataset], survey: Survey, config: ReleaseSettings, out: Path
) -> list[DataFile]:
    """Write every view and return the files, in the order of the contract.

    `pairs`, `rankings` and `sft` keep the order of the records, so that texts of one source lie
    together; `unpaired` and `labels` are ordered by the digest of the row's id, so that the two
    rows of a pair never stand side by side.
    """
    size = size_of(config.shard_size)
    pairs_schema = views.PAIRS_WITH_MARGIN if config.margin else views.PAIRS
    pairs = View(out, "pairs", pairs_schema, size)
    rankings = View(out, "rankings", views.RANKINGS, size)
    sft = View(out, "sft", views.SFT, size)
    shuffle = Shuffle(out / ".labels.arrow", survey.text_bytes)
    derived_langs = set(config.languages)
    if "labels" in inputs:
        derived_langs -= _spill_labels(inputs["labels"], survey, shuffle)
    for entries, rows, lang in _published(inputs["pairs"], survey, config.languages):
        splits = survey.split[rows]
        derived = views.derive(entries)
        table = views.pairs_view(entries, derived, margin=config.margin)
        pairs.write(table, splits[derived.row])
        is_ranking = entries.column("kind").to_numpy() == "ranking"
        if is_ranking.any():
            rankings.write(views.rankings_view(entries), splits[is_ranking])
        if config.sft:
            sft.write(views.sft_view(entries), splits)
        if lang in derived_langs:
            shuffle.add(
                _with_split(views.labeled(entries, derived), survey, rows[derived.row].repeat(2))
            )
    files = pairs.close()
    files += _write_labels(shuffle, config, out, size)
    return [*files, *rankings.close(), *sft.close()]


def _published(dataset: Dataset, survey: Survey, languages: Any) -> Any:
    """Yield (entries that are published, their numbers in the survey, language)."""
    start = 0
    for lang, table in entries_of(dataset, languages):
        rows = start + np.flatnonzero(survey.keep[start : start + len(table)])
        kept = table if len(rows) == len(table) else table.take(pa.array(rows - start))
        start += len(table)
        groups = survey.group_names(rows)
        yield kept.set_column(kept.column_names.index("group"), "group", groups), rows, lang


def _spill_labels(labels: Dataset, survey: Survey, shuffle: Shuffle) -> set[str]:
    """Spill the rows of published records and return their languages."""
    langs: set[str] = set()
    for table in labels.tables(2 * BATCH):
        rows = survey.lookup(string_digests(table.column("record_id")))
        known = np.flatnonzero(rows >= 0)
        kept = table if len(known) == len(table) else table.take(pa.array(known))
        langs.update(kept.column("lang").unique().to_pylist())
        shuffle.add(_with_split(kept, survey, rows[known]))
    return langs


def _with_split(table: pa.Table, survey: Survey, rows: I64) -> pa.Table:
    columns = {name: table.column(name) for name in table.column_names if name != "record_id"}
    columns["group"] = survey.group_names(rows)
    return pa.table(columns | {"split": survey.split[rows]})


def _write_labels(
    shuffle: Shuffle, config: ReleaseSettings, out: Path, size: int
) -> list[DataFile]:
    unpaired = View(out, "unpaired", views.UNPAIRED, size)
    labels = View(out, "labels", views.LABELS, size)
    template = config.template
    for rows in shuffle.tables():
        splits = rows.column("split").to_numpy()
        unpaired.write(views.unpaired_view(rows), splits)
        labels.write(views.labels_view(rows, template.markers(), template.separator), splits)
    return [*unpaired.close(), *labels.close()]
