"""TMX 1.4: the exchange form of translation memories, with what it lacks as properties."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from prefdata import __version__
from prefdata.core.errors import InputError

_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
# What XML 1.0 cannot carry, or changes on the way: controls, lone surrogates, carriage returns.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]")
_PROPERTIES = ("role", "translator", "revision", "origin", "fingerprint")


def write_tmx(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    """Write rows of the translation memory, each with a target."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(
            '<?xml version="1.0" encoding="UTF-8"?>\n<tmx version="1.4">\n'
            f'<header creationtool="prefdata" creationtoolversion="{__version__}" '
            'segtype="block" o-tmf="prefdata" adminlang="en" srclang="en" datatype="plaintext"/>\n'
            "<body>\n"
        )
        for row in rows:
            file.write(_unit(row))
        file.write("</body>\n</tmx>\n")


def _unit(row: dict[str, Any]) -> str:
    lines = ["<tu>"]
    properties = {name: row.get(name) for name in _PROPERTIES}
    properties["context"] = json.dumps(row["context"]) if row["context"] else ""
    properties.update(log=row.get("log"), ladder=row.get("ladder"))
    for name, text in (("source", row["source"]), ("target", row["target"])):
        properties[name] = json.dumps(text) if _UNSAFE.search(text) else ""
    lines += [
        f'<prop type="x-{name}">{_text(value)}</prop>'
        for name, value in properties.items()
        if value
    ]
    for lang, text in (("en", row["source"]), ("ja", row["target"])):
        lines.append(f'<tuv xml:lang="{lang}"><seg>{_text(text)}</seg></tuv>')
    return "\n".join(lines) + "\n</tu>\n"


def _text(text: str) -> str:
    return escape(_UNSAFE.sub("\ufffd", text))


def read_tmx(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (where, row) of a TMX file, English to Japanese.

    Units of other tools, which know no speakers, are taken for turns of either speaker without
    context.

    Raises:
        InputError: the file is missing or is not TMX.
    """
    number = 0
    body: ElementTree.Element | None = None
    try:
        with path.open("rb") as file:
            for event, element in ElementTree.iterparse(file, ("start", "end")):
                if event == "start" and element.tag == "body":
                    body = element
                if event == "start" or element.tag != "tu":
                    continue
                number += 1
                where = f"{path}: unit {number}"
                yield from ((where, row) for row in _rows(element, where))
                if body is not None:
                    body.clear()  # else the whole file would be held at its end
    except (OSError, ElementTree.ParseError) as error:
        raise InputError(f"cannot read TMX: {error}", str(path)) from error


def _rows(unit: ElementTree.Element, where: str) -> Iterator[dict[str, Any]]:
    row: dict[str, Any] = {}
    for prop in unit.iter("prop"):
        row[prop.get("type", "").removeprefix("x-")] = prop.text or ""
    for variant in unit.iter("tuv"):
        lang = (variant.get(_LANG) or variant.get("lang") or "").lower()[:2]
        segment = variant.find("seg")
        name = {"en": "source", "ja": "target"}.get(lang)
        if name and segment is not None:
            row[name] = json.loads(row[name]) if row.get(name) else "".join(segment.itertext())
    if not isinstance(row.get("source"), str) or not isinstance(row.get("target"), str):
        raise InputError("a unit without English or without Japanese", where, "xml:lang en and ja")
    row["context"] = json.loads(row["context"]) if row.get("context") else []
    roles = [row["role"]] if row.get("role") else ["user", "assistant"]
    yield from ({**row, "role": role} for role in roles)
