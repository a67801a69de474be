"""Nested columns of records, between Python values and Arrow.

Flat children and offsets, which is several times faster than dicts.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import cast

import pyarrow as pa

from prefdata.core.finding import Finding
from prefdata.core.records import Completion, Conversation, Message, Original
from prefdata.store.schemas import COMPLETION, FINDING, MESSAGE, ORIGINAL, SCORES


def _offsets(lengths: Sequence[int]) -> pa.Array:
    total, offsets = 0, [0]
    for length in lengths:
        total += length
        offsets.append(total)
    return pa.array(offsets, pa.int32())


def encode_conversations(conversations: Sequence[Conversation]) -> pa.ListArray:
    """Return conversations as an Arrow column of lists of {role, content}."""
    messages = [message for conversation in conversations for message in conversation]
    struct = pa.StructArray.from_arrays(
        [
            pa.array([m.role for m in messages], pa.string()),
            pa.array([m.content for m in messages], pa.string()),
        ],
        fields=list(MESSAGE),
    )
    return pa.ListArray.from_arrays(_offsets([len(c) for c in conversations]), struct)


def encode_completions(rows: Sequence[Sequence[Completion]]) -> pa.ListArray:
    """Return the completions of records as an Arrow column of lists of `COMPLETION`."""
    flat = [completion for row in rows for completion in row]
    scores = [score for completion in flat for score in completion.scores]
    score_struct = pa.StructArray.from_arrays(
        [
            pa.array([score[0] for score in scores], pa.string()),
            pa.array([score[1] for score in scores], pa.float64()),
        ],
        fields=list(SCORES.value_type),
    )
    struct = pa.StructArray.from_arrays(
        [
            encode_conversations([c.messages for c in flat]),
            pa.array([c.rank for c in flat], pa.int32()),
            pa.ListArray.from_arrays(_offsets([len(c.scores) for c in flat]), score_struct),
        ],
        fields=list(COMPLETION),
    )
    return pa.ListArray.from_arrays(_offsets([len(row) for row in rows]), struct)


def encode_originals(originals: Sequence[Original | None]) -> pa.StructArray:
    """Return what was translated as an Arrow column of `ORIGINAL`, null for native text."""
    filled = [o or Original("", (), ()) for o in originals]
    texts = [conversation for o in filled for conversation in o.completions]
    return pa.StructArray.from_arrays(
        [
            pa.array([o.lang for o in filled], pa.string()),
            encode_conversations([o.prompt for o in filled]),
            pa.ListArray.from_arrays(
                _offsets([len(o.completions) for o in filled]), encode_conversations(texts)
            ),
        ],
        fields=list(ORIGINAL),
        mask=pa.array([o is None for o in originals], pa.bool_()),
    )


def encode_findings(rows: Sequence[Sequence[Finding]]) -> pa.ListArray:
    """Return findings as an Arrow column of lists of `FINDING`."""
    flat = [finding for row in rows for finding in row]
    struct = pa.StructArray.from_arrays(
        [pa.array([getattr(f, field.name) for f in flat], field.type) for field in FINDING],
        fields=list(FINDING),
    )
    return pa.ListArray.from_arrays(_offsets([len(row) for row in rows]), struct)


# Decoding. `flatten` and rebased offsets: `.values` would decode the whole column for a slice.


def _spans(array: pa.ListArray) -> list[int]:
    offsets = cast("list[int]", array.offsets.to_pylist())
    return [offset - offsets[0] for offset in offsets] if offsets else [0]


def read_conversations(array: pa.ListArray) -> list[Conversation]:
    """Return what `encode_conversations` wrote."""
    roles, contents = (child.to_pylist() for child in array.flatten().flatten())
    messages = list(map(Message, roles, contents))
    spans = _spans(array)
    return [tuple(messages[a:b]) for a, b in pairwise(spans)]


def read_completions(array: pa.ListArray) -> list[tuple[Completion, ...]]:
    """Return what `encode_completions` wrote."""
    messages, ranks, scores = array.flatten().flatten()
    names, values = (child.to_pylist() for child in scores.flatten().flatten())
    pairs = list(zip(names, values, strict=True))
    score_spans = _spans(scores)
    flat = [
        Completion(conversation, rank, tuple(pairs[a:b]))
        for conversation, rank, (a, b) in zip(
            read_conversations(messages), ranks.to_pylist(), pairwise(score_spans), strict=True
        )
    ]
    spans = _spans(array)
    return [tuple(flat[a:b]) for a, b in pairwise(spans)]


def read_originals(array: pa.StructArray) -> list[Original | None]:
    """Return what `encode_originals` wrote."""
    present = array.is_valid().to_pylist()
    if not any(present):
        return [None] * len(present)
    kept = array.filter(array.is_valid())
    langs, prompts, completions = kept.flatten()
    texts = read_conversations(completions.flatten())
    spans = _spans(completions)
    read = iter(
        Original(lang, prompt, tuple(texts[a:b]))
        for lang, prompt, (a, b) in zip(
            langs.to_pylist(), read_conversations(prompts), pairwise(spans), strict=True
        )
    )
    return [next(read) if there else None for there in present]


def read_findings(array: pa.ListArray) -> list[tuple[Finding, ...]]:
    """Return what `encode_findings` wrote."""
    columns = [child.to_pylist() for child in array.flatten().flatten()]
    flat = [Finding(*values) for values in zip(*columns, strict=True)]
    spans = _spans(array)
    return [tuple(flat[a:b]) for a, b in pairwise(spans)]
