"""Encode and decode: the same records come back, from slices too."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from records import a_pair, preferences

from prefdata.core.errors import InputError, IntegrityError
from prefdata.core.finding import Drop, Finding, Skip
from prefdata.core.records import Preference
from prefdata.store.arrow import (
    decode,
    drops_of_table,
    encode,
    encode_drops,
    encode_skips,
    read_drops,
)
from prefdata.store.files import atomic
from prefdata.store.schemas import DROPS, PREFERENCES
from prefdata.store.shards import batches, read_shard, write_shard


@given(st.lists(preferences(), max_size=5), st.data())
def test_decoding_gives_the_encoded_records_back_slices_included(
    records: list[Preference], data: st.DataObject
) -> None:
    table = encode(records)
    start = data.draw(st.integers(0, len(records)))
    length = data.draw(st.integers(0, len(records) - start))

    assert table.schema == PREFERENCES
    assert decode(table) == records
    assert decode(table.slice(start, length)) == records[start : start + length]


@given(st.lists(preferences(), min_size=1, max_size=4))
def test_a_drop_keeps_the_whole_record_and_its_findings(records: list[Preference]) -> None:
    findings = (Finding("pair_collapsed", "pair", measured=0.9, limit=0.8), Finding("x", "chosen"))

    rows = list(read_drops(encode_drops([Drop(record, findings) for record in records])))

    assert [row["record"] for row in rows] == records
    assert [row["findings"] for row in rows] == [findings] * len(records)
    assert all(row["reasons"] == ["pair_collapsed", "x"] for row in rows)


def test_drops_of_rows_records_and_tables_share_one_log() -> None:
    pair = a_pair()
    log = pa.concat_tables(
        [
            encode_skips([Skip("7", "source_tie")], "test/source"),
            encode_drops([Drop(pair, (Finding("refusal", "chosen"),))]),
            drops_of_table(encode([pair, pair]).slice(1), ["UNDISCLOSED"], ["nobody said"]),
        ]
    )

    rows = list(read_drops(log))

    assert log.schema == DROPS
    assert [row["reasons"] for row in rows] == [["source_tie"], ["refusal"], ["UNDISCLOSED"]]
    assert [row["record"] for row in rows] == [None, pair, pair]


def test_the_same_table_gives_the_same_bytes(tmp_path: Path) -> None:
    records = [a_pair(row=str(n)) for n in range(20)]
    for name in ("a", "b"):
        write_shard(tmp_path / name, encode(records))

    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert decode(read_shard(tmp_path / "a")) == records
    assert [t.num_rows for t in batches(tmp_path / "a", 8)] == [8, 8, 4]


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    def fail() -> None:
        with atomic(path) as temporary:
            temporary.write_text("new, but")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()

    assert [p.name for p in tmp_path.iterdir()] == ["file"]
    assert path.read_text() == "old"


def test_a_full_disk_is_an_error_that_says_where_and_leaves_nothing(tmp_path: Path) -> None:
    def fill() -> None:
        with atomic(tmp_path / "part") as temporary:
            temporary.symlink_to("/dev/full")
            temporary.write_text("every write here finds the disk full")

    with pytest.raises(InputError, match="No space left") as caught:
        fill()

    assert caught.value.where == str(tmp_path / "part")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_not_parquet_is_an_integrity_error(tmp_path: Path) -> None:
    (tmp_path / "part").write_text("not parquet")

    with pytest.raises(IntegrityError, match="not a readable Parquet file"):
        read_shard(tmp_path / "part")
