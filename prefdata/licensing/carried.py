"""The part of the registry that travels with a release, to decide it again anywhere."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from prefdata.licensing.court import Court, registry_files
from prefdata.licensing.registry import file_name

REGISTRY = "audit/registry"


def copy_registry(release: Path, audit: Mapping[str, Any], court: Court) -> None:
    """Copy the part of the registry that the decisions used: texts of rules, entries, decisions."""
    used = {file_name(name) for name in _artifacts(audit)}
    for n, folder in enumerate(court.registry.folders):
        for path in registry_files(folder):
            if path.parent.name == "sources" and path.name not in used:
                continue
            target = release / REGISTRY / str(n) / path.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
        (release / REGISTRY / str(n)).mkdir(parents=True, exist_ok=True)
        for item in audit["evidence"]:
            own = folder / "evidence" / f"{item['sha256']}.txt"
            if item["sha256"] and own.is_file():
                target = release / REGISTRY / str(n) / "evidence" / own.name
                target.parent.mkdir(exist_ok=True)
                shutil.copyfile(own, target)


def _artifacts(audit: Mapping[str, Any]) -> set[str]:
    named = {artifact for c in audit["combinations"] for _, artifact, _ in c["layers"]}
    named |= {name.partition(" ")[0] for name in named}
    named |= {generator["artifact"] for generator in audit["generators"]}
    return named | {item["artifact"] for item in audit["evidence"]}


def used_folders(release: Path) -> Sequence[Path]:
    """Return the registry folders that travel with a release, the shipped one first."""
    return sorted(path for path in (release / REGISTRY).iterdir() if path.is_dir())
