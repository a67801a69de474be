"""Arrow columns of conversations as numbers: row digests, first user turns, joined text.

A digest costs one xxHash call over a row's own bytes, which lie together in the column; nothing
is decoded to Python strings. 64 bits: among a million rows two different ones share a digest with
a chance of 3 in 100 million.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from xxhash import xxh3_64_intdigest

U64: TypeAlias = npt.NDArray[np.uint64]
I64: TypeAlias = npt.NDArray[np.int64]

ROLES = ("system", "user", "assistant")


def mixed(values: U64) -> U64:
    """Scatter 64-bit values so that every input bit moves every output bit (SplitMix64)."""
    z = values + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def whole(column: Any) -> Any:
    """Return a column or array as one array, without a copy where it is one already."""
    if not isinstance(column, pa.ChunkedArray):
        return column
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def spans(lists: Any) -> I64:
    """Return n + 1 offsets into ``lists.flatten()``; slices begin at 0."""
    offsets = lists.offsets.to_numpy(zero_copy_only=False).astype(np.int64)
    return offsets - offsets[0] if len(offsets) else np.zeros(1, np.int64)


def string_digests(column: Any) -> U64:
    """Return one digest for each string, by xxHash; a null counts as empty. For texts."""
    return _digests(*_bytes_of(whole(column)))


def id_digests(column: Any) -> U64:
    """Return one digest for each id. Other digests than xxHash's, ten times as fast.

    Ids have few lengths: those of one length are a matrix of bytes, whose words are mixed.
    """
    ends, data = _bytes_of(whole(column))
    octets = np.frombuffer(data, np.uint8)
    lengths = np.diff(ends)
    digests = np.zeros(len(lengths), np.uint64)
    for length in np.unique(lengths).tolist():
        rows = np.flatnonzero(lengths == length)
        words = np.zeros((len(rows), -(-length // 8) * 8), np.uint8)
        if len(rows) == len(lengths):
            words[:, :length] = octets[ends[0] : ends[-1]].reshape(len(rows), length)
        else:
            words[:, :length] = octets[ends[rows][:, None] + np.arange(length)]
        digests[rows] = _mixed_words(words.view("<u8"), length)
    return digests


def _mixed_words(words: U64, length: int) -> U64:
    digests = mixed(np.full(len(words), length, np.uint64))
    for n in range(words.shape[1]):
        digests = mixed(digests ^ words[:, n])
    return digests


def _bytes_of(array: Any) -> tuple[I64, memoryview]:
    """Return n + 1 byte offsets and the bytes of a string array."""
    if not len(array):
        return np.zeros(1, np.int64), memoryview(b"")
    _, offsets, data = array.buffers()
    ends = np.frombuffer(offsets, np.int32, len(array) + 1, array.offset * 4).astype(np.int64)
    return ends, memoryview(data) if data is not None else memoryview(b"")


def _digests(offsets: I64, data: memoryview) -> U64:
    edges = pairwise(offsets.tolist())
    return np.fromiter(
        (xxh3_64_intdigest(data[a:b]) for a, b in edges), np.uint64, len(offsets) - 1
    )


def sums(values: U64, edges: I64) -> U64:
    """Return the sum, modulo 2^64, of each row's values; 0 for an empty row."""
    total = np.zeros(len(values) + 1, np.uint64)
    np.cumsum(values, out=total[1:])
    return total[edges[1:]] - total[edges[:-1]]


def places(edges: I64) -> I64:
    """Return the place of every item within its row, from 0."""
    return np.arange(edges[-1]) - np.repeat(edges[:-1], np.diff(edges))


def conversation_digests(conversations: Any) -> U64:
    """Return one digest for each conversation, over its texts, roles and turn borders."""
    array = whole(conversations)
    roles, contents = array.flatten().flatten()
    edges = spans(array)
    ends, data = _bytes_of(contents)
    text = _digests(ends[edges], data)
    lengths = np.diff(ends).astype(np.uint64)
    role = whole(pc.index_in(roles, value_set=pa.array(ROLES))).fill_null(len(ROLES))
    codes = role.to_numpy(zero_copy_only=False).astype(np.uint64)
    shape = mixed(lengths * np.uint64(8) + codes) ^ mixed(places(edges).astype(np.uint64))
    return mixed(text ^ sums(mixed(shape), edges))


def first_user_turns(conversations: Any) -> Any:
    """Return the first user turn of each conversation, null where there is none."""
    array = whole(conversations)
    roles, contents = array.flatten().flatten()
    edges = spans(array)
    users = np.flatnonzero(pc.equal(roles, "user").to_numpy(zero_copy_only=False))
    found = np.searchsorted(users, edges[:-1])
    at = np.append(users, edges[-1])[found]
    return contents.take(pa.array(at, mask=at >= edges[1:]))


def joined(conversations: Any, markers: dict[str, str], separator: str) -> Any:
    """Return each conversation as one text: every turn behind its role's marker."""
    array = whole(conversations)
    roles, contents = array.flatten().flatten()
    known = pa.array([markers[role] for role in ROLES])
    marks = known.take(pc.index_in(roles, value_set=pa.array(ROLES)))
    turns = pc.binary_join_element_wise(marks, contents, "")
    lists = pa.ListArray.from_arrays(pa.array(spans(array).astype(np.int32)), turns)
    return pc.binary_join(lists, separator)


def concatenated(left: Any, right: Any) -> Any:
    """Return, row by row, the items of `left` followed by those of `right`."""
    left, right = whole(left), whole(right)
    a, b = spans(left), spans(right)
    edges = a + b
    index = np.empty(edges[-1], np.int64)
    index[np.arange(a[-1]) + np.repeat(b[:-1], np.diff(a))] = np.arange(a[-1])
    index[np.arange(b[-1]) + np.repeat(a[1:], np.diff(b))] = a[-1] + np.arange(b[-1])
    items = pa.concat_arrays([left.flatten(), right.flatten()]).take(pa.array(index))
    return pa.ListArray.from_arrays(pa.array(edges.astype(np.int32)), items)
