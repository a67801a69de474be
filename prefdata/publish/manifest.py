"""The release's manifest: what went in, what was done to it, what came out."""

from __future__ import annotations

import platform
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prefdata import __version__
from prefdata.core.stage import Context
from prefdata.publish.files import DataFile
from prefdata.publish.survey import Survey
from prefdata.store.dataset import MANIFEST, Dataset
from prefdata.store.files import read_json, write_json

SCHEMA_VERSION = 1


def write_manifest(
    out: Path,
    pairs: Dataset,
    config: Any,
    context: Context,
    survey: Survey,
    files: list[DataFile],
) -> dict[str, Any]:
    """Write and return ``manifest.json``; the clock stands under `run` alone."""
    steps = upstream(pairs.path.parent, context)
    manifest = {
        "schema_version": SCHEMA_VERSION,
        "prefdata": __version__,
        "key": context.key,
        "kind": "artifact",
        "pipeline": context.pipeline,
        "released": context.released,
        "seed": context.seed,
        "settings": config.model_dump(mode="json"),
        "steps": steps,
        "counts": counts_of(survey, files),
        "data": [asdict(file) for file in files],
        "run": {
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": platform.machine(),
            "system": platform.system(),
            "python": platform.python_version(),
        },
    }
    write_json(out / MANIFEST, manifest)
    return manifest


def upstream(build: Path, context: Context) -> list[dict[str, Any]]:
    """Return every finished step of the build: id, key, settings, counts."""
    listed = build / "build.json"
    if not listed.is_file():
        return []
    found = []
    for step in read_json(listed)["steps"]:
        path = build / step["path"] / MANIFEST
        if step["id"] == context.step or step["kind"] == "artifact" or not path.is_file():
            continue
        manifest = read_json(path)
        found.append({k: v for k, v in manifest.items() if k not in ("files", "schema_version")})
    return found


def counts_of(survey: Survey, files: list[DataFile]) -> dict[str, Any]:
    """Return what publishing kept and dropped, and the rows of every config and split."""
    reasons: dict[str, int] = {}
    for own in survey.reasons.values():
        for code, n in own.items():
            reasons[code] = reasons.get(code, 0) + n
    rows: dict[str, dict[str, int]] = {}
    for file in files:
        splits = rows.setdefault(file.config, {})
        splits[file.split] = splits.get(file.split, 0) + file.rows
    return {
        "in": len(survey.keep),
        "kept": int(survey.keep.sum()),
        "dropped": int((~survey.keep).sum()),
        "reasons": {code: n for code, n in reasons.items() if n},
        "pairs_by_source": survey.pairs,
        "moved_to_test": survey.moved,
        "rows": rows,
    }
