"""Licenses before torch: may these rows and this base model be trained on?"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prefdata.core.stage import Context
from prefdata.training.settings import BaseModelSettings, Licensing

FILE = "licenses.json"


def check_base(base: BaseModelSettings | None, settings: Licensing, context: Context) -> None:
    """Decide the base model alone; for `plan`."""


def gate(
    release: Path,
    base: BaseModelSettings | None,
    settings: Licensing,
    context: Context,
    folders: Mapping[str, Path],
) -> dict[str, Any]:
    """Decide; to be filled."""
    return {
        "target": settings.target,
        "policy": settings.policy,
        "verdict": "allow",
        "expression": "",
        "downstream_terms": [],
        "obligations": [],
        "decisions": [],
        "combinations": [],
        "hub_license": "",
    }
