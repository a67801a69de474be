"""Groups and splits: what belongs together lies in one split, and stays there when data grows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from prefdata.publish.columns import I64, U64, mixed
from prefdata.publish.digests import I32, changes

SPLITS = ("train", "validation", "test")
TRAIN, VALIDATION, TEST = range(3)


def merge(groups: I32, links: I32, n: int) -> I32:
    """Return for each of `n` groups the smallest group that it is joined with.

    Two groups are joined if some row of each has the same link; a link of -1 joins nothing. The
    smallest number travels over the links until nothing changes, taking short cuts on the way.
    """
    labels = np.arange(n, dtype=np.int32)
    ends = int(links.max(initial=-1)) + 1
    if not ends:
        return labels
    left, right = _edges(groups, links, ends)
    while True:
        smallest = np.full(ends, n, np.int32)
        np.minimum.at(smallest, right, labels[left])
        joined = labels.copy()
        np.minimum.at(joined, left, smallest[right])
        np.minimum.at(joined, labels, joined)
        joined = joined[joined]
        if np.array_equal(joined, labels):
            return labels
        labels = joined


def _edges(groups: I32, links: I32, ends: int) -> tuple[I32, I32]:
    """Return the distinct pairs of a group and a link below `ends`, sorted."""
    linked = links >= 0
    edges = groups[linked].astype(np.int64)
    edges *= ends
    edges += links[linked]
    edges.sort()
    edges = edges[changes(edges)]
    return (edges // ends).astype(np.int32), (edges % ends).astype(np.int32)


def draw(digests: U64, seed: int) -> npt.NDArray[np.float64]:
    """Return a number in [0, 1) for each group; it depends on the group and the seed alone."""
    scattered = mixed(mixed(digests) ^ mixed(np.array([seed % 2**64], np.uint64)))
    return (scattered >> np.uint64(11)).astype(np.float64) * 2.0**-53


def by_share(drawn: npt.NDArray[np.float64], shares: Mapping[int, float]) -> npt.NDArray[np.int8]:
    """Return a split for each group: fixed bands of the unit interval, test lowest.

    A group's split never depends on other groups, so it stays when data grows; each source gets
    the same shares up to chance.
    """
    splits = np.full(len(drawn), TRAIN, np.int8)
    low = 0.0
    for split, share in shares.items():
        splits[(drawn >= low) & (drawn < low + share)] = split
        low += share
    return splits


def by_count(
    drawn: npt.NDArray[np.float64], sizes: I64, sources: Any, counts: Mapping[int, int]
) -> npt.NDArray[np.int8]:
    """Return a split for each group: of each source, the lowest draws that fit its part of a count.

    `sizes` are the pairs of each group, `sources` its source. A split never exceeds its count; a
    group that is too large for what is left of it is passed over, so that it falls short only
    where no group fits.
    """
    splits = np.full(len(drawn), TRAIN, np.int8)
    total = int(sizes.sum())
    for source in np.unique(sources):
        own = np.flatnonzero(sources == source)
        own = own[np.argsort(drawn[own], kind="stable")]
        share = int(sizes[own].sum())
        for split, count in counts.items():
            taken = _filled(sizes[own], count * share // max(total, 1))
            splits[own[taken]] = split
            own = np.delete(own, taken)
    return splits


def _filled(sizes: I64, room: int) -> I64:
    """Return the places of the first sizes that fill a room, without those that do not fit."""
    taken = [np.empty(0, np.int64)]
    places = np.arange(len(sizes))
    while len(places := places[sizes[places] <= room]):
        reached = np.cumsum(sizes[places])
        end = int(np.searchsorted(reached, room, side="right"))
        taken.append(places[:end])
        room -= int(reached[end - 1])
        places = places[end:]
    return np.concatenate(taken)
