"""The translator `memory`: translations that someone has made already, from a file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from prefdata.config.settings import Settings
from prefdata.core.errors import InputError
from prefdata.core.origin import Layer
from prefdata.core.records import digest
from prefdata.core.stage import Answer, Context, Request
from prefdata.store.files import sha256
from prefdata.translate.file_index import FileIndex, Row, index_of, key_of

FIELDS = ("role", "source", "target")
_HALF = re.compile("[\ud800-\udfff]")


class MemoryFile:
    """Answers from a file; what is not in it is a drop (`not_in_memory`), never invented.

    One object a node: `role`, `source`, `context` (the earlier turns' source texts, first turn
    first), `target`, and who made it: `translator` (an id of the license registry) and
    `revision`. Its texts are taken as they are; judging them is the filter stage's work.
    """

    version = 1
    checked: ClassVar[bool] = False

    class Config(Settings):
        """Settings of the translator `memory`."""

        path: str = Field(
            description="JSON Lines (.gz too) or Parquet, one object a node: role, source, context,"
            " target, translator, revision"
        )

    def __init__(self, config: Config, context: Context) -> None:
        path = context.path(config.path)
        sha = _hash(path)
        self.layer: Layer | None = None
        self.fingerprint = digest("memory file", sha)
        self._known = FileIndex(index_of(_rows(path), sha, context.cache))

    def translate(self, requests: Iterable[Request | None]) -> Iterator[Answer]:
        """Look each request up."""
        for request in requests:
            if request is None:
                continue
            sources = [before.content for before, _ in request.path]
            found = self._known.find(key_of(request.role, request.text, sources))
            if found is None:
                yield Answer(request.key, None, "missing")
            else:
                yield Answer(request.key, found[0], "stop", layer=found[1])

    @staticmethod
    def layers(config: Config, context: Context) -> Sequence[Layer]:
        """Return everybody who made a translation in the file."""
        path = context.path(config.path)
        return FileIndex(index_of(_rows(path), _hash(path), context.cache)).hands()

    @staticmethod
    def content_key(config: Config, context: Context) -> str:
        """Return the digest of the file."""
        return _hash(context.path(config.path))


def _hash(path: Path) -> str:
    if not path.is_file():
        raise InputError(
            "the file of translations is missing",
            str(path),
            "give the path of a JSON Lines or Parquet file; relative to the pipeline file",
        )
    return sha256(path)


def _rows(path: Path) -> Iterator[Row]:
    """Yield the file's translations for the index; failed ones are not translations."""
    for where, row in read_rows(path):
        if row["target"] is None:
            continue
        layer = None
        if row.get("translator"):
            layer = Layer("translator", row["translator"], row.get("revision") or "")
        key = key_of(row["role"], row["source"], texts(row.get("context") or (), where))
        yield where, key, row["target"], layer


def texts(context: Sequence[Any], where: str) -> list[str]:
    """Return the texts of earlier turns, given as strings or as {role, content}."""
    found = [turn.get("content") if isinstance(turn, dict) else turn for turn in context]
    known = [text for text in found if isinstance(text, str)]
    if len(known) < len(found):
        raise InputError("'context' is not a list of texts", where, "give earlier source turns")
    return known


def read_rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (where, row) of a file of translations.

    Raises:
        InputError: the file is missing, or a row is not an object with role, source and target.
    """
    _hash(path)
    rows = _parquet_rows(path) if path.suffix == ".parquet" else _json_rows(path)
    for where, row in rows:
        failed = row.get("target") is None and row.get("log")  # written by `memory export`
        missing = [f for f in FIELDS if not isinstance(row.get(f), str)]
        missing = [f for f in missing if not (failed and f == "target")]
        if missing:
            raise InputError(
                f"a translation has no text under {missing[0]!r}",
                where,
                "one object a node: role, source, context, target, translator, revision",
            )
        if row["role"] not in ("system", "user", "assistant"):
            raise InputError(f"the role is {row['role']!r}", where, "system, user or assistant")
        yield where, row


def _json_rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    import gzip

    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
            for number, line in enumerate(file, 1):
                where = f"{path}:{number}"
                if line.strip():
                    yield where, _object(line, where)
    except (OSError, EOFError) as error:
        raise InputError(f"cannot read the translations: {error}", str(path)) from error


def _object(line: bytes, where: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
        if b"\\ud" in line.lower():  # half a character: no file holds it, so it is shown as broken
            row = json.loads(_HALF.sub("\ufffd", json.dumps(row, ensure_ascii=False)))
    except ValueError as error:
        raise InputError(f"not JSON: {error}", where, "one JSON object a line, UTF-8") from error
    if not isinstance(row, dict):
        raise InputError("not a JSON object", where, "one JSON object a line")
    return row


def _parquet_rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    from prefdata.store.shards import batches

    number = 0
    for table in batches(path):
        for row in table.to_pylist():
            number += 1
            yield f"{path}: row {number}", row
