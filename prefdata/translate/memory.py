"""The translation memory: every finished node, across runs and pipelines, in one SQLite file.

A row is a node (its key covers the turn and the turns before it) under a maker: a translator
with its prompt and decoding, or a person. What is committed is never sent again. Readers and
writers of several processes may share the file; a process killed in the midst of a write leaves
what it had committed.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from prefdata.core.errors import InputError, IntegrityError, PrefdataError
from prefdata.core.origin import Layer
from prefdata.core.records import Role, digest
from prefdata.translate.entry import Entry, Item, Maker, Origin, pack, unpack

NAME = "translations"
FORMAT = 1
BUSY_SECONDS = 60.0
_CHUNK = 400  # keys in one look-up
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_UNWRITABLE = (
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM,
)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS node (
  key BLOB PRIMARY KEY, parent BLOB NOT NULL, role TEXT NOT NULL, source TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS maker (
  id INTEGER PRIMARY KEY, fingerprint TEXT NOT NULL UNIQUE, origin TEXT NOT NULL,
  artifact TEXT NOT NULL, revision TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS entry (
  key BLOB NOT NULL, maker INTEGER NOT NULL, target TEXT, ladder TEXT NOT NULL, log TEXT,
  layer TEXT,
  PRIMARY KEY (key, maker)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""


_TAKE_IN = (
    "INSERT OR IGNORE INTO node SELECT * FROM other.node",
    "INSERT OR IGNORE INTO maker (fingerprint, origin, artifact, revision)"
    " SELECT fingerprint, origin, artifact, revision FROM other.maker",
    "INSERT OR IGNORE INTO entry SELECT key, main.maker.id, target, ladder, log, layer"
    " FROM other.entry JOIN other.maker AS theirs ON theirs.id = other.entry.maker"
    " JOIN main.maker ON main.maker.fingerprint = theirs.fingerprint",
)


def memory_file(folder: Path, worker: str = "") -> Path:
    """Return the path of the memory in a cache folder, or of a worker's own part of it."""
    return folder / f"{NAME}{worker and '.'}{worker}.sqlite"


class Memory:
    """One open memory; not shared between threads or processes, but its file is.

    A `frozen` one is read as it is, without locks: for a file that nobody writes.
    """

    def __init__(self, path: Path, *, frozen: bool = False) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        name = f"{path.absolute().as_uri()}?immutable=1" if frozen else str(path)
        try:
            self._db = sqlite3.connect(name, timeout=BUSY_SECONDS, isolation_level=None, uri=frozen)
            if not frozen:
                self._prepare()
        except sqlite3.Error as error:
            raise self._broken(error) from error
        self._makers: dict[str, Maker] = {}

    def _prepare(self) -> None:
        # NORMAL: a commit survives the death of the process; only the machine's own crash may
        # take the last commits, and then whole ones.
        for pragma in (
            "journal_mode=WAL",
            "synchronous=NORMAL",
            "wal_autocheckpoint=8000",
            "cache_size=-4096",  # keys are random: a larger one is only slower to go through
            "mmap_size=67108864",  # a larger map would count as memory of ours
        ):
            self._db.execute(f"PRAGMA {pragma}")
        found = self._db.execute("PRAGMA user_version").fetchone()[0]
        if found not in (0, FORMAT):
            raise InputError(
                f"the translation memory has format {found}; this version reads {FORMAT}",
                str(self.path),
                "export it with the version that wrote it, then import",
            )
        if found == 0:
            self._db.executescript(f"BEGIN IMMEDIATE;{_SCHEMA}PRAGMA user_version={FORMAT};COMMIT;")

    def _broken(self, error: sqlite3.Error) -> PrefdataError:
        if _code(error) in _UNWRITABLE:
            return InputError(
                f"cannot write the translation memory: {error}",
                str(self.path),
                "free some space, or work in a folder that can be written to; the same command "
                "goes on",
            )
        return IntegrityError(
            f"the translation memory cannot be used: {error}",
            str(self.path),
            "move the file away; translations are then made, or imported, again",
        )

    def close(self) -> None:
        """Close the file; it needs no closing to be whole."""
        self._db.close()

    def __enter__(self) -> Memory:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def maker(self, fingerprint: str, *, origin: Origin = "machine", layer: Layer | None) -> Maker:
        """Return the maker of that fingerprint, made known if it is new."""
        if fingerprint not in self._makers:
            artifact, revision = (layer.artifact, layer.revision) if layer else ("", "")
            with self._writing():
                self._db.execute(
                    "INSERT OR IGNORE INTO maker (fingerprint, origin, artifact, revision)"
                    " VALUES (?, ?, ?, ?)",
                    (fingerprint, origin, artifact, revision),
                )
            self._makers.update({maker.fingerprint: maker for maker in self.makers()})
        return self._makers[fingerprint]

    def makers(self) -> list[Maker]:
        """Return all makers, oldest first."""
        rows = self._db.execute(
            "SELECT id, fingerprint, origin, artifact, revision FROM maker ORDER BY id"
        )
        return [
            Maker(n, fingerprint, origin, Layer("translator", artifact, rev) if artifact else None)
            for n, fingerprint, origin, artifact, rev in rows
        ]

    def look_up(self, keys: Sequence[bytes], maker: Maker | None) -> dict[bytes, Entry]:
        """Return what is known of these nodes; a person's word wins over the maker's."""
        found: dict[bytes, Entry] = {}
        if maker is not None:
            found.update(self._entries(keys, maker))
        for person in [m for m in self.makers() if m.origin == "human"]:
            found.update(self._entries(keys, person))
        return found

    def _entries(self, keys: Sequence[bytes], maker: Maker) -> Iterator[tuple[bytes, Entry]]:
        human = maker.layer if maker.origin == "human" else None
        rest = iter(sorted(keys))  # neighbors in the file are read together
        while chunk := list(islice(rest, _CHUNK)):
            marks = ",".join("?" * len(chunk))
            rows = self._db.execute(
                f"SELECT key, target, ladder, log, layer FROM entry WHERE maker={maker.id}"
                f" AND key IN ({marks})",
                chunk,
            )
            for key, target, ladder, log, layer in rows:
                entry = Entry(target, (), ladder)  # by place: a million times a microsecond
                if log or layer or human:
                    entry = unpack(entry, log, layer, human)
                yield key, entry

    def store(self, items: Sequence[Item], maker: Maker) -> None:
        """Commit nodes and their entries in one transaction; a newer entry replaces an older."""
        with self._writing():
            self._db.executemany(
                "INSERT OR IGNORE INTO node VALUES (?, ?, ?, ?)",
                [(i.key, i.parent, i.role, _storable(i.source)) for i in items],
            )
            self._db.executemany(
                "INSERT OR REPLACE INTO entry VALUES (?, ?, ?, ?, ?, ?)",
                [
                    (i.key, maker.id, i.entry.text, i.entry.ladder, *pack(i.entry))
                    for i in items
                    if i.entry is not None
                ],
            )
            if maker.origin == "human":
                self._note_people()

    def _note_people(self) -> None:
        rows = self._db.execute(
            "SELECT hex(key), fingerprint, target FROM entry JOIN maker ON maker.id = maker"
            " WHERE origin = 'human' ORDER BY key, fingerprint"
        )
        state = digest("people", *(part or "" for row in rows for part in row))
        self._db.execute("INSERT OR REPLACE INTO state VALUES ('people', ?)", (state,))

    def entries(self, maker: Maker) -> Iterator[dict[str, Any]]:
        """Yield a maker's entries as `{key, parent, role, source, target, …}`, by key."""
        cursor = self._db.cursor()
        cursor.row_factory = sqlite3.Row
        for row in cursor.execute(
            "SELECT entry.key, parent, role, source, target, ladder, log, layer FROM entry"
            " JOIN node ON node.key = entry.key WHERE maker = ? ORDER BY entry.key",
            (maker.id,),
        ):
            yield dict(row)

    def node(self, key: bytes) -> tuple[bytes, Role, str] | None:
        """Return (parent's key, role, source) of a node, None for one that was never stored."""
        found: tuple[bytes, Role, str] | None = self._db.execute(
            "SELECT parent, role, source FROM node WHERE key = ?", (key,)
        ).fetchone()
        return found

    def stats(self) -> dict[str, Any]:
        """Return `{path, bytes, nodes, makers: [{fingerprint, origin, translator, …}]}`."""
        rows = self._db.execute(
            "SELECT fingerprint, origin, artifact, revision, count(entry.key), count(target),"
            " coalesce(sum(length(target)), 0) FROM maker LEFT JOIN entry ON maker = maker.id"
            " GROUP BY maker.id ORDER BY maker.id"
        )
        names = ("fingerprint", "origin", "translator", "revision", "entries", "translated",
                 "characters")  # fmt: skip
        makers = [dict(zip(names, row, strict=True)) for row in rows]
        nodes = self._db.execute("SELECT count(*) FROM node").fetchone()[0]
        size = sum(file.stat().st_size for file in self.path.parent.glob(f"{self.path.name}*"))
        return {"path": str(self.path), "bytes": size, "nodes": nodes, "makers": makers}

    def take_in(self, path: Path) -> None:
        """Copy what another memory file holds and this one lacks."""
        self._db.execute("ATTACH ? AS other", (str(path),))
        try:
            with self._writing():
                for statement in _TAKE_IN:
                    self._db.execute(statement)
        finally:
            self._db.execute("DETACH other")

    def compact(self) -> None:
        """Drop turns that nothing follows and nobody translated; give free pages back."""
        removed = 1
        while removed:
            with self._writing():
                removed = self._db.execute(
                    "DELETE FROM node WHERE key NOT IN (SELECT key FROM entry)"
                    " AND key NOT IN (SELECT parent FROM node)"
                ).rowcount
        self._db.execute("VACUUM")
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def people(self) -> str:
        """Return a digest of all that persons have corrected; empty if none has."""
        row = self._db.execute("SELECT value FROM state WHERE name = 'people'").fetchone()
        return row[0] if row else ""

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Hold a write that waits for other processes and is whole or not at all."""
        self._begin()
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException as error:
            if self._db.in_transaction:  # a full disk has rolled it back already
                self._db.execute("ROLLBACK")
            if isinstance(error, sqlite3.Error):
                raise self._broken(error) from error
            raise

    def _begin(self) -> None:
        started = time.monotonic()
        while True:
            try:
                self._db.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                if _code(error) not in _BUSY or time.monotonic() - started > BUSY_SECONDS:
                    raise self._broken(error) from error
                time.sleep(0.01)


def _code(error: sqlite3.Error) -> int:
    """Return SQLite's primary result code, 0 for an error of the module's own."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _storable(text: str) -> str:
    """Return a text that a file can hold: half a character becomes a replacement mark."""
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
