"""Preference records to labeled rows: the chosen text gets 1, the rejected text 0."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from prefdata.config.settings import Settings
from prefdata.core.records import pair_id, pairs_of_ranks
from prefdata.core.stage import Context, Kind
from prefdata.store.schemas import DROPS, LABELS


class Relabel:
    """Makes two rows of every derived pair: label 1 for the better text, 0 for the worse.

    A ranking gives its best and its worst text. With ``rankings: all`` it gives the rows of all its
    pairs; a text in the middle then occurs with both labels, as often as people placed it above
    and below others, so that its mean label is its place in the ranking.
    """

    version = 2
    reads: ClassVar[Kind] = "preferences"
    writes: ClassVar[Kind] = "labels"

    class Config(Settings):
        """Settings of the stage `relabel`."""

        rankings: Literal["best_worst", "all"] = Field(
            default="best_worst", description="which texts of a ranking are labeled"
        )

    def __init__(self, config: Config, context: Context) -> None:
        self.pairing = config.rankings

    def table(self, table: pa.Table) -> tuple[pa.Table, pa.Table]:
        """Return labeled rows of schema `LABELS`, chosen and rejected in turn; nothing drops.

        Texts are taken by index, never decoded: ten times the speed of rows.
        """
        table = table.combine_chunks()
        completions = pc.list_flatten(table.column("completions"))
        pairs, rows, places, labels = [], [], [], []
        for row, place, pair, label in _labeled(table, self.pairing):
            pairs.append(pair)
            rows.append(row)
            places.append(place)
            labels.append(label)
        taken = table.select(["id", "prompt", "lang", "group", "source", "license"]).take(
            pa.array(rows, pa.int64())
        )
        columns = {
            "id": [f"{pair}-{label}" for pair, label in zip(pairs, labels, strict=True)],
            "pair_id": pairs,
            "record_id": taken.column("id"),
            "prompt": taken.column("prompt"),
            "completion": pc.struct_field(completions, "messages").take(
                pa.array(places, pa.int64())
            ),
            "label": labels,
        }
        rest = {name: taken.column(name) for name in ("lang", "group", "source", "license")}
        return pa.table(columns | rest, schema=LABELS), DROPS.empty_table()


def _labeled(table: pa.Table, pairing: str) -> Iterator[tuple[int, int, str, int]]:
    """Yield (row, place among all completions, pair id, label) of every labeled row."""
    ranks = pc.struct_field(pc.list_flatten(table.column("completions")), "rank").to_pylist()
    lengths = pc.list_value_length(table.column("completions")).to_pylist()
    plain = (table.column(name).to_pylist() for name in ("id", "kind"))
    start = 0
    for row, (length, record, kind) in enumerate(zip(lengths, *plain, strict=True)):
        for better, worse in pairs_of_ranks(ranks[start : start + length], pairing):
            pair = pair_id(record, kind, better, worse)
            yield row, start + better, pair, 1
            yield row, start + worse, pair, 0
        start += length
