"""Check a prefdata release with nothing but Python and pyarrow: python audit/verify.py

It re-hashes every file, recomputes the hash of every record and the Merkle root over them, and
compares licenses row by row with the lineage. It trusts nothing but the files that it reads, and
it does not decide licenses again: `prefdata audit verify` does that, too.

This file is also a module of prefdata, so that both check the same way. It prints what differs
and ends with 0 (whole) or 5 (not what it says it is).
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from itertools import pairwise, zip_longest
from json.encoder import encode_basestring
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

BATCH = 4096
SHOWN = 20  # differing rows or files that are named
SUMS = "audit/SHA256SUMS"
LINEAGE = "audit/lineage.parquet"
AUDIT = "audit/audit.json"
# Views whose rows have hashes of their own; the others repeat their texts.
HASHED = ("pairs", "rankings")
KEYS = {"pairs": "id", "rankings": "id", "unpaired": "pair_id", "labels": "pair_id", "sft": "id"}


def record_hashes(path: Path) -> Iterator[tuple[list[str], list[bytes], list[int], pa.Table]]:
    """Yield (ids, SHA-256 digests, bytes hashed, rows) of the batches of a hashed view's file.

    The hash is over canonical JSON (RFC 8785) of `completions, group, id, lang, license, prompt,
    ranks, source`, without any change to the texts. Completions are in the order of the row.
    """
    with _open(path) as file:
        for batch in file.iter_batches(batch_size=BATCH, use_threads=False):
            table = pa.Table.from_batches([batch])
            texts = [text.encode("utf-8", "surrogatepass") for text in _canonical(batch)]
            digests = [hashlib.sha256(text).digest() for text in texts]
            yield batch.column("id").to_pylist(), digests, [len(t) for t in texts], table


def _open(path: Path) -> pq.ParquetFile:
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


def _spans(column: Any) -> list[tuple[int, int]]:
    offsets = column.offsets.to_pylist()
    first = offsets[0] if offsets else 0
    return [(a - first, b - first) for a, b in pairwise(offsets)]


def _conversations(column: Any) -> list[str]:
    roles, contents = (child.to_pylist() for child in column.flatten().flatten())
    messages = [
        f'{{"content":{encode_basestring(content)},"role":"{role}"}}'
        for role, content in zip(roles, contents, strict=True)
    ]
    return ["[" + ",".join(messages[a:b]) + "]" for a, b in _spans(column)]


def _ranked(column: Any) -> tuple[list[str], list[str]]:
    items = column.flatten()
    texts = _conversations(items.field("content"))
    ranks = [str(rank) for rank in items.field("rank").to_pylist()]
    spans = _spans(column)
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


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def data_files(release: Path, view: str) -> list[Path]:
    """Return the Parquet files of a view, in order."""
    return sorted((release / view).glob("*.parquet"))


def check_sums(release: Path) -> list[str]:
    """Return what differs from ``SHA256SUMS``: changed, missing and unlisted files."""
    listed = {}
    try:
        for line in (release / SUMS).read_text(encoding="utf-8").splitlines():
            digest, _, name = line.partition("  ")
            listed[name] = digest
    except (OSError, UnicodeDecodeError) as error:
        return [f"{SUMS}: cannot read: {error}"]
    found = {p.relative_to(release).as_posix() for p in release.rglob("*") if p.is_file()}
    problems = [f"{name}: missing" for name in sorted(set(listed) - found)]
    problems += [f"{name}: not listed" for name in sorted(found - set(listed) - {SUMS})]
    problems += [
        f"{name}: changed"
        for name in sorted(found & set(listed))
        if file_sha256(release / name) != listed[name]
    ]
    return problems


def check_records(release: Path) -> tuple[list[str], str]:
    """Compare every row with its lineage; return (what differs, the Merkle root).

    The lineage is in the order of the rows, so both are read side by side.
    """
    problems, digests, n = [], bytearray(), 0
    strange: dict[str, str] = {}
    common = ""
    for n, (row, known) in enumerate(zip_longest(_rows(release), _lineage(release)), 1):
        if row is None or known is None:
            problems.append(f"{LINEAGE}: {n - 1} rows are matched, then one side ends")
            break
        name, record, digest, license_ = row
        digests += digest
        if (record, digest, license_) != known:
            what = next(w for w, a, b in zip(_WHAT, row[1:], known, strict=True) if a != b)
            problems.append(f"{name} row {record}: its {what} is not the one in the lineage")
        common = common or license_
        if license_ != common:
            strange[record] = license_
    problems += _check_views(release, strange, common)
    return problems, merkle_root(digests)


_WHAT = ("place", "hash", "license")


def _rows(release: Path) -> Iterator[tuple[str, str, bytes, str]]:
    for view in HASHED:
        for path in data_files(release, view):
            name = path.relative_to(release).as_posix()
            for ids, digests, _, table in record_hashes(path):
                licenses = table.column("license").to_pylist()
                yield from zip([name] * len(ids), ids, digests, licenses, strict=True)


def _lineage(release: Path) -> Iterator[tuple[str, bytes, str]]:
    columns = ["record_id", "record_sha256", "license_expression"]
    with _open(release / LINEAGE) as file:
        for batch in file.iter_batches(batch_size=BATCH, columns=columns, use_threads=False):
            yield from zip(*(batch.column(name).to_pylist() for name in columns), strict=True)


def _check_views(release: Path, strange: dict[str, str], common: str) -> list[str]:
    """Compare the license of every row of the views that repeat texts.

    `strange` holds the licenses of records that differ from the first one's.
    """
    problems = []
    for view in (view for view in KEYS if view not in HASHED):
        for path in data_files(release, view):
            name = path.relative_to(release).as_posix()
            with _open(path) as file:
                for batch in file.iter_batches(columns=[KEYS[view], "license"], use_threads=False):
                    rows = (batch.column(n).to_pylist() for n in (KEYS[view], "license"))
                    problems += [
                        f"{name} row {record}: its license is not the one in the lineage"
                        for record, license_ in zip(*rows, strict=True)
                        if license_ != strange.get(record, common)
                    ]
    return problems


def check_root(release: Path, root: str) -> list[str]:
    """Compare the Merkle root with the one in ``audit.json`` and on the card."""
    problems = []
    try:
        stated = json.loads((release / AUDIT).read_bytes())["merkle_root"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        return [f"{AUDIT}: cannot read: {error}"]
    if stated != root:
        problems.append(f"{AUDIT}: the Merkle root is {stated}, the records give {root}")
    card = release / "README.md"
    if card.is_file() and root not in card.read_text(encoding="utf-8", errors="replace"):
        problems.append("README.md: the Merkle root of the records is not on the card")
    return problems


def check(release: Path) -> list[str]:
    """Return everything that is not as the release says; empty if it is whole."""
    problems = check_sums(release)
    try:
        rows, root = check_records(release)
    except (OSError, pa.ArrowException, KeyError, ValueError) as error:
        return [*problems, f"the data cannot be read: {error}"]
    return [*problems, *rows, *check_root(release, root)]


def main() -> int:
    """Check the release that this file lies in, or the one named on the command line."""
    release = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent
    problems = check(release)
    for problem in problems[:SHOWN]:
        print(problem)  # noqa: T201  the bundle's copy is a program of its own
    if problems:
        print(f"{release} is not what it says it is; differences: {len(problems)}")  # noqa: T201
        return 5
    print(f"{release} is whole; licenses were not decided again")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
