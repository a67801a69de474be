"""The hash of every record of a release, and the Merkle root over all of them.

This file is part of the release's own ``verify.py``: it needs nothing but Python and pyarrow.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import pairwise
from json.encoder import encode_basestring
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

BATCH = 4096
# Views whose rows have hashes of their own; the others repeat their texts.
HASHED = ("pairs", "rankings")


def data_files(release: Path, view: str) -> list[Path]:
    """Return the Parquet files of a view, in order."""
    return sorted((release / view).glob("*.parquet"))


def record_hashes(
    path: Path,
) -> Iterator[tuple[list[str], list[bytes], list[int], pa.RecordBatch]]:
    """Yield (ids, SHA-256 digests, bytes hashed, rows) of the batches of a hashed view's file.

    The hash is over canonical JSON (RFC 8785) of `completions, group, id, lang, license, prompt,
    ranks, source`, without any change to the texts. Completions are in the order of the row.
    """
    with open_file(path) as file:
        for batch in file.iter_batches(BATCH, use_threads=False):
            texts = [text.encode("utf-8", "surrogatepass") for text in _canonical(batch)]
            digests = [hashlib.sha256(text).digest() for text in texts]
            yield batch.column("id").to_pylist(), digests, [len(t) for t in texts], batch


def open_file(path: Path) -> pq.ParquetFile:
    """Open a file that is read a row group at a time; buffering ahead would hold all of it."""
    return pq.ParquetFile(path, pre_buffer=False)


def _canonical(batch: pa.RecordBatch) -> Iterator[str]:
    if "chosen" in batch.schema.names:
        chosen, rejected = (_conversations(batch.column(n)) for n in ("chosen", "rejected"))
        completions = [f"[{a},{b}]" for a, b in zip(chosen, rejected, strict=True)]
        ranks = ["[1,2]"] * len(completions)
    else:
        completions, ranks = _ranked(batch.column("completions"))
    prompts = _conversations(batch.column("prompt"))
    plain = (_strings(batch.column(name)) for name in ("group", "id", "lang", "license", "source"))
    rows = zip(completions, *plain, prompts, ranks, strict=True)
    for texts, group, name, lang, license_, source, prompt, rank in rows:
        yield (
            f'{{"completions":{texts},"group":{group},"id":{name},"lang":{lang},'
            f'"license":{license_},"prompt":{prompt},"ranks":{rank},"source":{source}}}'
        )


def _strings(column: Any) -> list[str]:
    return ["null" if v is None else encode_basestring(v) for v in column.to_pylist()]


def spans_of(column: Any) -> list[tuple[int, int]]:
    """Return for each list where its items begin and end in ``column.flatten()``."""
    offsets = column.offsets.to_pylist()
    first = offsets[0] if offsets else 0
    return [(a - first, b - first) for a, b in pairwise(offsets)]


def _conversations(column: Any) -> list[str]:
    roles, contents = (child.to_pylist() for child in column.flatten().flatten())
    messages = [
        f'{{"content":{encode_basestring(content)},"role":"{role}"}}'
        for role, content in zip(roles, contents, strict=True)
    ]
    return ["[" + ",".join(messages[a:b]) + "]" for a, b in spans_of(column)]


def _ranked(column: Any) -> tuple[list[str], list[str]]:
    items = column.flatten()
    texts = _conversations(items.field("content"))
    ranks = [str(rank) for rank in items.field("rank").to_pylist()]
    spans = spans_of(column)
    return (
        ["[" + ",".join(texts[a:b]) + "]" for a, b in spans],
        ["[" + ",".join(ranks[a:b]) + "]" for a, b in spans],
    )


def merkle_root(digests: bytes | bytearray) -> str:
    """Return the Merkle root over sorted record hashes, 64 hex digits.

    `digests` are hashes of 32 bytes, one after the other, in any order. A leaf is SHA-256 of 0x00
    and the hash, a node that of 0x01 and its two children; an odd one goes up as it is. Without
    any record: SHA-256 of nothing. Buffers, not lists: a million hashes take 32 MB.
    """
    if not digests:
        return hashlib.sha256().hexdigest()
    hashes = pa.Array.from_buffers(pa.binary(32), len(digests) // 32, [None, pa.py_buffer(digests)])
    ordered = hashes.take(pc.array_sort_indices(hashes)).buffers()[1]
    level = bytearray(len(digests))
    for n in range(0, len(level), 32):
        level[n : n + 32] = hashlib.sha256(b"\0" + ordered[n : n + 32].to_pybytes()).digest()
    while len(level) > 32:
        # In place: a node is written where both of its children have been read.
        even = len(level) // 64 * 64
        for n in range(0, even, 64):
            node = hashlib.sha256(b"\1" + level[n : n + 64]).digest()
            level[n // 2 : n // 2 + 32] = node
        del level[even // 2 : even]
    return level.hex()
