"""Labeled rows on their way to `unpaired` and `labels`: spilled as they come, read by digest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from prefdata.publish import views
from prefdata.publish.columns import id_digests
from prefdata.publish.decisions import Decisions
from prefdata.publish.entries import BATCH, ahead
from prefdata.publish.shuffle import KEY, Shuffle
from prefdata.store.dataset import Dataset

_COLUMNS = ["id", "pair_id", "prompt", "completion", "label", "lang", "source", "license"]
RECORD = "digest of the record's id"


class Labels:
    """The rows of the relabel step, and those that are derived for languages it does not know.

    Which rows are published and in which split is asked when they are read back, so that they may
    be spilled while the records are still being looked at. `pairing` says how rankings are paired.
    """

    def __init__(
        self, scratch: Path, inputs: Mapping[str, Dataset], languages: Sequence[str]
    ) -> None:
        self.relabeled = inputs.get("labels")
        self.langs: set[str] = set()
        self.pairing = "best_worst"
        expected = self.relabeled.bytes if self.relabeled else 2 * inputs["pairs"].bytes
        self.shuffle = Shuffle(scratch, expected * len(languages))

    def spill(self) -> None:
        """Take the rows of the relabel step, if there is one."""
        if self.relabeled is None:
            return
        self.pairing = self.relabeled.manifest["settings"].get("rankings", self.pairing)
        for table in ahead(self.relabeled.tables(2 * BATCH)):
            self.langs.update(table.column("lang").unique().to_pylist())
            self._add(table)

    def derive(self, entries: pa.Table, derived: views.Derived, lang: str) -> None:
        """Take both texts of every pair, where the relabel step has no rows in this language."""
        if lang not in self.langs:
            self._add(views.labeled(entries, derived))

    def _add(self, table: pa.Table) -> None:
        records = pa.array(id_digests(table.column("record_id")))
        self.shuffle.add(table.select(_COLUMNS).append_column(RECORD, records))

    def tables(self, decisions: Decisions) -> Iterator[tuple[pa.Table, Any]]:
        """Yield (rows, their splits): published rows, split by split, by the digest of their id."""
        for bucket in self.shuffle.buckets():
            records = decisions.lookup(bucket.column(RECORD).to_numpy())
            splits, keys = decisions.split[records], bucket.column(KEY).to_numpy()
            order = np.lexsort((keys, splits))
            order = order[records[order] >= 0]
            # A source that two steps read gives its rows twice; the first ones are published.
            order = order[np.diff(keys[order], prepend=~keys[order[:1]]) != 0]
            rows = pa.Table.from_batches([bucket.select(_COLUMNS).take(pa.array(order))])
            yield rows.append_column("group", decisions.group_names(records[order])), splits[order]
