"""The Arrow schemas of what steps leave: preference records, labeled rows, drops."""

from __future__ import annotations

import pyarrow as pa

MESSAGE = pa.struct([("role", pa.string()), ("content", pa.string())])
CONVERSATION = pa.list_(MESSAGE)
SCORES = pa.list_(pa.struct([("name", pa.string()), ("value", pa.float64())]))
COMPLETION = pa.struct([("messages", CONVERSATION), ("rank", pa.int32()), ("scores", SCORES)])
ORIGINAL = pa.struct(
    [("lang", pa.string()), ("prompt", CONVERSATION), ("completions", pa.list_(CONVERSATION))]
)
FINDING = pa.struct(
    [
        ("code", pa.string()),
        ("side", pa.string()),
        ("turn", pa.int32()),
        ("measured", pa.float64()),
        ("limit", pa.float64()),
        ("band", pa.string()),
        ("action", pa.string()),
        ("detail", pa.string()),
    ]
)

PREFERENCES = pa.schema(
    [
        ("id", pa.string()),
        ("pair_key", pa.string()),
        ("kind", pa.string()),
        ("prompt", CONVERSATION),
        ("completions", pa.list_(COMPLETION)),
        ("lang", pa.string()),
        ("group", pa.string()),
        ("margin", pa.float64()),
        ("pairing", pa.string()),
        ("original", ORIGINAL),
        ("translation", pa.string()),
        ("findings", pa.list_(FINDING)),
        ("source", pa.string()),
        ("source_kind", pa.string()),
        ("revision", pa.string()),
        ("config", pa.string()),
        ("split", pa.string()),
        ("row", pa.string()),
        ("row_digest", pa.string()),
        ("layers", pa.string()),  # canonical JSON; see `layers_to_text`
        ("license", pa.string()),
    ]
)

LABELS = pa.schema(
    [
        ("id", pa.string()),
        ("pair_id", pa.string()),
        ("record_id", pa.string()),
        ("prompt", CONVERSATION),
        ("completion", CONVERSATION),
        ("label", pa.int8()),
        ("lang", pa.string()),
        ("group", pa.string()),
        ("source", pa.string()),
        ("license", pa.string()),
    ]
)

# What a step's drop log holds. `record` is null for a source row that yields no record.
DROPS = pa.schema(
    [
        ("id", pa.string()),
        ("source", pa.string()),
        ("row", pa.string()),
        ("reasons", pa.list_(pa.string())),
        ("bad", pa.bool_()),
        ("detail", pa.string()),
        ("findings", pa.list_(FINDING)),
        ("record", pa.struct(list(PREFERENCES))),
    ]
)
