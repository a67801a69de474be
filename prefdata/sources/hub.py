"""Files of a hub data set at a pinned revision; `huggingface_hub` is imported when first used."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Any

from prefdata.core.errors import InputError


def _hub() -> Any:  # the package has no stable types for its lazy names
    """Import the client with its telemetry off."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    import huggingface_hub.constants
    import huggingface_hub.errors

    return huggingface_hub


@lru_cache(maxsize=64)
def list_files(repo_id: str, revision: str) -> tuple[str, ...]:
    """Return the names of all files of a data set at a commit.

    Raises:
        InputError: the hub cannot be reached, or knows no such data set or commit.
    """
    hub = _hub()
    try:
        _knock(hub)
        names = hub.HfApi().list_repo_files(repo_id, revision=revision, repo_type="dataset")
    except _errors(hub) as error:
        raise _unreachable(repo_id, revision, error) from error
    return tuple(sorted(names))


def _knock(hub: Any) -> None:
    """Ask for nothing, once: without a network, a plan is not to wait for the client's retries."""
    if not hub.constants.HF_HUB_OFFLINE:
        hub.get_session().head(hub.constants.ENDPOINT, timeout=10)


def fetch(repo_id: str, revision: str, name: str) -> Path:
    """Return the local path of one file, from the hub client's cache or downloaded into it.

    Raises:
        InputError: the hub cannot be reached, or the file is not in that commit.
    """
    hub = _hub()
    try:
        path = hub.hf_hub_download(repo_id, name, revision=revision, repo_type="dataset")
    except _errors(hub) as error:
        raise _unreachable(f"{repo_id}/{name}", revision, error) from error
    return Path(path)


def _errors(hub: Any) -> tuple[type[Exception], ...]:
    """Return what the client raises: its own answers, its transport's errors, the file system's."""
    known = hub.errors
    return (known.HTTPError, known.HFValidationError, known.LocalEntryNotFoundError, OSError)


def _unreachable(what: str, revision: str, error: Exception) -> InputError:
    first = (str(error).strip() or type(error).__name__).splitlines()[0]
    return InputError(
        f"the hub gave no files: {first}",
        f"{what}@{revision}",
        "check the name, the revision and the network, or give a local copy with 'path'",
    )
