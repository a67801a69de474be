"""A file of translations as a look-up table on disk: memory does not grow with the file.

The table lies in the cache folder under the file's SHA-256, and is made once.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from prefdata.core.errors import InputError
from prefdata.core.origin import Layer
from prefdata.core.records import digest

_SCHEMA = """
CREATE TABLE hand (id INTEGER PRIMARY KEY, artifact TEXT NOT NULL, revision TEXT NOT NULL);
CREATE TABLE known (key BLOB PRIMARY KEY, target TEXT NOT NULL, hand INTEGER) WITHOUT ROWID;
"""

# (where the row stands, its key, the translation, who made it)
Row = tuple[str, bytes, str, Layer | None]


def key_of(role: str, source: str, context: Sequence[str]) -> bytes:
    """Return the key of a turn after these earlier source turns; white space at the ends is off."""
    return bytes.fromhex(digest(role, source.strip(), *(text.strip() for text in context)))


class FileIndex:
    """The table of one file, open for reading."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        self._hands = {None: None} | dict(self._read_hands())

    def _read_hands(self) -> Iterator[tuple[int, Layer]]:
        for id_, artifact, revision in self._db.execute("SELECT * FROM hand ORDER BY id"):
            yield id_, Layer("translator", artifact, revision)

    def find(self, key: bytes) -> tuple[str, Layer | None] | None:
        """Return (translation, who made it), None if the file has none."""
        row = self._db.execute("SELECT target, hand FROM known WHERE key = ?", (key,)).fetchone()
        return row and (row[0], self._hands[row[1]])

    def hands(self) -> list[Layer]:
        """Return everybody who made a translation in the file, sorted."""
        return sorted(layer for layer in self._hands.values() if layer)


def index_of(rows: Iterable[Row], sha256: str, cache: Path) -> Path:
    """Return the path of the table of a file, made from its rows if it is not there.

    Raises:
        InputError: two rows translate the same turn in the same context differently.
    """
    path = cache / "files" / f"{sha256}.sqlite"
    if path.is_file():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    temporary.unlink(missing_ok=True)
    try:
        _write(temporary, rows)
        temporary.replace(path)
    except sqlite3.Error as error:
        raise InputError(f"cannot write: {error}", str(path), "free some space") from error
    finally:
        temporary.unlink(missing_ok=True)
    return path


def _write(path: Path, rows: Iterable[Row]) -> None:
    db = sqlite3.connect(path, isolation_level=None)
    try:
        # A file that a crash spoils is never renamed, so it needs no journal.
        db.executescript(f"PRAGMA journal_mode=OFF;PRAGMA synchronous=OFF;{_SCHEMA}BEGIN;")
        hands: dict[Layer, int] = {}
        for where, key, target, layer in rows:
            hand = layer and hands.setdefault(layer, len(hands) + 1)
            added = db.execute("INSERT OR IGNORE INTO known VALUES (?, ?, ?)", (key, target, hand))
            if not added.rowcount:
                _refuse_other(db, key, target, where)
        db.executemany(
            "INSERT INTO hand VALUES (?, ?, ?)",
            [(n, layer.artifact, layer.revision) for layer, n in hands.items()],
        )
        db.execute("COMMIT")
    finally:
        db.close()


def _refuse_other(db: sqlite3.Connection, key: bytes, target: str, where: str) -> None:
    if db.execute("SELECT target FROM known WHERE key = ?", (key,)).fetchone()[0] != target:
        raise InputError(
            "a second, different translation of the same turn in the same context",
            where,
            "keep one of them",
        )
