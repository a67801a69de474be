"""Build a source as a pipeline does and read it."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from prefdata import components
from prefdata.core.finding import Skip
from prefdata.core.records import Preference
from prefdata.core.stage import Context


def source(use: str, base: Path = Path(), **settings: Any) -> Any:
    """A source of the settings that a pipeline file would give."""
    component = components.load("sources", use)
    tree = {k: str(v) if isinstance(v, Path) else v for k, v in settings.items()}
    return component(component.Config.from_tree(tree), Context(base=base))


def read(use: str, base: Path = Path(), **settings: Any) -> tuple[list[Preference], list[Skip]]:
    """Records and skips of a source; each record's layers are among those that it announced."""
    built = source(use, base, **settings)
    found = list(built.records())
    records = [item for item in found if isinstance(item, Preference)]
    announced = set(built.layers())
    assert {record.origin.layers for record in records} <= announced
    return records, [item for item in found if isinstance(item, Skip)]


def reasons(skips: Iterable[Skip]) -> dict[str, int]:
    """How often each reason occurs."""
    return dict(Counter(skip.reason for skip in skips))


def lines(path: Path, rows: Iterable[Any]) -> Path:
    """Write rows as JSON Lines, packed if the name ends in .gz."""
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    data = text.encode("utf-8")
    path.write_bytes(gzip.compress(data, mtime=0) if path.name.endswith(".gz") else data)
    return path


def texts(record: Preference) -> list[str]:
    """The first message of each completion, best first."""
    return [completion.messages[0].content for completion in record.completions]
