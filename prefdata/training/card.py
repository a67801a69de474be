"""A model's README: Japanese, then English, written from its JSON files and nothing else."""

from __future__ import annotations

from pathlib import Path

from prefdata.config.settings import Settings
from prefdata.core.stage import Context


def write_card(out: Path, kind: str, settings: Settings, context: Context) -> None:
    """Write ``README.md``."""
