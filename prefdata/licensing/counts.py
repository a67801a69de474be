"""Whether the counts in a release's manifest add up, and are those of its files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from prefdata.licensing.record_hashes import HASHED, data_files
from prefdata.licensing.repeats import REPEATING, split_of
from prefdata.store.dataset import MANIFEST
from prefdata.store.files import read_json
from prefdata.store.shards import rows_of


def check_counts(release: Path) -> list[str]:
    """Return what does not add up: in = kept + dropped in every step and for every source."""
    manifest = read_json(release / MANIFEST)
    steps = [step for step in manifest.get("steps", []) if step["kind"] == "preferences"]
    problems = [problem for step in steps for problem in _step(step["id"], step["counts"])]
    if counts := manifest.get("counts"):
        problems += _step("publish", {"sources": {}, **counts})
        found = _rows(release)
        if found != counts["rows"]:
            problems.append(f"{MANIFEST}: the rows are {counts['rows']}, the files have {found}")
    return problems


def _step(name: str, counts: Mapping[str, Any]) -> Iterator[str]:
    if counts["in"] != counts["kept"] + counts["dropped"]:
        yield f"{MANIFEST}: {name}: {counts['in']} in is not kept + dropped"
    own = list(counts["sources"].values())
    parts = [*own, counts]
    if any(part["dropped"] != sum(part["reasons"].values()) for part in parts):
        yield f"{MANIFEST}: {name}: the reasons do not add up to what was dropped"
    for kind in ("kept", "dropped") if own else ():
        if counts[kind] != sum(part[kind] for part in own):
            yield f"{MANIFEST}: {name}: the sources do not add up to what was {kind}"


def _rows(release: Path) -> dict[str, dict[str, int]]:
    found: dict[str, Counter[str]] = {}
    for view in (*HASHED, *REPEATING):
        for path in data_files(release, view):
            found.setdefault(view, Counter())[split_of(path)] += rows_of(path)
    return {view: dict(splits) for view, splits in found.items()}
