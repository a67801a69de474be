"""Samples of a release for people, and what their verdicts prove: exact binomial bounds."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from prefdata.core.errors import InputError, UsageError
from prefdata.licensing import standalone
from prefdata.licensing.audit import read_audit
from prefdata.store.shards import open_shard

STRATA = {
    "source": "source_id", "license": "license_expression", "view": "view", "split": "split",
}  # fmt: skip
COLUMNS = (
    "record_id", "stratum", "source_id", "source_revision", "source_row", "license_expression",
    "evidence", "verdict", "remark",
)  # fmt: skip
CLEAN = ("ok", "clean", "yes", "right")
WRONG = ("error", "wrong", "no", "bad")


@dataclass(frozen=True, slots=True)
class Bound:
    """What a sample proves: `wrong` of `n`, and between which rates the truth lies."""

    n: int
    wrong: int
    lower: float
    upper: float
    confidence: float


def sample_size(rate: float, confidence: float = 0.95) -> int:
    """Return how many clean rows bound the error rate below `rate`.

    >>> sample_size(0.05), sample_size(0.01)
    (59, 299)
    """
    return math.ceil(math.log(1 - confidence) / math.log(1 - rate))


def bound(n: int, wrong: int, confidence: float = 0.95) -> Bound:
    """Return the exact (Clopper-Pearson) bounds of an error rate, each one-sided.

    With `confidence` the true rate is at most `upper`, and with the same confidence at least
    `lower`. 59 clean rows give an upper bound just below 5 %.
    """
    if n == 0:
        return Bound(0, 0, 0.0, 1.0, confidence)
    alpha = 1 - confidence
    upper = 1.0 if wrong == n else _solve(lambda p: _at_most(wrong, n, p) - alpha)
    lower = 0.0 if wrong == 0 else _solve(lambda p: alpha - (1 - _at_most(wrong - 1, n, p)))
    return Bound(n, wrong, lower, upper, confidence)


def _at_most(k: int, n: int, p: float) -> float:
    """Return the chance of at most `k` of `n` at rate `p`; logarithms keep it from underflow."""
    if p in (0.0, 1.0):
        return 1.0 if p == 0.0 or k >= n else 0.0
    terms = [
        math.lgamma(n + 1) - math.lgamma(i + 1) - math.lgamma(n - i + 1)
        + i * math.log(p) + (n - i) * math.log1p(-p)
        for i in range(k + 1)
    ]  # fmt: skip
    return min(1.0, math.fsum(math.exp(term) for term in terms))


def _solve(falling: Any) -> float:
    """Return where a function that falls from above 0 to below 0 on (0, 1) crosses it."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if falling(middle) > 0 else (low, middle)
    return high


def draw(release: Path, *, n: int, seed: int, stratify: Sequence[str] = ()) -> list[dict[str, str]]:
    """Return a sample of at most `n` records of every stratum, with what a person needs.

    The same seed gives the same sample, whatever the order of the files.

    Raises:
        UsageError: a stratum is unknown, or n is below 1.
        IntegrityError: the release has no readable audit.
    """
    unknown = [name for name in stratify if name not in STRATA]
    if unknown or n < 1:
        raise UsageError(
            f"unknown strata {unknown}" if unknown else f"n is {n}",
            fix="strata: " + ", ".join(STRATA) + "; n from 1 up",
        )
    audit = read_audit(release)
    strata: dict[str, list[tuple[str, dict[str, Any]]]] = {}
    for row in _rows(release):
        name = ", ".join(str(row[STRATA[key]]) for key in stratify) or "all"
        draws = strata.setdefault(name, [])
        draws.append((sha256(f"{seed}:{row['record_id']}".encode()).hexdigest(), row))
        if len(draws) > 4 * n:  # keep memory bounded: only the smallest draws can be in the sample
            draws.sort(key=lambda item: item[0])
            del draws[n:]
    return [
        _worksheet(row, name, audit)
        for name in sorted(strata)
        for _, row in sorted(strata[name], key=lambda item: item[0])[:n]
    ]


def _rows(release: Path) -> Any:
    columns = ["record_id", *STRATA.values(), "source_revision", "source_row"]
    with open_shard(release / standalone.LINEAGE) as file:
        for batch in file.iter_batches(columns=list(dict.fromkeys(columns))):
            yield from batch.to_pylist()


def _worksheet(row: Mapping[str, Any], stratum: str, audit: Mapping[str, Any]) -> dict[str, str]:
    quotes = [
        f"{item['kind']} by {item['by']}: {item['quote'] or item['note'] or item['url']}"
        for item in audit["evidence"]
        if item["artifact"] == row["source_id"]
    ]
    filled = {
        **{name: str(row.get(name) or "") for name in COLUMNS},
        "stratum": stratum,
        "evidence": " | ".join(quotes),
    }
    return {name: filled[name] for name in COLUMNS}


def worksheet(rows: Sequence[Mapping[str, str]]) -> str:
    """Return a sample as CSV with an empty column for the verdict: ok or error."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()


def score(path: Path, confidence: float = 0.95) -> dict[str, Bound]:
    """Return the bounds of every stratum of a filled worksheet, and of all rows together.

    Raises:
        InputError: the sheet cannot be read, or a row has no verdict.
    """
    if not 0 < confidence < 1:
        raise UsageError(f"confidence is {confidence}", fix="give a number such as 0.95")
    counts: dict[str, list[int]] = {}
    for number, row in enumerate(_read(path), 2):
        verdict = str(row.get("verdict") or "").strip().casefold()
        if verdict not in (*CLEAN, *WRONG):
            raise InputError(
                f"the verdict is {verdict!r}", f"{path}:{number}", "write ok or error in every row"
            )
        for name in {str(row.get("stratum") or "all"), "all"}:
            tally = counts.setdefault(name, [0, 0])
            tally[0] += 1
            tally[1] += verdict in WRONG
    return {name: bound(n, wrong, confidence) for name, (n, wrong) in sorted(counts.items())}


def _read(path: Path) -> list[dict[str, Any]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"cannot read the worksheet: {error}", str(path)) from error
    if not rows or "verdict" not in rows[0]:
        raise InputError("not a worksheet", str(path), "give what 'prefdata audit sample' wrote")
    return rows
