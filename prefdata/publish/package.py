"""What may be pushed: a release or a model, whole, as it was built, and allowed to travel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from prefdata.core.errors import (
    GateFailed,
    InputError,
    IntegrityError,
    LicenseDenied,
    LicenseReview,
)
from prefdata.licensing.verify import verify
from prefdata.publish.manifest import SUMS
from prefdata.store.dataset import MANIFEST
from prefdata.store.files import read_json, sha256

AUDIT = Path("audit") / "audit.json"
LICENSES = "licenses.json"
METRICS = "metrics.json"
SHOWN = 20  # files named in an error


@dataclass(frozen=True)
class Package:
    """A folder that was checked: its files with their bytes and SHA-256 by name.

    `named` is the name on the hub that the card of a release shows, empty if none was set.
    """

    folder: Path
    kind: Literal["dataset", "model"]
    files: Mapping[str, int]
    digests: Mapping[str, str]
    key: str
    named: str = ""

    @property
    def tag(self) -> str:
        """Return the version's name on the hub; the key of the build, as an older folder's is."""
        return f"{'release' if self.kind == 'dataset' else 'model'}-{self.key[:8]}"


def package_of(folder: Path) -> Package:
    """Check a release or a model and return what would be pushed.

    Raises:
        InputError: the folder is neither.
        IntegrityError: a file is missing, was changed or added since it was built.
        LicenseDenied: it may not be published.
        LicenseReview: a person must decide first.
        GateFailed: a model missed a threshold.
    """
    if not any((folder / name).exists() for name in (MANIFEST, AUDIT, METRICS)):
        within = folder / "release"
        raise InputError(
            "this is no release and no model",
            str(folder),
            f"give {within}"
            if within.is_dir()
            else "give the folder that 'build' names at its end",
        )
    manifest = read_json(folder / MANIFEST)
    is_model = (folder / METRICS).is_file() and "steps" not in manifest
    listed = {str(file.get("path") or file.get("name")): file for file in manifest["files"]}
    _compare(folder, listed, ignored="checkpoints" if is_model else "")
    (_allow_model if is_model else _allow_release)(folder)
    own = [name for name in (MANIFEST, SUMS) if (folder / name).is_file()]
    digests = {name: file["sha256"] for name, file in listed.items()}
    digests |= {name: sha256(folder / name) for name in own}
    return Package(
        folder=folder,
        kind="model" if is_model else "dataset",
        files={name: (folder / name).stat().st_size for name in sorted(digests)},
        digests=digests,
        key=str(manifest["key"]),
        named="" if is_model else str(manifest["settings"].get("repo_id", "")),
    )


def _compare(folder: Path, listed: Mapping[str, Any], *, ignored: str) -> None:
    there = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    there = {n for n in there if not ignored or not n.startswith(f"{ignored}/")}
    wrong = [f"{name} is missing" for name in sorted(set(listed) - there)]
    wrong += [f"{name} was added" for name in sorted(there - set(listed) - {MANIFEST, SUMS})]
    wrong += [
        f"{name} was changed"
        for name, file in sorted(listed.items())
        if name in there and sha256(folder / name) != file["sha256"]
    ]
    if wrong:
        more = f", and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
        raise IntegrityError(
            f"the folder is not what was built: {', '.join(wrong[:SHOWN])}{more}",
            str(folder),
            "delete the folder and build again; finished steps are kept",
        )


def _allow_release(folder: Path) -> None:
    if not (folder / AUDIT).is_file():
        raise LicenseReview(
            "the release has no license audit",
            str(folder / AUDIT),
            "build it with the stages license_gate and publish",
        )
    verify(folder).refuse(folder)


def _allow_model(folder: Path) -> None:
    if not read_json(folder / METRICS)["passed"]:
        raise GateFailed("the model missed a threshold", str(folder / METRICS), "train it again")
    if not (folder / LICENSES).is_file():
        raise LicenseReview("the model has no license report", str(folder / LICENSES))
    found = read_json(folder / LICENSES)
    reasons = ", ".join(found.get("reasons", []))
    if found["target"] != "publish_model":
        raise LicenseDenied(
            f"the model was trained for {found['target']}, not to be published",
            str(folder / LICENSES),
            "train it with 'target: publish_model', which decides the licenses for that",
        )
    if found["verdict"] != "allow":
        error = LicenseDenied if found["verdict"] == "deny" else LicenseReview
        raise error(f"the model may not be published: {reasons}", str(folder / LICENSES))
