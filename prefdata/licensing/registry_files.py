"""The files of a registry folder: licenses, hub tags, and one file an entry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from prefdata.config.strict_yaml import Document, parse
from prefdata.core.errors import ConfigError
from prefdata.licensing.entry import Entry, read_entry
from prefdata.licensing.license_book import License


def registry_files(folder: Path) -> list[Path]:
    """Return the files of a registry folder that decide, sorted."""
    parts = ("registry", "decisions")
    return sorted(p for part in parts for p in (folder / part).rglob("*.yaml") if p.is_file())


def load_yaml(path: Path) -> Document:
    """Parse a registry file.

    Raises:
        ConfigError: it cannot be read, is not YAML, or gives a key twice.
    """
    try:
        return parse(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read the registry: {error}", str(path)) from error


def read_licenses(folder: Path) -> Iterator[tuple[License, str]]:
    """Yield the license entries of a folder, each with its place in the file.

    Raises:
        ConfigError: the file is wrong.
    """
    path = folder / "registry" / "licenses.yaml"
    if not path.is_file():
        return
    document = load_yaml(path)
    items = document.tree.get("licenses") if isinstance(document.tree, Mapping) else None
    if not isinstance(items, list):
        raise ConfigError("'licenses' must be a list of entries", document.where(()))
    for n, item in enumerate(items):
        where = document.where(("licenses", n))
        try:
            yield license_of(item), where
        except (KeyError, TypeError, AttributeError) as error:
            raise ConfigError(
                f"the license entry lacks or garbles {error}", where,
                "run: prefdata licenses check",
            ) from None  # fmt: skip


def license_of(item: Mapping[str, Any]) -> License:
    """Return one license entry of a plain tree.

    Raises:
        KeyError: something is missing.
    """
    return License(
        id=str(item["id"]),
        name=str(item["name"]),
        kind=str(item["kind"]),
        commercial=item["commercial"]["value"] == "yes",
        derivatives=str(item["derivatives"]["value"]),
        share_alike=tuple(item["share_alike"]["value"]),
        covers=tuple(str(part) for part in item["covers"]),
        obligations=tuple(duty["duty"] for duty in item["obligations"]),
        output_rule=str(item["output_rule"]["value"]),
        family=str(item.get("family", "")),
        extract_of=str(item.get("extract_of", "")),
        text_file=str(item["text_file"]),
        text_sha256=str(item["text_sha256"]),
    )


def read_hub_tags(folder: Path) -> dict[str, str]:
    """Return what hub tags stand for."""
    path = folder / "registry" / "hub_tags.yaml"
    if not path.is_file():
        return {}
    return {str(tag): str(value) for tag, value in load_yaml(path).tree["tags"].items()}


def file_name(name: str) -> str:
    """Return the file that holds an entry."""
    return name.replace("/", "--").replace(" ", "_") + ".yaml"


def find_entries(folder: Path, name: str) -> list[Entry]:
    """Return a folder's entries of an id.

    The file is named after the id; `prefdata licenses check` finds entries in wrong files.

    Raises:
        ConfigError: the file is wrong.
    """
    path = folder / "registry" / "sources" / file_name(name)
    if not path.is_file():
        return []
    entry = read_entry(load_yaml(path))
    if entry.id != name:
        raise ConfigError(
            f"the file holds the entry {entry.id!r}, not {name!r}", str(path), "rename the file"
        )
    return [entry]
