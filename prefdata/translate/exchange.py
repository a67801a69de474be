"""The translation memory in and out of files: JSON Lines, Parquet, TMX 1.4."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

from prefdata.core.errors import InputError
from prefdata.core.origin import Layer
from prefdata.core.records import Role, digest
from prefdata.translate.entry import Entry, Item, Maker, Origin, unpack, unpack_layer
from prefdata.translate.memory import Memory
from prefdata.translate.memory_file import FIELDS, read_rows
from prefdata.translate.tmx import read_tmx, write_tmx
from prefdata.translate.tree import ROOT, node_key

FORMATS = (".jsonl", ".jsonl.gz", ".parquet", ".tmx")
BATCH = 5000
_ANSWERS: dict[Role, Role] = {"user": "assistant", "assistant": "user", "system": "user"}


@dataclass(frozen=True)
class Selection:
    """Which entries leave: all, those of one fingerprint, or persons' corrections alone."""

    fingerprint: str = ""
    human: bool = False

    def has(self, maker: Maker) -> bool:
        """Tell whether a maker's entries are meant."""
        if self.human and maker.origin != "human":
            return False
        return maker.fingerprint.startswith(self.fingerprint)


def export_memory(memory: Memory, path: Path, selection: Selection = Selection()) -> int:
    """Write entries to a file of the form that its name ends in; return how many.

    Failed nodes are written too (`target` null, their attempts under `log`), so that a build from
    the file drops what the first one dropped; TMX cannot hold them.
    """
    from prefdata.store.files import atomic

    form = form_of(path)
    found = exported(memory, selection)
    rows = _counted(r for r in found if form != ".tmx" or r["target"] is not None)
    with atomic(path) as temporary:
        if form == ".parquet":
            _write_parquet(temporary, rows)
        elif form == ".tmx":
            write_tmx(temporary, rows)
        else:
            opened = gzip.GzipFile(temporary, "wb", mtime=0) if form.endswith(".gz") else None
            with opened or temporary.open("wb") as file:
                for row in rows:
                    file.write((json.dumps(row, ensure_ascii=False) + "\n").encode("utf-8"))
    return rows.count


class _counted:  # noqa: N801  # reads as what it is where it is used
    """Rows that pass through, counted."""

    def __init__(self, rows: Iterable[dict[str, Any]]) -> None:
        self.rows = rows
        self.count = 0

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for row in self.rows:
            self.count += 1
            yield row


def exported(memory: Memory, selection: Selection) -> Iterator[dict[str, Any]]:
    """Yield entries as plain rows, sorted by maker and key."""
    path = lru_cache(maxsize=65536)(lambda key: _path(memory, key))
    for maker in sorted(memory.makers(), key=lambda m: m.fingerprint):
        if not selection.has(maker):
            continue
        for stored in memory.entries(maker):
            layer = unpack_layer(stored["layer"]) or maker.layer
            row = {
                "role": stored["role"],
                "source": stored["source"],
                "context": _context(stored["role"], path(stored["parent"])),
                "target": stored["target"],
                "translator": layer.artifact if layer else "",
                "revision": layer.revision if layer else "",
                "origin": maker.origin,
                "fingerprint": maker.fingerprint,
            }
            more = {name: stored[name] for name in ("ladder", "log") if stored[name]}
            yield {**row, **more}


def _path(memory: Memory, key: bytes) -> tuple[tuple[Role, str], ...]:
    """Return role and text of a node and of the turns before it."""
    turns: list[tuple[Role, str]] = []
    while key != ROOT:
        node = memory.node(key)
        if node is None:
            raise InputError(
                "a turn lacks the turns before it", str(memory.path), "prefdata memory compact"
            )
        key, role, text = node
        turns.append((role, text))
    return tuple(reversed(turns))


def _context(role: Role, turns: tuple[tuple[Role, str], ...]) -> list[Any]:
    """Return earlier turns as texts; with their roles where the speakers do not alternate."""
    if _alternating(role, len(turns)) == [r for r, _ in turns]:
        return [text for _, text in turns]
    return [{"role": r, "content": text} for r, text in turns]


def _alternating(role: Role, n: int) -> list[Role]:
    """Return the roles of n turns before one of `role`, if the speakers take turns."""
    roles: list[Role] = []
    for _ in range(n):
        role = _ANSWERS[role]
        roles.append(role)
    return roles[::-1]


def _write_parquet(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    turn = pa.struct([("role", pa.string()), ("content", pa.string())])
    names = (*FIELDS, "translator", "revision", "origin", "fingerprint", "ladder", "log")
    schema = pa.schema([*((n, pa.string()) for n in names), ("context", pa.list_(turn))])
    rest = iter(rows)
    with pq.ParquetWriter(path, schema, compression="zstd", compression_level=3) as writer:
        while batch := list(islice(rest, BATCH)):
            for row in batch:
                row["context"] = _spelled_out(row["role"], row["context"])
            writer.write_table(pa.Table.from_pylist(batch, schema))


def _spelled_out(role: Role, context: list[Any]) -> list[dict[str, str]]:
    roles = _alternating(role, len(context))
    return [
        turn if isinstance(turn, dict) else {"role": r, "content": turn}
        for r, turn in zip(roles, context, strict=True)
    ]


def import_memory(memory: Memory, path: Path, *, human: str = "") -> int:
    """Take entries from a file; with `human`, as the corrections of that person or team.

    A person's corrections win over every translator. Other entries need the `fingerprint` under
    which a pipeline looks for them: what `export` wrote has it.

    Raises:
        InputError: the file is missing or malformed, or an entry has no maker.
    """
    form = form_of(path)
    rows = read_tmx(path) if form == ".tmx" else read_rows(path)
    count = 0
    rest = iter(rows)
    while batch := list(islice(rest, BATCH)):
        by_maker: dict[str, tuple[Maker, list[Item]]] = {}
        for where, row in batch:
            maker = _maker(memory, row, where, human)
            by_maker.setdefault(maker.fingerprint, (maker, []))[1].extend(_items(row, where))
            count += 1
        for maker, items in by_maker.values():
            memory.store(items, maker)
    return count


def _maker(memory: Memory, row: dict[str, Any], where: str, human: str) -> Maker:
    if human or (row.get("origin") == "human" and not row.get("fingerprint")):
        name = human or row.get("translator") or "human"
        layer = Layer("translator", name, "" if human else row.get("revision") or "")
        fingerprint = digest("human", layer.artifact, layer.revision)
        return memory.maker(fingerprint, origin="human", layer=layer)
    if not row.get("fingerprint"):
        raise InputError(
            "the translation does not say which translator and settings it is for",
            where,
            "give --human NAME for a person's corrections, or use the file itself:"
            " translator: {use: memory, path: FILE}",
        )
    made_by: Layer | None = None
    if row.get("translator"):
        made_by = Layer("translator", row["translator"], row.get("revision") or "")
    origin: Origin = "human" if row.get("origin") == "human" else "machine"
    return memory.maker(row["fingerprint"], origin=origin, layer=made_by)


def _items(row: dict[str, Any], where: str) -> Iterator[Item]:
    """Yield the row's node with its entry, after the bare nodes of the turns before it."""
    role: Role = row["role"]
    turns = _turns(role, row.get("context") or [], where)
    parent = ROOT
    for before, text in turns:
        if text.strip():
            key = node_key(parent, before, text.strip())
            yield Item(key, parent, before, text.strip(), None)
            parent = key
    source = row["source"].strip()
    plain = Entry(row["target"], ladder=row.get("ladder") or "")
    entry = unpack(plain, row["log"], None, None) if row.get("log") else plain
    yield Item(node_key(parent, role, source), parent, role, source, entry)


def _turns(role: Role, context: list[Any], where: str) -> list[tuple[Role, str]]:
    roles = _alternating(role, len(context))
    turns: list[tuple[Role, str]] = []
    for alternating, turn in zip(roles, context, strict=True):
        if isinstance(turn, dict):
            turns.append((turn.get("role") or alternating, turn.get("content") or ""))
        elif isinstance(turn, str):
            turns.append((alternating, turn))
        else:
            raise InputError("'context' is not a list of texts", where, "give earlier source turns")
    return turns


def form_of(path: Path) -> str:
    """Return the form that a file's name ends in.

    Raises:
        InputError: it is none of `FORMATS`.
    """
    for form in FORMATS:
        if path.name.lower().endswith(form):
            return form
    raise InputError("unknown form of file", str(path), f"end its name in {', '.join(FORMATS)}")
