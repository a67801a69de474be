"""A pointer release made whole from one's own copy of the source, verified row by row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from prefdata import components
from prefdata.core.errors import InputError, IntegrityError
from prefdata.core.finding import Skip
from prefdata.core.records import Preference
from prefdata.core.stage import Context
from prefdata.licensing.pointers import FILE, POINTERS
from prefdata.store.dataset import MANIFEST
from prefdata.store.files import atomic, read_json
from prefdata.store.schemas import CONVERSATION, SCORES
from prefdata.store.shards import read_shard

MOST_NAMED = 20

REBUILT = pa.schema(
    [
        ("id", pa.string()),
        ("source", pa.string()),
        ("revision", pa.string()),
        ("row", pa.string()),
        ("row_sha256", pa.string()),
        ("group", pa.string()),
        ("prompt", CONVERSATION),
        ("completions", pa.list_(CONVERSATION)),
        ("ranks", pa.list_(pa.int32())),
        ("scores", pa.list_(SCORES)),
        ("translated", pa.list_(CONVERSATION)),
    ]
)


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """How many pointers were made whole, and where they lie."""

    path: Path
    records: int


def rebuild(release: Path, copy: Path, out: Path) -> Rebuilt:
    """Find every pointer's row in a copy of the source and write the records whole.

    Prompt and completions are the copy's own; `translated` holds the completions that the release
    was allowed to ship.

    Args:
        release: a release with ``pointers/``.
        copy: the file or folder of the source.
        out: the Parquet file to write.

    Raises:
        InputError: the release has no pointers, or no source of it reads the copy.
        IntegrityError: a row is not in the copy, or its ranks are others.
    """
    if not (release / FILE).is_file():
        raise InputError("the release lists no pointers", str(release), "see 'release: pointers'")
    pointers = read_shard(release / FILE)
    if pointers.schema.names != POINTERS.names:
        raise IntegrityError("not a list of pointers", str(release / FILE), "get it anew")
    wanted: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in pointers.to_pylist():
        wanted.setdefault((row["source"], row["row_sha256"]), []).append(row)
    rows, problems = [], []
    for source, record in _records(release, copy, {row[0] for row in wanted}):
        for pointer in wanted.pop((source, record.origin.digest), ()):
            ranks = [completion.rank for completion in record.completions]
            if pointer["ranks"] not in (None, ranks):
                problems.append(f"{pointer['id']}: its ranks are {pointer['ranks']}, not {ranks}")
            rows.append(_whole(pointer, record))
    problems += [
        f"{row['id']}: row {row['row']} of {row['source']} is not in {copy}"
        for missing in wanted.values()
        for row in missing
    ]
    _refuse(problems, len(pointers), release)
    rows.sort(key=lambda row: str(row["id"]))
    with atomic(out) as temporary:
        pq.write_table(pa.Table.from_pylist(rows, schema=REBUILT), temporary, compression="zstd")
    return Rebuilt(out, len(rows))


def _refuse(problems: list[str], total: int, release: Path) -> None:
    if problems:
        named = "\n  ".join(problems[:MOST_NAMED])
        raise IntegrityError(
            f"{len(problems)} of {total} rows cannot be made whole:\n  {named}",
            str(release),
            "give the copy that the release was made from, whole and unchanged",
        )


def _records(release: Path, copy: Path, sources: set[str]) -> Iterator[tuple[str, Preference]]:
    """Yield (source, record) of a copy, read as the release's own pipeline read its source.

    The source has the name that it has in the release, however the copy is called.

    Raises:
        InputError: the manifest names no source of these pointers.
    """
    steps = [s for s in read_json(release / MANIFEST).get("steps", ()) if s["group"] == "sources"]
    found = False
    for step in steps:
        for name in sources & set(step["counts"]["sources"]):
            found = True
            rows = _source(step, copy).records()
            yield from ((name, row) for row in rows if not isinstance(row, Skip))
    if not found:
        raise InputError(
            f"the release's manifest names no source of {', '.join(sorted(sources))}",
            str(release / MANIFEST),
        )


def _source(step: Mapping[str, Any], copy: Path) -> Any:
    component = components.load("sources", step["use"])
    dropped = ("repo_id", "path", "limit")  # where the rows lie is the copy's own
    settings = {
        key: value
        for key, value in step["settings"].items()
        if value is not None and key not in dropped
    }
    config = component.Config.from_tree(settings | {"path": str(copy.absolute())})
    return component(config, Context())


def _whole(pointer: Mapping[str, Any], record: Preference) -> dict[str, Any]:
    return {
        **{name: pointer[name] for name in ("id", "source", "revision", "row", "row_sha256")},
        "group": pointer["group"],
        "prompt": _messages(record.prompt),
        "completions": [_messages(c.messages) for c in record.completions],
        "ranks": [c.rank for c in record.completions],
        "scores": [
            [{"name": name, "value": value} for name, value in c.scores] for c in record.completions
        ],
        "translated": pointer["completions"],
    }


def _messages(conversation: Any) -> list[dict[str, str]]:
    return [{"role": m.role, "content": m.content} for m in conversation]
