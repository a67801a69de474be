"""The first look at everything: which records are published, in which group, in which split.

A record costs about 60 bytes here, whatever its length.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from prefdata.core.errors import GateFailed
from prefdata.publish.columns import I64, U64
from prefdata.publish.entries import entries_of
from prefdata.publish.groups import SPLITS, TEST, by_count, by_share, draw, merge
from prefdata.publish.seen import Names, Seen, joined, look
from prefdata.store.dataset import Dataset
from prefdata.store.signatures import Signatures

SHORTEST = 30  # characters of a first turn that can be nearly equal to another, as in `dedup`


@dataclass(frozen=True)
class Rules:
    """What is asked of a release: languages, sizes of splits, what is left out."""

    languages: Sequence[str]
    sizes: Mapping[int, int | float]
    own_test: bool
    contradictions: bool
    seed: int
    near: float | None = None


@dataclass(frozen=True)
class Survey:
    """The decision on every entry, in the order of `entries_of`.

    `reasons` says why entries are left out; `moved` how many entries went to test because
    their dialogue touches the source's own test split, by source. `near` is how many first user
    turns were joined with another one that is nearly equal; None if that was not asked.
    """

    id: U64
    keep: npt.NDArray[np.bool_]
    split: npt.NDArray[np.int8]
    group: U64
    sources: tuple[str, ...]
    reasons: Mapping[str, Mapping[str, int]]
    moved: Mapping[str, int]
    records: Mapping[str, int]
    kinds: Mapping[str, set[str]]
    revisions: Mapping[str, set[str]]
    licenses: Mapping[str, set[str]]
    pairs: Mapping[str, Mapping[str, int]]
    near: int | None

    def lookup(self, ids: U64) -> I64:
        """Return the entry of each record id, -1 for one that is not published."""
        known, order = self._by_id
        at = np.searchsorted(known, ids).clip(max=len(known) - 1)
        rows = order[at]
        found = (known[at] == ids) & self.keep[rows]
        return np.where(found, rows, -1)

    @cached_property
    def _by_id(self) -> tuple[U64, I64]:
        order = np.argsort(self.id, kind="stable")
        return self.id[order], order

    def group_names(self, rows: I64) -> Any:
        """Return the published groups of entries: 16 hex digits."""
        digits = self.group[rows].astype(">u8").tobytes().hex()
        ends = np.arange(len(rows) + 1, dtype=np.int32) * 16
        buffers = [None, pa.py_buffer(ends), pa.py_buffer(digits.encode("ascii"))]
        return pa.Array.from_buffers(pa.string(), len(rows), buffers)


def survey(dataset: Dataset, rules: Rules, scratch: Path) -> Survey:
    """Read every record once and decide; `scratch` is a file for what near turns are found by.

    Raises:
        LicenseDenied: a record carries no license, so that no gate has let it through.
        GateFailed: nothing is left.
    """
    seen, names = Seen(), Names()
    with Signatures(scratch, SHORTEST) if rules.near else nullcontext() as near:
        for _, table in entries_of(dataset, rules.languages):
            look(table, seen, names, near)
        found = {name: joined(parts) for name, parts in vars(seen).items() if parts}
        if not found or not len(found["id"]):
            raise GateFailed(
                f"no record has a text in {', '.join(rules.languages)}",
                str(dataset.path),
                "publish another language: 'languages: [ja, en]'",
            )
        alike = None
        if near and rules.near:
            skipped = _repeats(found["link"]) | (found["link"] == 0)
            alike = near.clusters(rules.near, skipped)
    return _decide(found, names, rules, alike)


def _decide(
    found: dict[str, Any], names: Names, rules: Rules, alike: Mapping[int, Any] | None
) -> Survey:
    sources = tuple(names.numbers)
    left_out = _left_out(found, rules)
    keep = ~np.logical_or.reduce(list(left_out.values()))
    group, codes, digests = _groups(found, alike or {})
    split, moved = _splits(found, keep, codes, digests, rules)
    reasons = {
        source: {code: int((marked & own).sum()) for code, marked in left_out.items()}
        for source, own in _by_source(found["source"], sources)
    }
    if not keep.any():
        raise GateFailed(
            "every record contradicts another or is a tie",
            fix="publish with 'contradictions: keep'; ties give no pair",
        )
    return Survey(
        id=found["id"],
        keep=keep,
        split=split,
        group=group,
        sources=sources,
        reasons=reasons,
        moved={
            s: int((moved & keep & own).sum()) for s, own in _by_source(found["source"], sources)
        },
        records={s: int((keep & own).sum()) for s, own in _by_source(found["source"], sources)},
        kinds=names.kinds,
        revisions=names.revisions,
        licenses=names.licenses,
        pairs=_pairs(found, keep, split, sources),
        near=None if alike is None else len(alike),
    )


def _left_out(found: dict[str, Any], rules: Rules) -> dict[str, npt.NDArray[np.bool_]]:
    """Mark the entries that are not published, each under one reason."""
    texts, options = found.pop("text"), found.pop("options")  # let go as soon as they are used
    duplicate = _repeats(texts)
    contradicting = np.zeros(len(duplicate), bool)
    if rules.contradictions:
        contradicting = _contradictions(options, texts)
    duplicate &= ~contradicting
    return {
        "duplicate_exact": duplicate,
        "contradicting_labels": contradicting,
        "source_tie": found.pop("tie") & ~duplicate & ~contradicting,
    }


def _by_source(codes: Any, sources: tuple[str, ...]) -> list[tuple[str, Any]]:
    return [(source, codes == n) for n, source in enumerate(sources)]


def _pairs(
    found: dict[str, Any], keep: Any, split: Any, sources: tuple[str, ...]
) -> dict[str, dict[str, int]]:
    """Return the derived pairs of each source in each split."""
    return {
        source: {
            name: int(found["pairs"][own & keep & (split == n)].sum())
            for n, name in enumerate(SPLITS)
        }
        for source, own in _by_source(found["source"], sources)
    }


def _repeats(digests: U64) -> npt.NDArray[np.bool_]:
    """Mark every entry whose digest an earlier entry has."""
    repeated = np.ones(len(digests), bool)
    repeated[np.unique(digests, return_index=True)[1]] = False
    return repeated


def _contradictions(options: U64, texts: U64) -> npt.NDArray[np.bool_]:
    """Mark entries that offer the same completions to the same prompt in another order."""
    order = np.lexsort((texts, options))
    sorted_options, sorted_texts = options[order], texts[order]
    same = sorted_options[1:] == sorted_options[:-1]
    differs = same & (sorted_texts[1:] != sorted_texts[:-1])
    return np.isin(options, sorted_options[1:][differs])


def _groups(found: dict[str, Any], alike: Mapping[int, Any]) -> tuple[U64, I64, U64]:
    """Return each entry's merged group, its number, and each number's digest.

    Groups are merged that share a first user turn, or hold two that are `alike`.
    """
    digests, codes = np.unique(found.pop("group"), return_inverse=True)
    link_values, links = np.unique(found.pop("link"), return_inverse=True)
    if len(link_values) and link_values[0] == 0:  # no user turn: nothing to join by
        links -= 1
    places = np.fromiter(alike, np.int64, len(alike))
    firsts = np.fromiter((first for first, _ in alike.values()), np.int64, len(alike))
    ends = (np.append(codes, codes[places]), np.append(links, links[firsts]))
    merged = merge(*ends, len(digests))
    numbers = merged[codes]
    return digests[numbers], numbers, digests


def _splits(
    found: dict[str, Any], keep: Any, codes: I64, digests: U64, rules: Rules
) -> tuple[npt.NDArray[np.int8], Any]:
    """Return each entry's split, and which entries their source's own test split has moved."""
    drawn = draw(digests, rules.seed)
    if all(isinstance(size, int) for size in rules.sizes.values()):
        sizes = np.bincount(codes[keep], found["pairs"][keep], len(digests)).astype(np.int64)
        first = np.zeros(len(digests), np.int16)
        first[codes[::-1]] = found["source"][::-1]
        counts = {split: int(size) for split, size in rules.sizes.items()}
        by_group = by_count(drawn, sizes, first, counts)
    else:
        by_group = by_share(drawn, rules.sizes)
    moved = np.zeros(len(codes), bool)
    if rules.own_test and found["own_test"].any():
        touched = np.zeros(len(digests), bool)
        touched[codes[found["own_test"]]] = True
        by_group = np.where(touched, TEST, by_group).astype(np.int8)
        moved = touched[codes] & ~found["own_test"]
    return by_group[codes], moved
