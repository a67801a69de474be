"""Models with Python code of their own: off by default, and pinned by content when on."""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path

from prefdata.core.errors import InputError
from prefdata.store.files import read_json
from prefdata.training.settings import BaseModelSettings

TRUST = "PREFDATA_TRUST_CODE"


def code_digest(folder: Path) -> str:
    """Return 40 hex digits over the code that a model folder asks to run; empty if none."""
    config = folder / "config.json"
    if not config.is_file() or "auto_map" not in read_json(config):
        return ""
    hasher = sha256()
    for file in sorted(folder.glob("*.py")):
        hasher.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return hasher.hexdigest()[:40]


def refuse_other_code(base: BaseModelSettings) -> None:
    """Refuse code in a folder that is not what `code` pins; the hub pins by commit itself.

    Raises:
        InputError: the code is another one; it says which.
    """
    folder = Path(base.path)
    if not base.trust_remote_code or not folder.is_dir():
        return
    found = code_digest(folder)
    if found and found != base.code:
        raise InputError(
            "the code in this folder is not the code that 'code' pins",
            base.path,
            f"read its *.py files; if they may run here, set 'code: {found}'",
        )


def made_before(folder: Path) -> BaseModelSettings:
    """Return a model folder that some stage wrote, perhaps on another machine.

    Raises:
        InputError: it has code of its own, which nobody here has agreed to run.
    """
    found = code_digest(folder)
    if not found:
        return BaseModelSettings(path=str(folder))
    if found not in os.environ.get(TRUST, "").split(","):
        raise InputError(
            "this model has code of its own, which does not run unasked",
            str(folder),
            f"read its *.py files; if they may run here, set {TRUST}={found}",
        )
    return BaseModelSettings(path=str(folder), code=found, trust_remote_code=True)
