"""Near duplicates among a million short comparisons, in bounded memory."""

from __future__ import annotations

import pytest

from tests.benchmarks.measure import child, write_results

pytestmark = pytest.mark.benchmark
CODE = """
import random, sys, tempfile
from pathlib import Path
from prefdata.filters.near import Index
from tests.records import a_pair
from dataclasses import replace
n = int(sys.argv[1])
draw = random.Random(1)
words = "猫 犬 駅 料理 天気 旅行 音楽 学校 が を に で 好き 走る 見る 食べる です".split()
def text(size): return "".join(draw.choices(words, k=size)) + "。"
def records():
    last = None
    for place in range(n):
        made = last if last and place % 10 == 0 else (text(12), text(20), text(20))
        last = made
        prompt, good, bad = made
        end = "ね" if place % 10 == 0 else ""
        yield replace(a_pair(prompt, good, bad + end), id=f"{place:032x}")
with tempfile.TemporaryDirectory() as folder, Index(Path(folder) / "s", 30, near=True) as index:
    batch = []
    for record in records():
        batch.append(record)
        if len(batch) == 2048:
            index.add(batch); batch = []
    index.add(batch)
    found = index.matches(0.85)
print(len(found))
"""


def test_memory_and_time_of_near_duplicates() -> None:
    small = child(CODE, "100000")
    large = child(CODE, "1000000")
    slope = (large[1] - small[1]) * 2**20 / 900_000
    write_results(
        "dedup",
        [
            (
                "1,000,000 comparisons of 3 short texts: CPU s, making them included",
                f"{large[0]:,.0f}",
                "",
            ),
            ("the same: peak MiB", f"{large[1]:,.0f}", ""),
            ("100,000: peak MiB", f"{small[1]:,.0f}", ""),
            ("memory a comparison, bytes", f"{slope:,.0f}", "≤ 500"),
        ],
        packages=["rensa", "xxhash", "numpy"],
        note="Every tenth comparison is a near duplicate. Signatures lie in a file of 1.5 KB each.",
    )
    assert slope < 800
