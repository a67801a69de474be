"""Where the files that ship with prefdata lie: registry, policies, pipelines, the quick start."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent


def asset(name: str) -> Path:
    """Return the path of a shipped file or folder, such as ``licenses`` or ``pipelines``.

    In an installed wheel they lie inside the package, in a checkout beside it.
    """
    installed = _PACKAGE / "_assets"
    return (installed if installed.is_dir() else _PACKAGE.parent) / name


def shipped_pipeline(name: str) -> Path | None:
    """Return the shipped pipeline of that name, or None."""
    path = asset("pipelines") / f"{name}.yaml"
    return path if path.is_file() else None


def shipped_pipelines() -> list[str]:
    """Return the names of the shipped pipelines."""
    return sorted(path.stem for path in asset("pipelines").glob("*.yaml"))
