"""Deduplication: whole comparisons, exact and near, whatever the order of records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
import yaml

from prefdata.core.records import Preference
from prefdata.core.stage import Context
from prefdata.filters.dedup import Dedup
from prefdata.store.arrow import encode
from prefdata.store.dataset import Dataset
from prefdata.store.shards import shard_name, write_shard
from tests.records import a_pair

TABLE: dict[str, dict[str, list[list[list[str]]]]] = yaml.safe_load(
    Path(__file__).with_name("duplicates.yaml").read_text(encoding="utf-8")
)
LONG = "むかしむかし、ある海辺の村に、魚よりも貝を集めるのが好きな漁師の一家が住んでいました。"
OTHER = "冬の朝、窓の外では雪が音もなく降り続き、猫はストーブの前で丸くなって眠っていました。"


def numbered(*records: Preference) -> list[Preference]:
    return [replace(r, id=f"{n:032x}", pair_key=f"{n}") for n, r in enumerate(records)]


def run(
    tmp_path: Path, records: Sequence[Preference], **settings: Any
) -> tuple[Dataset, list[str]]:
    tmp_path.mkdir(parents=True, exist_ok=True)
    half = len(records) // 2
    for number, part in enumerate((records[:half], records[half:])):
        write_shard(tmp_path / "in" / shard_name(number), encode(list(part)))
    out = tmp_path / "out"
    out.mkdir()
    stage = Dedup(Dedup.Config.from_tree(settings), Context())
    stage.run({"pairs": Dataset(tmp_path / "in")}, out)
    assert not (out / ".signatures").exists()
    left = Dataset(out)
    return left, [record.id for record in left.records()]


def codes(dataset: Dataset) -> set[str]:
    """Return what was found of any record, kept or dropped."""
    kept = {finding.code for record in dataset.records() for finding in record.findings}
    return kept | {reason for drop in dataset.drops() for reason in drop["reasons"]}


@pytest.mark.parametrize(
    ("code", "first", "second"),
    [(code, *row) for code, rows in TABLE.items() for row in rows["found"]],
)
def test_a_comparison_that_stands_twice_is_found(
    code: str, first: list[str], second: list[str], tmp_path: Path
) -> None:
    left, ids = run(tmp_path, numbered(a_pair(*first), a_pair(*second)))
    assert codes(left) == {code}
    assert len(ids) == (2 if code == "contradicting_labels" else 1)


@pytest.mark.parametrize(
    ("first", "second"), [row for rows in TABLE.values() for row in rows["clean"]]
)
def test_a_comparison_that_only_sounds_alike_is_kept(
    first: list[str], second: list[str], tmp_path: Path
) -> None:
    left, ids = run(tmp_path, numbered(a_pair(*first), a_pair(*second)))
    assert codes(left) == set()
    assert len(ids) == 2


def test_equal_comparisons_are_one_whatever_their_white_space_and_width(tmp_path: Path) -> None:
    records = numbered(a_pair(LONG), a_pair(LONG.replace("、", "、 ")), a_pair(OTHER))
    left, ids = run(tmp_path, records)
    assert ids == [records[0].id, records[2].id]
    (drop,) = left.drops()
    assert drop["reasons"] == ["duplicate_exact"]
    assert drop["findings"][0].detail == records[0].id


def test_a_comparison_that_is_nearly_equal_in_every_part_is_dropped(tmp_path: Path) -> None:
    records = numbered(a_pair(LONG, LONG + OTHER, OTHER), a_pair(LONG, LONG + OTHER[:-1], OTHER))
    left, ids = run(tmp_path, records)
    assert ids == [records[0].id]
    (drop,) = left.drops()
    assert drop["reasons"] == ["duplicate_near"]
    assert 0.85 <= drop["findings"][0].measured <= 1


@pytest.mark.parametrize(("first", "second"), [("はい。", "いいえ。"), ("3です。", "4です。")])
def test_short_answers_under_one_long_prompt_are_no_duplicates(
    first: str, second: str, tmp_path: Path
) -> None:
    records = numbered(a_pair(LONG * 5, first, "。"), a_pair(LONG * 5, second, "。"))
    assert run(tmp_path, records)[1] == [r.id for r in records]


def test_which_one_is_kept_does_not_depend_on_the_order(tmp_path: Path) -> None:
    texts = (LONG + OTHER, LONG + OTHER[:-1], LONG + OTHER[:-2])
    records = numbered(*(a_pair(LONG, text, OTHER) for text in texts))
    kept = {
        tuple(run(tmp_path / str(n), order)[1]) for n, order in enumerate(permutations(records))
    }
    assert kept == {(records[0].id,)}


def test_what_is_said_of_a_duplicate_does_not_depend_on_the_order_either(tmp_path: Path) -> None:
    texts = [LONG[n:] + OTHER + LONG[:n] for n in range(6)]
    records = numbered(*(a_pair(LONG, text, OTHER) for text in texts))
    said = set()
    for n, order in enumerate((records, records[::-1], records[3:] + records[:3])):
        drops = run(tmp_path / str(n), order)[0].drops()
        said.add(tuple(sorted((d["id"], d["findings"][0].measured) for d in drops)))
    assert len(said) == 1
    assert len(said.pop()) == 5


def test_equal_texts_with_the_opposite_preference_are_flagged_or_dropped(tmp_path: Path) -> None:
    record = a_pair(LONG, OTHER, "知りません。")
    records = numbered(record, record.swapped(), a_pair(OTHER))
    left, ids = run(tmp_path / "flag", records)
    assert ids == [r.id for r in records]
    flagged = [r.id for r in left.records() if r.findings]
    assert flagged == [records[0].id, records[1].id]
    assert run(tmp_path / "drop", records, contradictions="drop")[1] == [records[2].id]


def test_without_near_only_equal_ones_leave(tmp_path: Path) -> None:
    records = numbered(a_pair(LONG, OTHER), a_pair(LONG, OTHER[:-1]), a_pair(LONG, OTHER))
    assert run(tmp_path, records, near=False)[1] == [records[0].id, records[1].id]
