"""Files that are whole or not there: written under another name, synced, renamed."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import file_digest
from pathlib import Path
from typing import Any

from prefdata.core.errors import InputError, IntegrityError


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path` and rename it when the block ends without an error.

    What a killed process leaves under the temporary name, the next write of the file takes away.

    Raises:
        InputError: the disk is full, or the folder cannot be written to.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        _remove(temporary)
        raise InputError(
            f"cannot write: {error.strerror or error}", str(path), "free some space, or use --out"
        ) from error
    except BaseException:
        _remove(temporary)
        raise


def _remove(path: Path) -> None:
    with suppress(OSError):  # what stopped the write may stop this too; the first error counts
        path.unlink()


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all; line ends are kept as given."""
    with atomic(path) as temporary:
        temporary.write_bytes(text.encode("utf-8"))


def write_json(path: Path, value: Any) -> None:
    """Write JSON for people and diffs: indented, keys in the order given, real characters."""
    write_text(path, json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file of a build or release.

    Raises:
        IntegrityError: it is missing or does not parse.
    """
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise IntegrityError(f"cannot read: {error}", str(path), "build it again") from error


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, 64 hex digits."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
