"""The second look: records and labeled rows as Parquet files, view by view, split by split."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from prefdata.allocators import trim
from prefdata.publish import views
from prefdata.publish.columns import I64
from prefdata.publish.decisions import Decisions
from prefdata.publish.entries import entries_of
from prefdata.publish.files import DataFile, SplitWriter, size_of
from prefdata.publish.groups import SPLITS
from prefdata.publish.labels import Labels
from prefdata.publish.settings import ReleaseSettings
from prefdata.store.dataset import Dataset

AHEAD = 2


class View:
    """One config of the release: a writer for each split, all in a thread of their own.

    Compressing takes most of the time and leaves the interpreter free. `AHEAD` tables may wait.
    """

    def __init__(self, folder: Path, config: str, schema: pa.Schema, size: int) -> None:
        self.writers = [SplitWriter(folder, config, split, schema, size) for split in SPLITS]
        self.thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=config)
        self.waiting: deque[Future[None]] = deque()

    def write(self, rows: pa.Table, splits: Any) -> None:
        """Write rows to their splits, each in the order given; rows come split by split."""
        while len(self.waiting) >= AHEAD:
            self.waiting.popleft().result()
        self.waiting.append(self.thread.submit(self._write, rows, splits))

    def _write(self, rows: pa.Table, splits: Any) -> None:
        edges = np.searchsorted(splits, np.arange(len(self.writers) + 1))
        for writer, (start, end) in zip(self.writers, pairwise(edges.tolist()), strict=True):
            part = rows.slice(start, end - start)
            # A small part is copied: while it waits, a slice would hold the whole table in memory.
            small = 2 * len(part) < len(rows)
            writer.write(rows.take(pa.array(np.arange(start, end))) if small else part)

    def close(self) -> Future[list[DataFile]]:
        """Let all files be finished once their rows are written."""
        closing = self.thread.submit(self._close)
        self.thread.shutdown(wait=False)
        return closing

    def _close(self) -> list[DataFile]:
        for written in self.waiting:
            written.result()
        return [file for writer in self.writers for file in writer.close()]


def write_data(
    pairs: Dataset, labels: Labels, decisions: Decisions, config: ReleaseSettings, out: Path
) -> list[DataFile]:
    """Write every view and return the files, in the order of the contract.

    `pairs`, `rankings` and `sft` keep the order of the records, so that texts of one source lie
    together; `unpaired` and `labels` are ordered by the digest of the row's id, so that the two
    rows of a pair never stand side by side.
    """
    records = _Records(decisions, config, out)
    for entries, rows, lang in _numbered(pairs, decisions, config.languages):
        records.write(entries, rows)
        labels.derive(entries, views.derive(entries, labels.pairing), lang)
    paired = records.pairs.close()
    trim()  # else what both halves have freed would lie side by side
    closing = [
        paired,
        *_write_labels(labels, decisions, config, out),
        records.rankings.close(),
        records.sft.close(),
    ]
    return [file for closed in closing for file in closed.result()]


class _Records:
    """The views that keep the order of the records."""

    def __init__(self, decisions: Decisions, config: ReleaseSettings, out: Path) -> None:
        size = size_of(config.shard_size)
        schema = views.PAIRS_WITH_MARGIN if config.margin else views.PAIRS
        self.decisions = decisions
        self.config = config
        self.pairs = View(out, "pairs", schema, size)
        self.rankings = View(out, "rankings", views.RANKINGS, size)
        self.sft = View(out, "sft", views.SFT, size)

    def write(self, entries: pa.Table, rows: I64) -> None:
        """Write what is published of some entries, their numbers `rows`."""
        split = self.decisions.split[rows]
        derived = _in_order(views.derive(entries), self.decisions, rows)
        table = views.pairs_view(entries, derived, margin=self.config.margin)
        self.pairs.write(table, split[derived.row])
        kept = self.decisions.keep[rows]
        ranked = _by_split(
            np.flatnonzero(kept & (entries.column("kind").to_numpy() == "ranking")), split
        )
        if len(ranked):
            view = views.rankings_view(entries.take(pa.array(ranked)))
            self.rankings.write(view, split[ranked])
        if self.config.sft:
            preferred = _by_split(np.unique(derived.row), split)  # of a tie no answer is
            view = views.sft_view(entries.take(pa.array(preferred)))
            self.sft.write(view, split[preferred])


def _numbered(
    dataset: Dataset, decisions: Decisions, languages: Sequence[str]
) -> Iterator[tuple[pa.Table, I64, str]]:
    """Yield (entries under their published groups, their numbers, language)."""
    start = 0
    for lang, table in entries_of(dataset, languages):
        rows = start + np.arange(len(table))
        start += len(table)
        groups = decisions.group_names(rows)
        yield table.set_column(table.column_names.index("group"), "group", groups), rows, lang


def _in_order(derived: views.Derived, decisions: Decisions, rows: I64) -> views.Derived:
    """Return the pairs of published entries, split by split."""
    kept = np.flatnonzero(decisions.keep[rows[derived.row]])
    return derived.only(_by_split(kept, decisions.split[rows[derived.row]]))


def _by_split(index: I64, splits: Any) -> I64:
    return index[np.argsort(splits[index], kind="stable")]


def _write_labels(
    labels: Labels, decisions: Decisions, config: ReleaseSettings, out: Path
) -> list[Future[list[DataFile]]]:
    size = size_of(config.shard_size)
    unpaired = View(out, "unpaired", views.UNPAIRED, size)
    texts = View(out, "labels", views.LABELS, size)
    template = config.template
    for rows, splits in labels.tables(decisions):
        unpaired.write(views.unpaired_view(rows), splits)
        texts.write(views.labels_view(rows, template.markers(), template.separator), splits)
    return [unpaired.close(), texts.close()]
