"""Publishing beside pyarrow writing the same tables once; memory at 100,000 and 1,000,000."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from generated_release import write_inputs
from measure import child, write_results

pytestmark = pytest.mark.benchmark

PUBLISH = """
import sys
from pathlib import Path
from prefdata.allocators import frugal_arrow
frugal_arrow()  # as the command line does
from prefdata.core.stage import Context
from prefdata.publish.release import Publish
from prefdata.store.dataset import Dataset
folder = Path(sys.argv[1])
(folder / "release").mkdir()
inputs = {"pairs": Dataset(folder / "0-gate"), "labels": Dataset(folder / "1-relabel")}
Publish(Publish.Config(), Context(pipeline="many", key="0" * 32)).run(inputs, folder / "release")
"""
# Reading is not counted: the same row groups, the same options, once.
WRITE = """
import sys, time
from pathlib import Path
import pyarrow.parquet as pq
from prefdata.publish.files import options
folder, cpu, wall = Path(sys.argv[1]), 0.0, 0.0
for path in sorted((folder / "release").glob("*/*.parquet")):
    with pq.ParquetFile(path) as file:
        schema = file.schema_arrow
        with pq.ParquetWriter(folder / "written.parquet", schema, **options(schema)) as writer:
            for n in range(file.num_row_groups):
                table = file.read_row_group(n)
                start, clock = time.process_time(), time.perf_counter()
                writer.write_table(table)
                cpu += time.process_time() - start
                wall += time.perf_counter() - clock
(folder / "written.txt").write_text(f"{cpu} {wall}")
"""
SIZES = (100_000, 1_000_000)


def test_a_million_pairs_cost_little_more_than_writing_them(tmp_path: Path) -> None:
    peaks, rows = {}, []
    for size in SIZES:
        folder = tmp_path / str(size)
        write_inputs(folder, size)
        start = time.perf_counter()
        cpu, peaks[size] = child(PUBLISH, str(folder))
        wall = time.perf_counter() - start
        child(WRITE, str(folder))
        bare_cpu, bare_wall = map(float, (folder / "written.txt").read_text().split())
        report = (folder / "release" / "report.html").stat().st_size / 1e6
        rows += [
            (
                f"{size:,} pairs: time, publish ÷ pyarrow's writing",
                f"{wall / bare_wall:.2f}",
                "≤ 1.5" if size == SIZES[1] else "",
            ),
            (f"{size:,} pairs: CPU, publish ÷ pyarrow's writing", f"{cpu / bare_cpu:.2f}", ""),
            (f"{size:,} pairs: seconds, CPU seconds", f"{wall:.0f}, {cpu:.0f}", ""),
            (f"{size:,} pairs: peak memory, MiB", f"{peaks[size]:.0f}", "≤ 1,024"),
            (f"{size:,} pairs: report.html, MB", f"{report:.2f}", "≤ 3"),
        ]
    growth = peaks[SIZES[1]] / peaks[SIZES[0]]
    rows.append(("peak memory, 1,000,000 ÷ 100,000", f"{growth:.2f}", "flat"))
    write_results(
        "release",
        rows,
        packages=["pyarrow", "numpy"],
        note="Three configs, splits, digests, card, report; no license audit. One run each. "
        "Publishing counts reading and starting Python (1.5 s); writing counts neither.",
    )
    assert peaks[SIZES[1]] < 1024
    assert growth < 1.2
