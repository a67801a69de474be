"""One Arrow schema for preference records, with one encode and one decode.

Rows in code, columns on disk: encoding and decoding together cost 1 to 3 % of one MeCab pass.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any, cast

import pyarrow as pa

from prefdata.core.finding import Drop, Finding, Skip
from prefdata.core.origin import Layer, Origin
from prefdata.core.records import Completion, Conversation, Message, Original, Preference

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

_FINDING_FIELDS = [field.name for field in FINDING]


@lru_cache(maxsize=4096)
def layers_to_text(layers: tuple[Layer, ...]) -> str:
    """Return the layers as canonical JSON: a list of [role, artifact, revision], sorted."""
    rows = sorted([layer.role, layer.artifact, layer.revision] for layer in layers)
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":"))


@lru_cache(maxsize=4096)
def layers_from_text(text: str) -> tuple[Layer, ...]:
    """Return what `layers_to_text` wrote; equal layers are the same objects."""
    return tuple(Layer(*row) for row in json.loads(text))


def encode(records: Sequence[Preference]) -> pa.Table:
    """Return the records as a table of schema `PREFERENCES`."""
    return pa.Table.from_batches([_encode(records)], schema=PREFERENCES)


def _encode(records: Sequence[Preference]) -> pa.RecordBatch:
    columns = [
        pa.array([r.id for r in records], pa.string()),
        pa.array([r.pair_key for r in records], pa.string()),
        pa.array([r.kind for r in records], pa.string()),
        encode_conversations([r.prompt for r in records]),
        _completions([r.completions for r in records]),
        pa.array([r.lang for r in records], pa.string()),
        pa.array([r.group for r in records], pa.string()),
        pa.array([r.margin for r in records], pa.float64()),
        pa.array([r.pairing for r in records], pa.string()),
        _originals([r.original for r in records]),
        pa.array([r.translation for r in records], pa.string()),
        _findings([r.findings for r in records]),
        pa.array([r.origin.source for r in records], pa.string()),
        pa.array([r.origin.kind for r in records], pa.string()),
        pa.array([r.origin.revision for r in records], pa.string()),
        pa.array([r.origin.config for r in records], pa.string()),
        pa.array([r.origin.split for r in records], pa.string()),
        pa.array([r.origin.row for r in records], pa.string()),
        pa.array([r.origin.digest for r in records], pa.string()),
        pa.array([layers_to_text(r.origin.layers) for r in records], pa.string()),
        pa.array([r.license for r in records], pa.string()),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=PREFERENCES)


def encode_drops(drops: Sequence[Drop]) -> pa.Table:
    """Return drops as a table of schema `DROPS`."""
    records = _encode([drop.record for drop in drops])
    columns = [
        records.column("id"),
        records.column("source"),
        records.column("row"),
        pa.array([list(drop.reasons) for drop in drops], pa.list_(pa.string())),
        pa.array([False] * len(drops), pa.bool_()),
        pa.array(["; ".join(f.detail for f in d.findings if f.detail) for d in drops], pa.string()),
        _findings([drop.findings for drop in drops]),
        pa.StructArray.from_arrays(records.columns, fields=list(PREFERENCES)),
    ]
    return pa.table(columns, schema=DROPS)


def encode_skips(skips: Sequence[Skip], source: str) -> pa.Table:
    """Return source rows without a record as a table of schema `DROPS`."""
    n = len(skips)
    columns = [
        pa.nulls(n, pa.string()),
        pa.array([source] * n, pa.string()),
        pa.array([skip.row for skip in skips], pa.string()),
        pa.array([[skip.reason] for skip in skips], pa.list_(pa.string())),
        pa.array([skip.bad for skip in skips], pa.bool_()),
        pa.array([skip.detail for skip in skips], pa.string()),
        pa.array([[]] * n, pa.list_(FINDING)),
        pa.nulls(n, pa.struct(list(PREFERENCES))),
    ]
    return pa.table(columns, schema=DROPS)


def drops_of_table(table: pa.Table, codes: Sequence[str], details: Sequence[str]) -> pa.Table:
    """Return rows of a `PREFERENCES` table as drops, each with one code; for table stages."""
    findings = [
        (Finding(code, "pair", detail=detail),) for code, detail in zip(codes, details, strict=True)
    ]
    batch = table.combine_chunks()
    columns = [batch.column(n).combine_chunks() for n in PREFERENCES.names]
    return pa.table(
        [
            batch.column("id"),
            batch.column("source"),
            batch.column("row"),
            pa.array([[code] for code in codes], pa.list_(pa.string())),
            pa.array([False] * len(codes), pa.bool_()),
            pa.array(details, pa.string()),
            _findings(findings),
            pa.StructArray.from_arrays(columns, fields=list(PREFERENCES)),
        ],
        schema=DROPS,
    )


def decode(table: pa.Table | pa.RecordBatch) -> list[Preference]:
    """Return the rows of a `PREFERENCES` table or batch, slices included."""
    batches = table.to_batches() if isinstance(table, pa.Table) else [table]
    return [record for batch in batches for record in _decode(batch)]


def _decode(batch: pa.RecordBatch) -> Iterator[Preference]:
    plain = {
        name: batch.column(name).to_pylist()
        for name in PREFERENCES.names
        if name not in ("prompt", "completions", "original", "findings")
    }
    prompts = _read_conversations(batch.column("prompt"))
    completions = _read_completions(batch.column("completions"))
    originals = _read_originals(batch.column("original"))
    findings = _read_findings(batch.column("findings"))
    for n in range(batch.num_rows):
        yield Preference(
            id=plain["id"][n],
            pair_key=plain["pair_key"][n],
            kind=plain["kind"][n],
            prompt=prompts[n],
            completions=completions[n],
            lang=plain["lang"][n],
            group=plain["group"][n],
            origin=Origin(
                source=plain["source"][n],
                kind=plain["source_kind"][n],
                revision=plain["revision"][n],
                row=plain["row"][n],
                digest=plain["row_digest"][n],
                layers=layers_from_text(plain["layers"][n]),
                config=plain["config"][n],
                split=plain["split"][n],
            ),
            margin=plain["margin"][n],
            pairing=plain["pairing"][n],
            original=originals[n],
            translation=plain["translation"][n],
            findings=findings[n],
            license=plain["license"][n],
        )


# Encoding nested columns: flat children and offsets, which is several times faster than dicts.


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


def _completions(rows: Sequence[Sequence[Completion]]) -> pa.ListArray:
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


def _originals(originals: Sequence[Original | None]) -> pa.StructArray:
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


def _findings(rows: Sequence[Sequence[Finding]]) -> pa.ListArray:
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


def _read_conversations(array: pa.ListArray) -> list[Conversation]:
    roles, contents = (child.to_pylist() for child in array.flatten().flatten())
    messages = list(map(Message, roles, contents))
    spans = _spans(array)
    return [tuple(messages[a:b]) for a, b in pairwise(spans)]


def _read_completions(array: pa.ListArray) -> list[tuple[Completion, ...]]:
    messages, ranks, scores = array.flatten().flatten()
    names, values = (child.to_pylist() for child in scores.flatten().flatten())
    pairs = list(zip(names, values, strict=True))
    score_spans = _spans(scores)
    flat = [
        Completion(conversation, rank, tuple(pairs[a:b]))
        for conversation, rank, (a, b) in zip(
            _read_conversations(messages), ranks.to_pylist(), pairwise(score_spans), strict=True
        )
    ]
    spans = _spans(array)
    return [tuple(flat[a:b]) for a, b in pairwise(spans)]


def _read_originals(array: pa.StructArray) -> list[Original | None]:
    present = array.is_valid().to_pylist()
    if not any(present):
        return [None] * len(present)
    kept = array.filter(array.is_valid())
    langs, prompts, completions = kept.flatten()
    texts = _read_conversations(completions.flatten())
    spans = _spans(completions)
    read = iter(
        Original(lang, prompt, tuple(texts[a:b]))
        for lang, prompt, (a, b) in zip(
            langs.to_pylist(), _read_conversations(prompts), pairwise(spans), strict=True
        )
    )
    return [next(read) if there else None for there in present]


def _read_findings(array: pa.ListArray) -> list[tuple[Finding, ...]]:
    columns = [child.to_pylist() for child in array.flatten().flatten()]
    flat = [Finding(*values) for values in zip(*columns, strict=True)]
    spans = _spans(array)
    return [tuple(flat[a:b]) for a, b in pairwise(spans)]


def read_drops(table: pa.Table) -> Iterator[dict[str, Any]]:
    """Yield drop rows as plain values; `record` is a `Preference` or None."""
    for batch in table.to_batches():
        struct = batch.column("record")
        present = struct.is_valid().to_pylist()
        inner = struct.filter(struct.is_valid())
        records = iter(
            _decode(pa.RecordBatch.from_arrays(inner.flatten(), schema=PREFERENCES))
            if len(inner)
            else ()
        )
        findings = _read_findings(batch.column("findings"))
        plain = batch.select(["id", "source", "row", "reasons", "bad", "detail"]).to_pylist()
        for n, row in enumerate(plain):
            record = next(records) if present[n] else None
            yield {**row, "findings": findings[n], "record": record}
