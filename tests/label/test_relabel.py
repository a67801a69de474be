"""Relabel: one 1 and one 0 of every pair; rankings by their ends, or by all pairs."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from records import a_pair, answer, preferences

from prefdata.core.records import Completion, Preference
from prefdata.core.stage import Context
from prefdata.label.relabel import Relabel
from prefdata.store.arrow import encode
from prefdata.store.schemas import LABELS


def relabeled(records: list[Preference], rankings: str = "best_worst") -> list[dict[str, object]]:
    stage = Relabel(Relabel.Config.from_tree({"rankings": rankings}), Context())
    kept, drops = stage.table(encode(records))
    assert kept.schema == LABELS
    assert drops.num_rows == 0
    rows: list[dict[str, object]] = kept.to_pylist()
    return rows


def a_ranking(*ranks: int) -> Preference:
    answers = tuple(Completion(answer(f"{n}番目の答え"), rank) for n, rank in enumerate(ranks))
    return replace(a_pair(), kind="ranking", completions=answers)


def text(row: dict[str, object]) -> str:
    return row["completion"][0]["content"]  # type: ignore[index,no-any-return]  # a list of turns


def test_the_chosen_text_gets_1_and_the_rejected_text_0() -> None:
    pair = a_pair(chosen="右です。", rejected="左です。")

    rows = relabeled([pair])

    assert [(text(row), row["label"], row["pair_id"]) for row in rows] == [
        ("右です。", 1, pair.id),
        ("左です。", 0, pair.id),
    ]


@given(st.lists(preferences(), max_size=5), st.sampled_from(["best_worst", "all"]))
def test_every_pair_gives_one_1_and_one_0(records: list[Preference], rankings: str) -> None:
    rows = relabeled(records, rankings)

    by_pair: dict[tuple[object, object], list[object]] = {}
    for row in rows:
        by_pair.setdefault((row["record_id"], row["pair_id"]), []).append(row["label"])
    assert all(sorted(labels)[: len(labels) // 2] == [0] * (len(labels) // 2)
               and len(labels) % 2 == 0 for labels in by_pair.values())  # fmt: skip


@pytest.mark.parametrize(
    ("ranks", "rankings", "labels"),
    [
        ((1, 2, 3, 4), "best_worst", {"0番目の答え": [1], "3番目の答え": [0]}),
        ((1, 1, 1), "best_worst", {}),
        ((1, 2, 3), "all", {"0番目の答え": [1, 1], "1番目の答え": [0, 1], "2番目の答え": [0, 0]}),
    ],
)
def test_a_ranking_is_labeled_by_its_ends_or_by_all_pairs(
    ranks: tuple[int, ...], rankings: str, labels: dict[str, list[int]]
) -> None:
    found: dict[str, list[object]] = {}
    for row in relabeled([a_ranking(*ranks)], rankings):
        found.setdefault(text(row), []).append(row["label"])

    assert {name: sorted(own) for name, own in found.items()} == labels


def test_by_default_no_text_of_a_ranking_has_both_labels() -> None:
    rows = relabeled([a_ranking(1, 2, 3, 4)])

    assert len({text(row) for row in rows}) == len(rows) == 2
