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
from generated_release import sentences, shard
from measure import write_results

from prefdata.publish import views
from prefdata.publish.files import ROWS, options

pytestmark = pytest.mark.benchmark

NOTE = """\
{n:,} pairs; files are cut by content into chunks of 64 KiB on average, 8 to 128, as the hub's store
does (Xet: a gear hash over the last 64 bytes); only chunks that the version before lacks are sent.

A changed row costs its page in every text column, and up to a chunk of the store on each side: with
pages of 256 to 1,024 KiB before compression some 0.8 MB, whatever the size of the file. Smaller
pages, or `norm_level`, send less and compress worse: a quarter of the page saves a third of what 20
scattered rows cost, and makes every file a tenth larger, every first upload and download with it.
pyarrow's own sizes stay. Row groups of 40,000 rows instead of 10,000 change nothing for scattered
rows (71 %), spare a seventh for rows in the middle, and take four times the memory."""
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


def known(path: Path) -> dict[bytes, int]:
    """Return the bytes of every distinct chunk of a file."""
    return {
        blake2b(chunk, digest_size=16).digest(): len(chunk) for chunk in chunks(path.read_bytes())
    }


KIB = 1024
PAGES: dict[str, Any] = {
    "a release's pages (256 to 1,024 KiB)": True,
    "256 to 1,024 KiB, norm_level 1": {"norm_level": 1},
    "128 to 512 KiB": {"min_chunk_size": 128 * KIB, "max_chunk_size": 512 * KIB},
    "64 to 256 KiB": {"min_chunk_size": 64 * KIB, "max_chunk_size": 256 * KIB},
    "pages by size": False,
}
SIZES = {"min_chunk_size": 256 * KIB, "max_chunk_size": 1024 * KIB, "norm_level": 0}


def written(path: Path, rows: pa.Table, pages: Any) -> dict[bytes, int]:
    """Write pairs as a release does, but for the pages; return the chunks of the file."""
    asked = SIZES | pages if isinstance(pages, dict) else pages
    how: dict[str, Any] = options(rows.schema) | {"use_content_defined_chunking": asked}
    pq.write_table(rows, path, row_group_size=ROWS, **how)
    return known(path)


def test_a_new_version_sends_what_changed(tmp_path: Path) -> None:
    pool = sentences(40_000)
    entries = pa.concat_tables(shard(n, pool) for n in range(SHARDS)).combine_chunks()
    before = views.pairs_view(entries, views.derive(entries), margin=False)
    n = len(before)
    rows = np.arange(n)
    far = np.delete(rows, np.arange(7, n, n // 20))
    middle = np.delete(rows, np.arange(n // 2, n // 2 + 1_000))
    changes = {  # what: rows of the version before, rows of the new one
        "the same again": (rows, rows),
        "20 rows left out, far apart": (rows, far),
        "1,000 rows more at the end": (rows[:-1_000], rows),
        "1,000 rows more in the middle": (middle, rows),
    }
    figures, sent = [], {}
    for name, pages in PAGES.items():
        size = sum(written(tmp_path / "all.parquet", before, pages).values())
        figures.append((f"{name}: the file, MB", f"{size / 1e6:.1f}", ""))
        for what, versions in changes.items():
            was, now = (
                written(tmp_path / "one.parquet", before.take(pa.array(kept)), pages)
                for kept in versions
            )
            lacking = sum(size for key, size in now.items() if key not in was)
            sent[name, what] = lacking
            figures.append((f"{name}: {what}, sent", f"{lacking / sum(now.values()):.1%}", ""))
    write_results("upload", figures, packages=["pyarrow"], note=NOTE.format(n=n))

    ours, plain = next(iter(PAGES)), "pages by size"
    assert sent[ours, "the same again"] == 0
    assert all(sent[ours, what] <= sent[plain, what] for what in changes)
