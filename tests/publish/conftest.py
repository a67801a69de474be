"""Small builds made by hand: what the license gate and the relabel step would leave."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from prefdata.cli.main import run
from prefdata.core.finding import Finding
from prefdata.core.origin import Layer, Origin
from prefdata.core.records import (
    Completion,
    Conversation,
    Message,
    Original,
    Preference,
    group_of,
    pair_key,
    record_id,
)
from prefdata.core.stage import Context
from prefdata.label.relabel import Relabel
from prefdata.publish.release import Publish
from prefdata.store.arrow import encode
from prefdata.store.dataset import MANIFEST, Dataset
from prefdata.store.files import write_json
from prefdata.store.shards import shard_name, write_shard


def turns(*texts: str) -> Conversation:
    """A conversation that begins with the user, by turns."""
    return tuple(
        Message("user" if n % 2 == 0 else "assistant", text) for n, text in enumerate(texts)
    )


def answer(text: str) -> Conversation:
    return (Message("assistant", text),)


def a_record(
    row: int | str,
    *prompt: str,
    answers: Sequence[str] = ("はい。", "いいえ。"),
    ranks: Sequence[int] | None = None,
    source: str = "example/native",
    split: str = "",
    english: Sequence[str] | None = None,
    license: str | None = "MIT",  # noqa: A002
    flags: Sequence[str] = (),
    **changes: Any,
) -> Preference:
    """A record as the gate leaves it; `english` are prompt and answers before translation."""
    prompt = prompt or (f"質問{row}は何ですか。",)
    ranks = ranks or range(1, len(answers) + 1)
    key = pair_key(source, "local", str(row))
    original = None
    if english:
        original = Original("en", turns(english[0]), tuple(answer(text) for text in english[1:]))
    values: dict[str, Any] = {
        "id": record_id(key, "ja"),
        "pair_key": key,
        "kind": "pair" if len(answers) == 2 else "ranking",
        "prompt": turns(*prompt),
        "completions": tuple(
            Completion(answer(text), rank) for text, rank in zip(answers, ranks, strict=True)
        ),
        "lang": "ja",
        "group": group_of(original.prompt if original else turns(*prompt)),
        "origin": Origin(
            source=source,
            kind="native",
            revision="local",
            row=str(row),
            digest=key,
            layers=(Layer("source_text", source), Layer("response", source)),
            split=split,
        ),
        "original": original,
        "findings": tuple(Finding(code, "pair", action="flag") for code in flags),
        "license": license,
    }
    return Preference(**values | changes)


def write_step(folder: Path, step: str, kind: str, tables: Sequence[Any], **more: Any) -> Dataset:
    """A finished step's folder."""
    rows = sum(len(table) for table in tables)
    for n, table in enumerate(tables):
        write_shard(folder / shard_name(n), table)
    counts = {"in": rows, "kept": rows, "dropped": 0, "bad": 0, "reasons": {}, "sources": {}}
    manifest = {
        "schema_version": 1, "id": step, "use": step, "group": "stages", "key": step * 4,
        "kind": kind, "version": 1, "settings": {}, "counts": counts, "files": [],
    }  # fmt: skip
    write_json(folder / MANIFEST, manifest | more)
    return Dataset(folder)


def a_build(
    folder: Path, records: Sequence[Preference], *, shard_size: int = 1000
) -> Mapping[str, Dataset]:
    """The inputs of `publish` over these records, with the folder's build.json."""
    shards = [encode(records[n : n + shard_size]) for n in range(0, len(records), shard_size)] or [
        encode([])
    ]
    relabel = Relabel(Relabel.Config(), Context())
    pairs = write_step(folder / "01-gate-0", "gate", "preferences", shards)
    labels = write_step(
        folder / "02-relabel-0", "relabel", "labels", [relabel.table(shard)[0] for shard in shards]
    )
    steps = [
        {"id": d.id, "use": d.id, "group": "stages", "key": d.manifest["key"], "kind": d.kind,
         "path": d.path.name}
        for d in (pairs, labels)
    ]  # fmt: skip
    write_json(folder / "build.json", {"name": "example", "steps": steps})
    return {"pairs": pairs, "labels": labels}


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The quick start's build folder: real sources, gate and audit. Read only."""
    folder = tmp_path_factory.mktemp("quick start 早速")
    assert run(["build", "quickstart", "--out", str(folder / "build")]) == 0
    return folder / "build"


@pytest.fixture
def publish(tmp_path: Path) -> Callable[..., Path]:
    """Publish records with settings and return the release's folder."""

    def publish_records(
        records: Sequence[Preference],
        *,
        seed: int = 0,
        shards: int = 1000,
        **tree: Any,
    ) -> Path:
        folder = tmp_path / f"build-{len(list(tmp_path.iterdir()))}"
        inputs = a_build(folder, records, shard_size=shards)
        context = Context(
            pipeline="example", seed=seed, step="publish", key="0" * 32, released="2026-11-21"
        )
        config = Publish.Config.from_tree(tree)
        Publish.plan(config, context)
        out = folder / "release"
        out.mkdir()
        Publish(config, context).run(inputs, out)
        return out

    return publish_records
