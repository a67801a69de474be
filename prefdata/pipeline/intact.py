"""Whether finished steps still have the files that they were built with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from prefdata.core.errors import IntegrityError
from prefdata.pipeline.plan import Step
from prefdata.store.dataset import MANIFEST
from prefdata.store.files import read_json

SHOWN = 5  # files named in an error


def refuse_torn(steps: Iterable[Step]) -> None:
    """Compare the files of finished steps with their manifests, by name and size.

    Nothing is read but the manifests: `audit verify` and `push` hash what leaves the house.

    Raises:
        IntegrityError: a file is missing or has another size.
    """
    for step in steps:
        wrong = list(_wrong(step.artifact))
        if wrong:
            more = f", and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
            raise IntegrityError(
                f"the step '{step.id}' is not what was built: {', '.join(wrong[:SHOWN])}{more}",
                str(step.artifact),
                "delete that folder and build again; all others are kept",
            )


def _wrong(folder: Path) -> Iterator[str]:
    manifest = folder / MANIFEST
    for file in read_json(manifest).get("files", []) if manifest.is_file() else ():
        name = str(file.get("path") or file.get("name"))
        path = folder / name
        if not path.is_file():
            yield f"{name} is missing"
        elif path.stat().st_size != file.get("bytes", path.stat().st_size):
            yield f"{name} was changed"
