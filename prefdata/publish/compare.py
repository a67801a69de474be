"""Two releases compared: which records came, went and changed, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from prefdata.core.errors import InputError, IntegrityError
from prefdata.publish.absence import Absence
from prefdata.publish.columns import (
    U64,
    conversation_digests,
    id_digests,
    mixed,
    string_digests,
    whole,
)
from prefdata.publish.compare_steps import reasons_of, steps_of
from prefdata.store.dataset import MANIFEST
from prefdata.store.files import read_json
from prefdata.store.shards import open_shard

EXAMPLES = 5
_TEXTS = ("prompt", "chosen", "rejected")
_READ = ["id", *_TEXTS, "source", "license", "lang"]


@dataclass(frozen=True)
class _Rows:
    """The pairs of a release, sorted by the digest of their id; a digest for each aspect."""

    key: U64
    id: Any
    source: Any
    lang: Any
    texts: U64
    sides: U64
    license: U64
    split: Any


@dataclass
class Difference:
    """What differs between two releases.

    `changes` counts by (added | removed | changed, source, why); `examples` holds some ids of
    each. `licenses`, `reasons` and `splits` map a name to its counts in A and in B; `steps` says
    of each step which differ: key, version, and every setting with both values.
    """

    changes: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    examples: dict[tuple[str, str, str], list[str]] = field(default_factory=dict)
    same: int = 0
    licenses: dict[str, tuple[int, int]] = field(default_factory=dict)
    reasons: dict[str, tuple[int, int]] = field(default_factory=dict)
    steps: dict[str, dict[str, tuple[Any, Any]]] = field(default_factory=dict)

    def note(self, change: str, source: str, why: str, record: str) -> None:
        """Count one record."""
        place = (change, source, why)
        self.changes[place] += 1
        known = self.examples.setdefault(place, [])
        if len(known) < EXAMPLES:
            known.append(record)


def compare(a: Path, b: Path) -> Difference:
    """Compare the pairs of two releases, and their manifests.

    Why a record went or came is told by `Absence`, why its texts changed by the steps that were
    made differently.

    Raises:
        InputError: a folder is no release.
        IntegrityError: a file of its pairs is missing, or has another size than it was built with.
    """
    manifests = [_manifest(path) for path in (a, b)]
    found = Difference(steps=steps_of(*manifests), reasons=reasons_of(*manifests))
    rows = [_rows(path) for path in (a, b)]
    found.licenses = _counted(a, b)
    at = np.searchsorted(rows[1].key, rows[0].key).clip(max=max(len(rows[1].key) - 1, 0))
    shared = np.flatnonzero(rows[1].key[at] == rows[0].key) if len(rows[1].key) else at[:0]
    uses = {step["id"]: step["use"] for manifest in manifests for step in manifest["steps"]}
    _note_changed(found, rows, shared, at[shared], _why_text(found.steps, uses))
    gone = np.setdiff1d(np.arange(len(rows[0].key)), shared)
    came = np.setdiff1d(np.arange(len(rows[1].key)), at[shared])
    in_b = Absence(b, (manifests[0], manifests[1]), rows[1].texts, found.steps)
    in_a = Absence(a, (manifests[1], manifests[0]), rows[0].texts, found.steps)
    _note_missing(found, "removed", rows[0], gone, in_b)
    _note_missing(found, "added", rows[1], came, in_a)
    return found


def _manifest(release: Path) -> Mapping[str, Any]:
    if not (release / MANIFEST).is_file() or not (release / "pairs").is_dir():
        raise InputError("this is no release with pairs", str(release), "give two release folders")
    manifest: Mapping[str, Any] = read_json(release / MANIFEST)
    for file in manifest["files"]:
        path = release / file["path"]
        if path.parent.name == "pairs" and not (
            path.is_file() and path.stat().st_size == file["bytes"]
        ):
            raise IntegrityError(
                "the file is missing or not the one that was built",
                str(path),
                "get the release anew, or delete its folder and build again",
            )
    return manifest


def _tables(release: Path, columns: Sequence[str]) -> Iterator[tuple[str, pa.Table]]:
    for path in sorted((release / "pairs").glob("*.parquet")):
        with open_shard(path) as file:
            for batch in file.iter_batches(8192, columns=list(columns)):
                yield path.name.partition("-")[0], pa.Table.from_batches([batch])


def _rows(release: Path) -> _Rows:
    parts: dict[str, list[Any]] = {name: [] for name in ("key", "texts", "sides", "license")}
    names: dict[str, list[Any]] = {name: [] for name in ("id", "source", "lang")}
    splits: list[str] = []
    for split, table in _tables(release, _READ):
        prompt, chosen, rejected = (conversation_digests(table.column(n)) for n in _TEXTS)
        parts["key"].append(id_digests(table.column("id")))
        parts["texts"].append(mixed(prompt + mixed(chosen + mixed(rejected))))
        parts["sides"].append(mixed(prompt + mixed(chosen) + mixed(rejected)))
        parts["license"].append(string_digests(table.column("license")))
        for name, columns in names.items():
            columns.append(whole(table.column(name)))
        splits += [split] * len(table)
    joined = {name: np.concatenate(values) for name, values in parts.items()}
    order = np.argsort(joined["key"], kind="stable")
    return _Rows(
        **{name: values[order] for name, values in joined.items()},
        **{name: pa.concat_arrays(parts).take(pa.array(order)) for name, parts in names.items()},
        split=np.array(splits)[order],
    )


def _note_changed(
    found: Difference, rows: Sequence[_Rows], left: Any, right: Any, why_text: str
) -> None:
    """Note what differs in the rows that both releases have; `why_text` is why texts do."""
    a, b = rows
    text = a.texts[left] != b.texts[right]
    turned = text & (a.sides[left] == b.sides[right])
    license_ = a.license[left] != b.license[right]
    split = a.split[left] != b.split[right]
    found.same = int((~(text | license_ | split)).sum())
    for n in np.flatnonzero(text | license_ | split).tolist():
        why = ["preference turned round"] if turned[n] else [why_text] if text[n] else []
        why += ["license"] if license_[n] else []
        why += ["split"] if split[n] else []
        row = int(left[n])
        found.note("changed", a.source[row].as_py(), ", ".join(why), a.id[row].as_py())


def _why_text(steps: Mapping[str, Mapping[str, Any]], uses: Mapping[str, str]) -> str:
    """Say what made the text of one source row differ; `uses` maps each step to its component."""
    differ = [name for fields in steps.values() for name in fields]
    if any(name.startswith("prompt ") for name in differ):
        return "prompt"
    if any(name.startswith("settings.translator") for name in differ):
        return "translator"
    for use in ("translate", "filter"):
        if any(uses.get(step) == use for step in steps):
            return use
    return "memory"


def _note_missing(
    found: Difference, change: str, rows: _Rows, numbers: Any, absence: Absence
) -> None:
    """Note the rows of one release that the other lacks."""
    for n in numbers.tolist():
        record, source, lang = (column[n].as_py() for column in (rows.id, rows.source, rows.lang))
        found.note(change, source, absence.why(record, source, lang, rows.texts[n]), record)


def _counted(a: Path, b: Path) -> dict[str, tuple[int, int]]:
    counts = []
    for release in (a, b):
        own: Counter[str] = Counter()
        for _, table in _tables(release, ["license"]):
            for row in table.column("license").value_counts().to_pylist():
                own[row["values"]] += row["counts"]
        counts.append(own)
    return {name: (counts[0][name], counts[1][name]) for name in sorted({*counts[0], *counts[1]})}
