"""Check a prefdata release with nothing but Python and pyarrow: python audit/verify.py

It re-hashes every file, recomputes the hash of every record and the Merkle root over them,
compares licenses row by row with the lineage, and the rows of `unpaired`, `labels` and `sft` with
those that pairs and rankings imply. It trusts nothing but the files that it reads, and it does not
decide licenses again: `prefdata audit verify` does that, too.

It is made of modules of prefdata, so that both check the same way. It prints what differs and
ends with 0 (whole) or 5 (not what it says it is).
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from prefdata.licensing.record_hashes import (
    BATCH,
    HASHED,
    data_files,
    merkle_root,
    open_file,
    record_hashes,
)
from prefdata.licensing.repeats import Repeats, split_of

SHOWN = 20  # differing rows or files that are named
SUMS = "audit/SHA256SUMS"
LINEAGE = "audit/lineage.parquet"
AUDIT = "audit/audit.json"


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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
    """Compare every row with its lineage, and the views that repeat texts with these rows.

    Returns (what differs, the Merkle root). The lineage is in the order of the rows, so both are
    read side by side.
    """
    problems, digests, n = [], bytearray(), 0
    lineage, repeats = _lineage(release), Repeats(release)
    for view in HASHED:
        for path in data_files(release, view):
            name, split = path.relative_to(release).as_posix(), split_of(path)
            for ids, own, _, batch in record_hashes(path):
                digests += b"".join(own)
                rows = list(zip(ids, own, batch.column("license").to_pylist(), strict=True))
                known = list(islice(lineage, len(rows)))
                problems += _differences(name, rows, known)
                n += len(known)
                if len(known) < len(rows):
                    return [*problems, _ends(n)], merkle_root(digests)
                if view == "pairs":
                    repeats.expect_pairs(split, batch, [of for *_, of in known])
                else:
                    repeats.expect_rankings(split, batch)
    if next(lineage, None):
        return [*problems, _ends(n)], merkle_root(digests)
    return problems + repeats.problems(), merkle_root(digests)


def _ends(n: int) -> str:
    return f"{LINEAGE}: {n} rows are matched, then one side ends"


def _differences(name: str, rows: Sequence[Any], known: Sequence[Any]) -> list[str]:
    return [
        f"{name} row {row[0]}: its {what} is not the one in the lineage"
        for row, other in zip(rows, known, strict=False)
        for what, a, b in zip(("place", "hash", "license"), row, other, strict=False)
        if a != b
    ]


def _lineage(release: Path) -> Iterator[tuple[str, bytes, str, str]]:
    columns = ["record_id", "record_sha256", "license_expression", "of_record"]
    with open_file(release / LINEAGE) as file:
        for batch in file.iter_batches(BATCH, columns=columns, use_threads=False):
            yield from zip(*(batch.column(name).to_pylist() for name in columns), strict=True)


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
