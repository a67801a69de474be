"""The release's manifest: what went in, what was done to it, what came out."""

from __future__ import annotations

import platform
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prefdata import __version__
from prefdata.core.stage import Context
from prefdata.licensing.translated import describe
from prefdata.publish.files import DataFile
from prefdata.publish.survey import Survey
from prefdata.store.dataset import MANIFEST
from prefdata.store.files import read_json, sha256, write_json

SCHEMA_VERSION = 1
SUMS = "audit/SHA256SUMS"
_NOTHING = {"in": 0, "kept": 0, "dropped": 0, "reasons": {}, "groups": 0, "rows": {}}
_STEP = ("id", "use", "group", "key", "kind", "version", "settings", "counts", "facts")


def manifest_of(
    build: Path, config: Any, context: Context, survey: Survey | None, files: Sequence[DataFile]
) -> dict[str, Any]:
    """Return the manifest without the list of files and the clock, which come last.

    Nothing in it but `files` depends on when or where it was made. `survey` is None for a release
    without texts.
    """
    steps = upstream(build, context)
    return {
        "schema_version": SCHEMA_VERSION,
        "prefdata": __version__,
        "key": context.key,
        "kind": "artifact",
        "pipeline": {
            "name": context.pipeline,
            "seed": context.seed,
            "released": context.released,
            "as_of": context.as_of,
            "limit": context.limit,
        },
        "settings": config.model_dump(mode="json"),
        "steps": steps,
        "sources": sources_of(survey) if survey else [],
        "translator": describe(steps, context) if survey else None,
        "counts": counts_of(survey, files) if survey else dict(_NOTHING),
        "data": [asdict(file) for file in files],
    }


def finish(out: Path, manifest: dict[str, Any], started: float) -> None:
    """Write ``manifest.json``: every file with its digest; the clock under `run` alone."""
    known = {file["path"]: file for file in manifest.pop("data")}
    manifest["files"] = [
        known.get(name) or {"path": name, "bytes": path.stat().st_size, "sha256": sha256(path)}
        for name, path in files_below(out)
        if name not in (MANIFEST, SUMS)
    ]
    manifest["run"] = {
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(time.monotonic() - started, 1),
        "machine": platform.machine(),
        "system": platform.system(),
        "python": platform.python_version(),
    }
    write_json(out / MANIFEST, manifest)


def files_below(folder: Path) -> list[tuple[str, Path]]:
    """Return every file of a release by its relative name, sorted."""
    found = [path for path in folder.rglob("*") if path.is_file()]
    return sorted((path.relative_to(folder).as_posix(), path) for path in found)


def upstream(build: Path, context: Context) -> list[dict[str, Any]]:
    """Return the finished steps that the release rests on, in their order."""
    listed = build / "build.json"
    if not listed.is_file():
        return []
    found = []
    for step in read_json(listed)["steps"]:
        path = build / step["path"] / MANIFEST
        if step["id"] == context.step:
            break
        if step["kind"] != "artifact" and path.is_file():
            manifest = read_json(path)
            found.append({name: manifest[name] for name in _STEP if name in manifest})
    return found


def sources_of(survey: Survey) -> list[dict[str, Any]]:
    """Return each source with its revisions and what is published of it."""
    return [
        {
            "id": source,
            "kinds": sorted(survey.kinds[source]),
            "revisions": sorted(survey.revisions[source]),
            "licenses": sorted(survey.licenses[source]),
            "records": survey.records[source],
            "pairs": survey.pairs[source],
            "moved_to_test": survey.moved[source],
            "dropped": {code: n for code, n in survey.reasons[source].items() if n},
        }
        for source in survey.sources
    ]


def counts_of(survey: Survey, files: Sequence[DataFile]) -> dict[str, Any]:
    """Return what publishing kept and dropped, and the rows of every config and split."""
    kept = sum(survey.records.values())
    reasons: dict[str, int] = {}
    for own in survey.reasons.values():
        for code, n in own.items():
            reasons[code] = reasons.get(code, 0) + n
    rows: dict[str, dict[str, int]] = {}
    for file in files:
        splits = rows.setdefault(file.config, {})
        splits[file.split] = splits.get(file.split, 0) + file.rows
    return {
        "in": survey.entries,
        "kept": kept,
        "dropped": survey.entries - kept,
        "reasons": {code: n for code, n in reasons.items() if n},
        "groups": survey.groups,
        **({} if survey.near is None else {"near_prompts_joined": survey.near}),
        "rows": rows,
    }
