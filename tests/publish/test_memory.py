"""What publishing holds in memory does not grow with the release, or by few bytes a record."""

from __future__ import annotations

import tracemalloc
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryFile

import numpy as np
import pyarrow as pa

from prefdata.publish.groups import TEST
from prefdata.publish.seen import COLUMNS, Names, Seen
from prefdata.publish.survey import Rules, decide
from prefdata.publish.waiting import Waiting

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


def pieces(count: int, rows: int) -> list[pa.Table]:
    """Tables of `rows` texts of a KB each."""
    return [
        pa.table({"text": [f"{piece}-{row}".ljust(1000) for row in range(rows)]})
        for piece in range(count)
    ]


def test_rows_of_a_small_split_wait_on_disk_and_come_back_in_order(tmp_path: Path) -> None:
    given = pa.concat_tables(pieces(count=100, rows=7))
    waiting = Waiting(tmp_path / "waiting.arrow")
    before = pa.total_allocated_bytes()
    for piece in pieces(count=100, rows=7):
        waiting.add(piece)
    held = pa.total_allocated_bytes() - before

    assert waiting.rows == 700
    assert held < 200_000
    assert waiting.take(300).equals(given.slice(0, 300))
    assert waiting.take(waiting.rows).equals(given.slice(300))
    assert not list(tmp_path.iterdir())
