"""What a new version of a release costs to upload, to a hub that stores chunks by content."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from generated_release import SHARD, sentences, shard
from measure import write_results

from prefdata.publish import views
from prefdata.publish.files import SplitWriter, options

pytestmark = pytest.mark.benchmark

SHARDS = 8
MASK = np.uint64(0xFFFF_0000_0000_0000)  # a border every 64 KiB on average, as the hub's store has
LEAST, MOST = 8 * 1024, 128 * 1024
GEAR = np.random.default_rng(0).integers(0, 2**64, 256, np.uint64)


def chunks(content: bytes) -> Iterator[bytes]:
    """Cut bytes where a gear hash over the last 64 of them says so."""
    rolled = GEAR[np.frombuffer(content, np.uint8)]
    for width in (1, 2, 4, 8, 16, 32):  # a hash of twice as many bytes, from two of half as many
        earlier = np.zeros_like(rolled)
        earlier[width:] = rolled[:-width] << np.uint64(width)
        rolled = rolled + earlier
    start = 0
    for border in [*(np.flatnonzero((rolled & MASK) == 0) + 1).tolist(), len(content)]:
        while border - start > MOST:
            yield content[start : start + MOST]
            start += MOST
        if border - start >= LEAST or border == len(content):
            yield content[start:border]
            start = border


def known(folder: Path) -> dict[bytes, int]:
    """Return the bytes of every distinct chunk of a folder's files."""
    return {
        blake2b(chunk, digest_size=16).digest(): len(chunk)
        for path in sorted(folder.rglob("*.parquet"))
        for chunk in chunks(path.read_bytes())
    }


def written(folder: Path, rows: pa.Table, *, chunked: bool) -> dict[bytes, int]:
    """Write pairs as a release does, with or without content-defined pages."""
    if chunked:
        writer = SplitWriter(folder, "pairs", "train", rows.schema, 10**9)
        folder.mkdir()
        for start in range(0, len(rows), SHARD):
            writer.write(rows.slice(start, SHARD))
        writer.close()
    else:
        (folder / "pairs").mkdir(parents=True)
        plain: dict[str, Any] = options(rows.schema) | {"use_content_defined_chunking": False}
        pq.write_table(rows, folder / "pairs" / "0.parquet", row_group_size=10_000, **plain)
    return known(folder)


def test_a_new_version_sends_what_changed(tmp_path: Path) -> None:
    pool = sentences(40_000)
    entries = pa.concat_tables(shard(n, pool) for n in range(SHARDS)).combine_chunks()
    before = views.pairs_view(entries, views.derive(entries), margin=False)
    n = len(before)
    rows = np.arange(n)
    changes = {
        "the same again": rows,
        "20 rows left out, far apart": np.delete(rows, np.arange(7, n, n // 20)),
        "1,000 rows more at the end": np.arange(n - 1_000),
        "1,000 rows more in the middle": np.delete(rows, np.arange(n // 2, n // 2 + 1_000)),
    }
    figures = []
    for chunked in (True, False):
        name = "content-defined pages" if chunked else "pages by size"
        old = {
            what: written(
                tmp_path / f"{name} {what} old", before.take(pa.array(kept)), chunked=chunked
            )
            for what, kept in changes.items()
        }
        full = written(tmp_path / f"{name} full", before, chunked=chunked)
        total = sum(full.values())
        for what in changes:
            was, now = (old[what], full) if "more" in what else (full, old[what])
            sent = sum(size for key, size in now.items() if key not in was)
            figures.append(
                (f"{what}: sent of {total / 1e6:.0f} MB, {name}", f"{sent / total:.1%}", "")
            )
    write_results(
        "upload",
        figures,
        packages=["pyarrow"],
        note=f"{n:,} pairs; files are cut by content into chunks of about 64 KiB, as the hub's "
        "store does; only chunks that the version before lacks are sent.",
    )
