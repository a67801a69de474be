"""What every training stage leaves beside its model: metrics, manifest, parents."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from prefdata import __version__
from prefdata.config.settings import Settings
from prefdata.core.records import digest
from prefdata.core.stage import Context
from prefdata.store.dataset import MANIFEST
from prefdata.store.files import sha256, write_json
from prefdata.training.thresholds import Check

METRICS = "metrics.json"
CHECKPOINTS = "checkpoints"
SCHEMA = 1

_PACKAGES = ("torch", "transformers", "accelerate", "peft", "safetensors", "tokenizers", "trl")


def environment() -> dict[str, Any]:
    """Return what bit-identity depends on beside settings and data."""
    import torch

    gpu = torch.cuda.get_device_name(0) if torch.cuda.is_available() else "none"
    return {
        "prefdata": __version__,
        "python": platform.python_version(),
        **{name: _version(name) for name in _PACKAGES},
        "gpu": gpu,
        "threads": torch.get_num_threads(),
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def write_metrics(folder: Path, metrics: Mapping[str, Any], checks: Sequence[Check]) -> None:
    """Write ``metrics.json``: the numbers, the thresholds, and whether they are met."""
    tree = {
        "schema_version": SCHEMA,
        "passed": all(check.passed for check in checks),
        "checks": [
            {"metric": c.metric, "limit": c.limit, "value": c.value, "passed": c.passed}
            for c in checks
        ],
        "metrics": dict(metrics),
        "environment": environment(),
    }
    write_json(folder / METRICS, tree)


def write_manifest(
    folder: Path, use: str, settings: Settings, context: Context, parents: Mapping[str, Path]
) -> None:
    """Write ``manifest.json`` last: resolved settings, parents, and a digest of every file.

    Checkpoints are left out: they serve a resumed run, not who uses the model.
    """
    files = [
        {
            "name": path.relative_to(folder).as_posix(),
            "bytes": path.stat().st_size,
            "sha256": sha256(path),
        }
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and CHECKPOINTS not in path.relative_to(folder).parts
        and path.name != MANIFEST
    ]
    write_json(
        folder / MANIFEST,
        {
            "schema_version": SCHEMA,
            "id": context.step,
            "use": use,
            "key": context.key,
            "kind": "artifact",
            "prefdata": __version__,
            "seed": context.seed,
            "settings": settings.model_dump(mode="json"),
            "parents": {name: parent(path) for name, path in sorted(parents.items())},
            "files": files,
        },
    )


def parent(path: Path) -> dict[str, Any]:
    """Return how to recognize an input: a file's digest, or its manifest's, or its weights'."""
    if path.is_file():
        return {"name": path.name, "file": path.name, "sha256": sha256(path)}
    for name in (MANIFEST, "model.safetensors", "model.safetensors.index.json", "config.json"):
        if (path / name).is_file():
            return {"name": path.name, "file": name, "sha256": sha256(path / name)}
    return {"name": path.name}


def content_of(context: Context, names: Iterable[str]) -> str:
    """Return what lies at the paths that a stage's settings name, as a text for its key.

    A folder is known by its manifest, else by its small files and the sizes of its large ones:
    hashing gigabytes of weights at every plan would cost more than it finds. A name that is no
    path (a model on the hub) is known by its revision, which stands in the settings.
    """
    found = []
    for name in names:
        path = context.path(name) if name else None
        if path is not None and path.is_file():
            found.append(f"{name} {sha256(path)}")
        elif path is not None and path.is_dir():
            found.append(f"{name} {_folder_digest(path)}")
    return "\n".join(found)


_LARGE = 16 * 2**20


def _folder_digest(folder: Path) -> str:
    manifest = folder / MANIFEST
    if manifest.is_file():
        return sha256(manifest)
    files = sorted(path for path in folder.iterdir() if path.is_file())
    parts = []
    for path in files:
        size = path.stat().st_size
        parts.append(f"{path.name} {size if size > _LARGE else sha256(path)}")
    return digest(*parts)


def same_copy(source: Path, target: Path) -> None:
    """Copy a folder of weights by hard links where the disk allows it."""
    import shutil

    def link(src: str, dst: str) -> None:
        try:
            os.link(src, dst)
        except OSError:
            shutil.copy2(src, dst)

    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target, copy_function=link)
