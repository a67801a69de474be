"""No dialogue is in two splits, whatever its rows look like and however the data grows."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefdata.core.records import Message, group_of
from prefdata.publish.groups import TEST, VALIDATION, by_count, by_share, draw, merge
from tests.publish.conftest import a_record

Run = Callable[..., Path]
HALVES = {"test": 0.25, "validation": 0.25}


def split_of(release: Path, config: str = "pairs") -> dict[str, tuple[str, str]]:
    """Split and group of every row, by id."""
    found = {}
    for file in sorted((release / config).iterdir()):
        for row in pq.read_table(file, columns=["id", "group"]).to_pylist():
            found[row["id"]] = (file.name.partition("-")[0], row["group"])
    return found


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(-1, 9)), min_size=1, max_size=40))
def test_groups_are_merged_exactly_where_a_chain_of_links_joins_them(
    edges: list[tuple[int, int]],
) -> None:
    groups, links = (np.array(column, np.int64) for column in zip(*edges, strict=True))

    merged = merge(groups, links, 10)

    parents = list(range(10))

    def root(n: int) -> int:
        return n if parents[n] == n else root(parents[n])

    first: dict[int, int] = {}
    for group, link in edges:
        if link >= 0:
            a, b = root(group), root(first.setdefault(link, group))
            parents[max(a, b)] = min(a, b)
    assert merged.tolist() == [root(n) for n in range(10)]


@given(
    st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=200, unique=True), st.integers(0, 9)
)
def test_a_groups_split_does_not_depend_on_other_groups(digests: list[int], seed: int) -> None:
    shares = {TEST: 0.2, VALIDATION: 0.1}
    together = by_share(draw(np.array(digests, np.uint64), seed), shares)
    alone = [by_share(draw(np.array([d], np.uint64), seed), shares)[0] for d in digests]

    assert together.tolist() == alone


def test_shares_hold_in_every_source_and_change_with_the_seed(publish: Run) -> None:
    records = [a_record(n, source=f"example/{'ab'[n % 2]}") for n in range(2000)]
    release = publish(records, splits=HALVES)

    sources = json.loads((release / "manifest.json").read_bytes())["sources"]
    for source in sources:
        assert source["pairs"]["test"] == pytest.approx(250, abs=55)  # 4 standard deviations
        assert source["pairs"]["validation"] == pytest.approx(250, abs=55)
    assert split_of(release) != split_of(publish(records, splits=HALVES, seed=1))


def test_counts_are_met_and_divided_among_sources_by_their_size(publish: Run) -> None:
    records = [a_record(n, source=f"example/{'ab'[n % 4 == 0]}") for n in range(400)]
    release = publish(records, splits={"test": 40, "validation": 20})

    sources = json.loads((release / "manifest.json").read_bytes())["sources"]
    assert {s["id"]: (s["pairs"]["test"], s["pairs"]["validation"]) for s in sources} == {
        "example/a": (30, 15),
        "example/b": (10, 5),
    }


def test_a_large_group_neither_exceeds_a_count_nor_leaves_it_empty() -> None:
    split = by_count(
        np.array([0.1, 0.2, 0.3, 0.4]), np.array([50, 5, 30, 15]), np.zeros(4, int), {TEST: 20}
    )

    assert split.tolist() == [0, TEST, 0, TEST]


@given(st.lists(st.integers(0, 40), min_size=1, max_size=60), st.integers(0, 300), st.integers(0))
def test_a_count_is_filled_as_far_as_groups_fit(sizes: list[int], count: int, seed: int) -> None:
    pairs = np.array(sizes)
    drawn = np.random.default_rng(seed).random(len(sizes))
    test = by_count(drawn, pairs, np.zeros(len(sizes), int), {TEST: count}) == TEST

    room = count - pairs[test].sum()
    assert room >= 0
    assert all(size > room for size in pairs[~test])


def test_rows_stay_in_their_split_when_data_grows(publish: Run) -> None:
    before = split_of(publish([a_record(n) for n in range(300)], splits=HALVES))
    after = split_of(publish([a_record(n) for n in range(900)], splits=HALVES))

    assert all(after[row][0] == split for row, (split, _) in before.items())


def test_what_continues_a_dialogue_and_what_shares_its_first_turn_lie_in_one_split(
    publish: Run,
) -> None:
    records = []
    for n in range(80):
        records.append(a_record(f"{n}a", f"話{n}", group=f"one {n}"))
        records.append(a_record(f"{n}b", f"話{n}", "うん。", "それで？", group=f"two {n}"))
        records.append(a_record(f"{n}c", f"別の話{n}", group=f"two {n}"))
    placed = split_of(publish(records, splits=HALVES))

    for a, b, c in zip(*([iter(records)] * 3), strict=True):
        assert len({placed[r.id] for r in (a, b, c)}) == 1
    assert {split for split, _ in placed.values()} == {"train", "validation", "test"}


def test_a_dialogue_that_touches_the_sources_own_test_split_goes_to_test_whole(
    publish: Run,
) -> None:
    records = []
    for n in range(60):
        own = "test" if n % 10 == 0 else "train"
        records.append(a_record(n, f"話{n // 2}", answers=(f"良{n}", "悪"), split=own))
    release = publish(records, splits={"test": 0.0, "validation": 0.0})

    (source,) = json.loads((release / "manifest.json").read_bytes())["sources"]
    assert source["pairs"] == {"train": 48, "validation": 0, "test": 12}
    assert source["moved_to_test"] == 6


def test_the_sources_own_test_split_can_be_ignored(publish: Run) -> None:
    records = [a_record(n, split="test") for n in range(20)]
    release = publish(records, splits={"test": 0.0, "validation": 0.0, "own_test": "ignore"})

    assert {split for split, _ in split_of(release).values()} == {"train"}


LONG = "東京から大阪まで新幹線で移動するとき、どの席を選べば富士山がよく見えるか教えてください。"


def test_nearly_equal_first_turns_lie_in_one_split_only_when_asked(publish: Run) -> None:
    records = [
        a_record(f"{n}{side}", f"案件{n:03d}：{LONG * 2}その{n:03d}番。{end}")
        for n in range(60)
        for side, end in (("a", "お願いします。"), ("b", "お願いします！"))
    ]
    apart = split_of(publish(records, splits=HALVES))
    release = publish(records, splits={**HALVES, "near": 0.95})
    together = split_of(release)

    twins = list(zip(records[::2], records[1::2], strict=True))
    assert any(apart[a.id][0] != apart[b.id][0] for a, b in twins)
    assert all(together[a.id] == together[b.id] for a, b in twins)
    counts = json.loads((release / "manifest.json").read_bytes())["counts"]
    assert counts["near_prompts_joined"] + counts["groups"] == len(records)
    assert not (release / ".signatures").exists()


def test_what_near_turns_join_does_not_depend_on_the_order_of_records(publish: Run) -> None:
    records = [a_record(n, f"{LONG}{n // 2:02d}{'。！'[n % 2]}") for n in range(40)]
    settings = {"splits": {**HALVES, "near": 0.85}}

    assert split_of(publish(records, **settings)) == split_of(publish(records[::-1], **settings))


def test_short_first_turns_are_joined_only_if_equal_but_for_width_and_case(publish: Run) -> None:
    texts = ["Go on.", "Ｇｏ ｏｎ.", "Go on!", "続けて。"]
    release = publish([a_record(n, text) for n, text in enumerate(texts)], splits={"near": 0.85})

    groups = [group for _, group in sorted(split_of(release).values())]
    assert len(set(groups)) == 3


def real_rows(shared_data: Path) -> list[Any]:
    """The real slice as records: turns of both sides, split at the last assistant turn."""
    path = shared_data / "hh-rlhf" / "harmless-base.test.rows-0000-1799.jsonl.gz"
    records = []
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for n, line in enumerate(lines):
            sides = json.loads(line)
            turns = [
                re.split(r"\n\n(?:Human|Assistant): ?", sides[s])[1:]
                for s in ("chosen", "rejected")
            ]
            if turns[0][:-1] != turns[1][:-1] or not turns[0][-1] or not turns[1][-1]:
                continue
            prompt = tuple(
                Message("user" if k % 2 == 0 else "assistant", t)
                for k, t in enumerate(turns[0][:-1])
            )
            answers = (turns[0][-1], turns[1][-1])
            record = a_record(n, *turns[0][:-1], answers=answers, lang="en", group=group_of(prompt))
            records.append(record)
    return records


def test_no_dialogue_of_the_real_slice_is_in_two_splits(publish: Run, shared_data: Path) -> None:
    release = publish(real_rows(shared_data), languages=["en"], splits=HALVES)

    first_turns: dict[str, set[str]] = {}
    whole: dict[str, str] = {}
    for file in (release / "pairs").iterdir():
        split = file.name.partition("-")[0]
        for row in pq.read_table(file, columns=["prompt", "chosen"]).to_pylist():
            first_turns.setdefault(row["prompt"][0]["content"].strip(), set()).add(split)
            texts = [m["content"].strip() for m in (*row["prompt"], *row["chosen"])]
            for n in range(2, len(texts) + 1):
                key = "\n".join(texts[:n])
                assert whole.setdefault(key, split) == split
    assert len(first_turns) > 1400
    assert all(len(splits) == 1 for splits in first_turns.values())
