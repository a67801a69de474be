"""What publishing holds in memory grows by few bytes a record, and by no rows that wait."""

from __future__ import annotations

import tracemalloc
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryFile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from prefdata.publish.files import SplitWriter
from prefdata.publish.groups import TEST
from prefdata.publish.seen import COLUMNS, Names, Seen
from prefdata.publish.survey import Rules, decide

RULES = Rules(languages=["ja"], sizes={TEST: 0.01}, own_test=True, contradictions=True, seed=0)


def see(n: int, seen: Seen) -> None:
    """Entries of which a third share their group, a tenth their first turn, a tenth their texts."""
    draw = np.random.default_rng(0)
    serial = np.arange(n, dtype=np.uint64)
    seen.add(
        id=draw.permutation(serial),
        group=serial * 2 // 3,
        link=draw.permutation(serial) * 9 // 10 + 1,
        text=draw.permutation(serial) * 9 // 10,
        options=draw.permutation(serial) * 9 // 10,
        source=np.zeros(n),
        pairs=np.ones(n),
        tie=np.zeros(n),
        own_test=serial % 1000 == 0,
    )


def test_deciding_takes_few_bytes_a_record() -> None:
    n = 200_000
    names = Names(numbers={"example/a": 0}, kinds={}, revisions={}, licenses={})
    with ExitStack() as stack:
        seen = Seen({name: stack.enter_context(TemporaryFile()) for name in COLUMNS})
        see(n, seen)
        tracemalloc.start()
        try:
            decisions, _ = decide(seen, names, RULES, None)
            held, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

    assert 0 < np.count_nonzero(decisions.keep) < n
    assert held <= 23 * n
    assert peak <= 50 * n


@pytest.mark.parametrize(
    ("split", "groups"), [("train", [2500]), ("validation", [1000, 1000, 500])]
)
def test_rows_of_a_small_split_do_not_wait_for_a_large_row_group(
    tmp_path: Path, split: str, groups: list[int]
) -> None:
    rows = pa.table({"id": [f"{n:032x}" for n in range(2500)]})
    writer = SplitWriter(tmp_path, "pairs", split, rows.schema, 10**9)
    for start in range(0, 2500, 70):
        writer.write(rows.slice(start, 70))
    (file,) = writer.close()

    with pq.ParquetFile(tmp_path / file.path) as written:
        found = [written.metadata.row_group(n).num_rows for n in range(written.num_row_groups)]
        assert found == groups
        assert written.read().equals(rows)
