"""Rows of JSON Lines and Parquet files, one at a time, in constant memory.

A broken *row* is a `Skip`; a broken *file* (missing, empty, cut off, of another format) is an
`InputError` that names the row reached. Rows count from 1, as lines do in an editor.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any, NoReturn

from prefdata.core.errors import InputError
from prefdata.core.finding import Skip
from prefdata.sources.files import SourceFile
from prefdata.sources.reasons import RowFault

MAX_LINE = 64 * 2**20  # bytes; a longer line is not JSON Lines but one large document
PARQUET_BATCH = 256  # rows decoded at a time

_GZIP = b"\x1f\x8b"
_PARQUET = b"PAR1"


@dataclass(frozen=True, slots=True)
class Row:
    """One row as it was read: `key` is ``file:line``, `digest` the SHA-256 of its content."""

    key: str
    file: SourceFile
    value: Any  # whatever JSON or Parquet held; sources check it
    digest: str


def read_rows(files: Iterable[SourceFile], limit: int | None = None) -> Iterator[Row | Skip]:
    """Return the rows of all files in order, at most `limit` of them; unreadable ones as skips.

    Raises:
        InputError: a file is broken; the rows before the break have been yielded.
    """
    rows = chain.from_iterable(read_file(file) for file in files)
    return rows if limit is None else islice(rows, limit)


def read_file(file: SourceFile) -> Iterator[Row | Skip]:
    """Yield the rows of one file; see `read_rows`."""
    rows = _parquet(file) if file.name.endswith(".parquet") else _lines(file)
    number = 0
    for number, value in rows:  # noqa: B007
        yield value
    if number == 0:
        raise InputError("the file is empty", str(file.path), "give a file with at least one row")


def _lines(file: SourceFile) -> Iterator[tuple[int, Row | Skip]]:
    with _open(file.path) as stream:
        for number, line in _numbered(stream, file.path):
            yield number, _row_of_line(file, number, line)


@contextmanager
def _open(path: Path) -> Iterator[IO[bytes] | gzip.GzipFile]:
    """Open a file for reading lines, through gzip if its name ends in ``.gz``."""
    try:
        raw = path.open("rb")
    except OSError as error:
        raise InputError(
            f"cannot open: {error.strerror or error}", str(path), "check 'path'"
        ) from error
    with raw:
        start = raw.read(4)
        raw.seek(0)
        packed = path.name.endswith(".gz")
        if start and packed and not start.startswith(_GZIP):
            _refuse(path, "the name ends in .gz, but the file is not gzip data")
        if not packed and start.startswith((_GZIP, _PARQUET)):
            found = "gzip data (.gz)" if start.startswith(_GZIP) else "a Parquet file (.parquet)"
            _refuse(path, f"the file is {found}, not JSON Lines")
        if packed:
            with gzip.open(raw) as stream:
                yield stream
        else:
            yield raw


def _refuse(path: Path, what: str) -> NoReturn:
    raise InputError(what, str(path), "give the file its right name, or fetch it again")


def _numbered(stream: IO[bytes] | gzip.GzipFile, path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield lines that are not blank, with their numbers from 1."""
    number = 0
    while True:
        try:
            line = stream.readline(MAX_LINE)
        except (EOFError, OSError, zlib.error) as error:
            raise InputError(
                f"the file breaks off or is damaged: {error}",
                f"{path}:{number + 1}",
                f"fetch it again; the {number} lines before are readable",
            ) from error
        if not line:
            return
        number += 1
        if len(line) >= MAX_LINE:
            raise InputError(
                f"the line is longer than {MAX_LINE // 2**20} MiB, so this is not JSON Lines",
                f"{path}:{number}",
                "write one row a line, for example with: jq -c '.[]'",
            )
        if number == 1:
            line = line.removeprefix(b"\xef\xbb\xbf")
        if line.strip():
            yield number, line


def _row_of_line(file: SourceFile, number: int, line: bytes) -> Row | Skip:
    key = f"{file.name}:{number}"
    try:
        return make_row(file, number, _decode(line))
    except RowFault as fault:
        return Skip(key, fault.reason, fault.detail, bad=True)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_JSON = json.JSONDecoder(parse_constant=_no_constant)


def _decode(line: bytes) -> Any:
    try:
        return _JSON.decode(line.decode("utf-8").strip())
    except UnicodeDecodeError as error:
        raise RowFault("source_invalid_text", f"not UTF-8 at byte {error.start}") from error
    except json.JSONDecodeError as error:
        raise RowFault("source_bad_json", f"{error.msg} (column {error.colno})") from error
    except (ValueError, RecursionError) as error:
        raise RowFault("source_bad_json", type(error).__name__) from error


def make_row(file: SourceFile, number: int, value: Any) -> Row:
    """Return a row with the digest of its content.

    Raises:
        RowFault: it holds a lone surrogate or a NUL, which no other program would take.
    """
    text = canonical(value)
    try:
        content = text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise RowFault("source_invalid_text", "a lone surrogate") from error
    if "\\u0000" in text and _has_nul(value):
        raise RowFault("source_invalid_text", "a NUL character")
    return Row(f"{file.name}:{number}", file, value, sha256(content).hexdigest())


def canonical(value: Any) -> str:
    """Return a value as JSON with sorted keys and no spaces: the bytes that a digest is over."""
    return _CANONICAL.encode(value)


def _as_text(value: Any) -> str:
    """Write what JSON has no type for (bytes, dates of a Parquet file) as text."""
    return value.hex() if isinstance(value, bytes) else str(value)


_CANONICAL = json.JSONEncoder(
    ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=_as_text
)


def _has_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(_has_nul(key) or _has_nul(item) for key, item in value.items())
    return isinstance(value, list) and any(_has_nul(item) for item in value)


def _parquet(file: SourceFile) -> Iterator[tuple[int, Row | Skip]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = 0
    try:
        with pq.ParquetFile(file.path, buffer_size=2**20) as parquet:
            for batch in parquet.iter_batches(batch_size=PARQUET_BATCH):
                for index in range(batch.num_rows):
                    number += 1
                    yield number, _row_of_batch(file, number, batch, index)
    except (OSError, pa.ArrowException) as error:
        reached = f"{file.path}:{number + 1}" if number else str(file.path)
        raise InputError(
            f"not a whole Parquet file: {str(error).splitlines()[0]}", reached, "fetch it again"
        ) from error


def _row_of_batch(file: SourceFile, number: int, batch: Any, index: int) -> Row | Skip:
    try:
        return make_row(file, number, batch.slice(index, 1).to_pylist()[0])
    except UnicodeDecodeError as error:
        fault = RowFault("source_invalid_text", f"not UTF-8 at byte {error.start}")
    except RowFault as caught:
        fault = caught
    return Skip(f"{file.name}:{number}", fault.reason, fault.detail, bad=True)
