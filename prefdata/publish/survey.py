"""The first look at everything: which records are published, in which group, in which split.

What is looked at lies on disk. Deciding takes some 45 bytes of memory a record, keeping it 22.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import numpy as np
import numpy.typing as npt

from prefdata.core.errors import GateFailed
from prefdata.publish.columns import U64
from prefdata.publish.decisions import Decisions
from prefdata.publish.digests import I32, Marks, contradictions, numbered, repeats
from prefdata.publish.entries import entries_of
from prefdata.publish.groups import SPLITS, TEST, by_count, by_share, draw, merge
from prefdata.publish.seen import COLUMNS, Names, Seen, look
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
    """What was decided, in figures.

    `reasons` says why entries are left out; `moved` how many entries went to test because
    their dialogue touches the source's own test split, by source. `near` is how many first user
    turns were joined with another one that is nearly equal; None if that was not asked.
    """

    entries: int
    groups: int
    sources: tuple[str, ...]
    reasons: Mapping[str, Mapping[str, int]]
    moved: Mapping[str, int]
    records: Mapping[str, int]
    kinds: Mapping[str, set[str]]
    revisions: Mapping[str, set[str]]
    licenses: Mapping[str, set[str]]
    pairs: Mapping[str, Mapping[str, int]]
    near: int | None


def survey(dataset: Dataset, rules: Rules, folder: Path) -> tuple[Decisions, Survey]:
    """Read every record once and decide; scratch files lie in `folder`.

    Raises:
        LicenseDenied: a record carries no license, so that no gate has let it through.
        GateFailed: nothing is left.
    """
    names = Names()
    turns = Signatures(folder / ".signatures", SHORTEST) if rules.near else nullcontext()
    with ExitStack() as stack, turns as near:
        files = {name: stack.enter_context(TemporaryFile(dir=folder)) for name in COLUMNS}
        seen = Seen(files)
        for _, table in entries_of(dataset, rules.languages):
            look(table, seen, names, near)
        if not names.numbers:
            raise GateFailed(
                f"no record has a text in {', '.join(rules.languages)}",
                str(dataset.path),
                "publish another language: 'languages: [ja, en]'",
            )
        alike = None
        if near and rules.near:
            skipped = repeats(seen["link"]) | (seen["link"] == 0)
            alike = near.clusters(rules.near, skipped)
        return decide(seen, names, rules, alike)


def decide(
    seen: Seen, names: Names, rules: Rules, alike: Mapping[int, Any] | None
) -> tuple[Decisions, Survey]:
    """Decide on entries seen; `alike` joins first user turns, by their places.

    Raises:
        GateFailed: nothing is left.
    """
    left_out = _left_out(seen, rules)
    keep = ~np.logical_or.reduce(list(left_out.values()))
    if not keep.any():
        raise GateFailed(
            "every record contradicts another or is a tie",
            fix="publish with 'contradictions: keep'; ties give no pair",
        )
    digests, groups = _groups(seen, alike or {})
    split, moved = _splits(seen, keep, groups, digests, rules)
    count = int(np.count_nonzero(np.bincount(groups[keep])))
    group = digests[groups]
    del digests, groups
    decisions = Decisions.of(seen["id"], keep, split, group)
    sources, source = tuple(names.numbers), seen["source"]
    reasons = {code: _by_source(sources, source[marks]) for code, marks in left_out.items()}
    return decisions, Survey(
        entries=len(keep),
        groups=count,
        sources=sources,
        reasons={s: {code: counts[s] for code, counts in reasons.items()} for s in sources},
        moved=_by_source(sources, source[moved & keep]),
        records=_by_source(sources, source[keep]),
        kinds=names.kinds,
        revisions=names.revisions,
        licenses=names.licenses,
        pairs=_pairs(sources, source[keep], split[keep], seen["pairs"][keep]),
        near=None if alike is None else len(alike),
    )


def _left_out(seen: Seen, rules: Rules) -> dict[str, Marks]:
    """Mark the entries that are not published, each under one reason."""
    duplicate = repeats(seen["text"])
    contradicting = np.zeros(len(duplicate), bool)
    if rules.contradictions:
        contradicting = contradictions(seen["options"], seen["text"])
    duplicate &= ~contradicting
    return {
        "duplicate_exact": duplicate,
        "contradicting_labels": contradicting,
        "source_tie": seen["tie"] & ~duplicate & ~contradicting,
    }


def _by_source(sources: tuple[str, ...], source: Any, weights: Any = None) -> dict[str, int]:
    """Return how many entries each source has, or the sum of their weights."""
    counts = np.bincount(source, weights, len(sources)).astype(np.int64).tolist()
    return dict(zip(sources, counts, strict=True))


def _pairs(
    sources: tuple[str, ...], source: Any, split: Any, pairs: Any
) -> dict[str, dict[str, int]]:
    """Return the derived pairs of each source in each split."""
    counts = {
        name: _by_source(sources, source[split == n], pairs[split == n])
        for n, name in enumerate(SPLITS)
    }
    return {s: {name: count[s] for name, count in counts.items()} for s in sources}


def _groups(seen: Seen, alike: Mapping[int, Any]) -> tuple[U64, I32]:
    """Return the digest of each group, and the number of each entry's.

    Groups are merged that share a first user turn, or hold two that are `alike`.
    """
    digests, groups = numbered(seen["group"])
    turns, links = numbered(seen["link"])
    links -= np.int32(turns[0] == 0)  # no user turn: nothing to join by
    del turns
    count = len(digests)
    if alike:
        places = np.fromiter(alike, np.int64, len(alike))
        firsts = np.fromiter((first for first, _ in alike.values()), np.int64, len(alike))
        merged = merge(np.append(groups, groups[places]), np.append(links, links[firsts]), count)
    else:
        merged = merge(groups, links, count)
    return digests, merged[groups]


def _splits(
    seen: Seen, keep: Any, codes: I32, digests: U64, rules: Rules
) -> tuple[npt.NDArray[np.int8], Any]:
    """Return each entry's split, and which entries their source's own test split has moved."""
    drawn = draw(digests, rules.seed)
    own_test = seen["own_test"]
    if all(isinstance(size, int) for size in rules.sizes.values()):
        sizes = np.bincount(codes[keep], seen["pairs"][keep], len(digests)).astype(np.int64)
        first = np.zeros(len(digests), np.int16)
        first[codes[::-1]] = seen["source"][::-1]
        counts = {split: int(size) for split, size in rules.sizes.items()}
        by_group = by_count(drawn, sizes, first, counts)
    else:
        by_group = by_share(drawn, rules.sizes)
    moved = np.zeros(len(codes), bool)
    if rules.own_test and own_test.any():
        touched = np.zeros(len(digests), bool)
        touched[codes[own_test]] = True
        by_group = np.where(touched, TEST, by_group).astype(np.int8)
        moved = touched[codes] & ~own_test
    return by_group[codes], moved
