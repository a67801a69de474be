"""Generated inputs of a release: as many Japanese pairs as asked for, in gate and label shards."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from prefdata.core.stage import Context
from prefdata.label.relabel import Relabel
from prefdata.store.dataset import MANIFEST
from prefdata.store.files import write_json
from prefdata.store.schemas import COMPLETION, FINDING, MESSAGE, ORIGINAL, PREFERENCES, SCORES
from prefdata.store.shards import shard_name, write_shard

SHARD = 5000
_SYLLABLES = list(
    "あいうえおかきくけこさしすせそたちつてとなにぬねのはひふへほまみむめもやゆよらりるれろわをん"
)
_KANJI = list(
    "日本語東京大阪料理旅行音楽映画仕事学校友達家族時間電車天気野菜果物健康運動勉強質問回答"
)


def sentences(n: int, seed: int = 0) -> pa.Array:
    """Invented sentences of 20 to 60 characters."""
    draw = np.random.default_rng(seed)
    letters = _SYLLABLES * 2 + _KANJI
    return pa.array(["".join(draw.choice(letters, draw.integers(20, 60))) + "。" for _ in range(n)])


def texts(pool: pa.Array, n: int, most: int, draw: np.random.Generator) -> pa.Array:
    """Texts of one to `most` sentences."""
    counts = draw.integers(1, most + 1, n)
    edges = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    picks = pool.take(pa.array(draw.integers(0, len(pool), edges[-1])))
    return pc.binary_join(pa.ListArray.from_arrays(pa.array(edges), picks), "")


def conversations(role: str, contents: pa.Array) -> pa.ListArray:
    """Conversations of one turn."""
    n = len(contents)
    turns = pa.StructArray.from_arrays([pa.repeat(role, n), contents], fields=list(MESSAGE))
    return pa.ListArray.from_arrays(pa.array(np.arange(n + 1, dtype=np.int32)), turns)


def shard(number: int, pool: pa.Array) -> pa.Table:
    """One shard of records as the gate leaves them; a third shares its first turn with another."""
    draw = np.random.default_rng(number)
    serial = number * SHARD + np.arange(SHARD)
    ids = pa.array([f"{n * 0x9E3779B97F4A7C15 % 2**64:016x}{n:016x}" for n in serial.tolist()])
    groups = pa.array([f"{n * 2 // 3:032x}" for n in serial.tolist()])
    first = pc.binary_join_element_wise(groups, texts(pool, SHARD, 5, draw), "　")
    answers = texts(pool, 2 * SHARD, 8, draw)
    scores = pa.ListArray.from_arrays(
        pa.array(np.zeros(2 * SHARD + 1, np.int32)),
        pa.StructArray.from_arrays(
            [pa.array([], pa.string()), pa.array([], pa.float64())],
            fields=list(SCORES.value_type),
        ),
    )
    completion = pa.StructArray.from_arrays(
        [
            conversations("assistant", answers),
            pa.array(np.tile(np.array([1, 2], np.int32), SHARD)),
            scores,
        ],
        fields=list(COMPLETION),
    )
    source = pa.array(np.array(["example/a", "example/b"])[serial % 2].tolist())
    same = {"kind": "pair", "lang": "ja", "pairing": "all", "translation": "f", "license": "MIT",
            "source_kind": "hh", "revision": "local", "config": "", "split": "", "layers": "[]",
            "row_digest": ""}  # fmt: skip
    columns = {name: pa.repeat(value, SHARD) for name, value in same.items()} | {
        "id": ids,
        "pair_key": ids,
        "prompt": conversations("user", first),
        "completions": pa.ListArray.from_arrays(
            pa.array(np.arange(SHARD + 1, dtype=np.int32) * 2), completion
        ),
        "group": groups,
        "margin": pa.nulls(SHARD, pa.float64()),
        "original": pa.nulls(SHARD, ORIGINAL),
        "findings": pa.array([[]] * SHARD, pa.list_(FINDING)),
        "source": source,
        "row": ids,
    }
    return pa.table({name: columns[name] for name in PREFERENCES.names}, schema=PREFERENCES)


def write_inputs(folder: Path, rows: int) -> None:
    """Write the folders that `publish` reads."""
    pool, relabel = sentences(40_000), Relabel(Relabel.Config(), Context())
    for number in range(rows // SHARD):
        table = shard(number, pool)
        write_shard(folder / "0-gate" / shard_name(number), table)
        write_shard(folder / "1-relabel" / shard_name(number), relabel.table(table)[0])
    for name, kind in (("0-gate", "preferences"), ("1-relabel", "labels")):
        counts = {"in": rows, "kept": rows, "dropped": 0, "bad": 0, "reasons": {}, "sources": {}}
        manifest = {"id": name[2:], "use": name[2:], "key": "0" * 32, "kind": kind, "files": []}
        write_json(folder / name / MANIFEST, manifest | {"settings": {}, "counts": counts})
