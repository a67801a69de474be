"""The part of the registry that travels with a release, to decide it again anywhere."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from prefdata.licensing.decider import Decider
from prefdata.licensing.registry_files import file_name, registry_files
from prefdata.store.files import sha256 as file_sha256

REGISTRY = "audit/registry"


def copy_registry(release: Path, audit: Mapping[str, Any], decider: Decider) -> None:
    """Copy the part of the registry that the decisions used: texts of rules, entries, decisions."""
    for n, folder, path in _carried(decider, artifacts_of(audit)):
        target = release / REGISTRY / str(n) / path.relative_to(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    for n, folder in enumerate(decider.registry.folders):
        (release / REGISTRY / str(n)).mkdir(parents=True, exist_ok=True)
        for item in audit["evidence"]:
            own = folder / "evidence" / f"{item['sha256']}.txt"
            if item["sha256"] and own.is_file():
                target = release / REGISTRY / str(n) / "evidence" / own.name
                target.parent.mkdir(exist_ok=True)
                shutil.copyfile(own, target)


def registry_digest(decider: Decider, artifacts: set[str]) -> str:
    """Return a digest of the files that travel; a release's copy has the same one."""
    hasher = sha256()
    for n, folder, path in _carried(decider, artifacts):
        name = path.relative_to(folder).as_posix()
        hasher.update(f"{n}/{name}\0{file_sha256(path)}\n".encode())
    return hasher.hexdigest()


def _carried(decider: Decider, artifacts: set[str]) -> Iterator[tuple[int, Path, Path]]:
    """Yield (number of the folder, folder, file) of what travels."""
    used = {file_name(name) for name in artifacts}
    for n, folder in enumerate(decider.registry.folders):
        for path in registry_files(folder):
            if path.parent.name != "sources" or path.name in used:
                yield n, folder, path


def artifacts_of(audit: Mapping[str, Any]) -> set[str]:
    """Return every name that the entries behind an account may have."""
    named = {artifact for c in audit["combinations"] for _, artifact, _ in c["layers"]}
    named |= {name.partition(" ")[0] for name in named}
    named |= {generator["artifact"] for generator in audit["generators"]}
    return named | {item["artifact"] for item in audit["evidence"]}


def used_folders(release: Path) -> Sequence[Path]:
    """Return the registry folders that travel with a release, the shipped one first."""
    return sorted(path for path in (release / REGISTRY).iterdir() if path.is_dir())
