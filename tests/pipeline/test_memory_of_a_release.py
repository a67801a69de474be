"""A memory exported with a release makes it again where there is no translator."""

from __future__ import annotations

from pathlib import Path

import pytest

from prefdata.cli.main import run
from prefdata.pipeline.build import build_pipeline
from tests.translate.loopback import Loopback

CLOCKED = {"manifest.json", "SHA256SUMS", "report.html"}  # they tell when the build was


def released(folder: Path, url: str) -> dict[str, bytes]:
    """Build the quick start through a server and return the files of its release."""
    translator = f"{{use: server, model: cyberagent/calm3-22b-chat, base_url: '{url}'}}"
    built = build_pipeline(
        "quickstart",
        out=folder / "build",
        cache=folder / "cache",
        overrides=[f"stages.translate.translator={translator}"],
    )
    assert built.release
    files = (path for path in built.release.rglob("*") if path.is_file())
    return {path.relative_to(built.release).as_posix(): path.read_bytes() for path in files}


@pytest.mark.slow
def test_a_release_is_made_again_from_its_memory_alone(tmp_path: Path) -> None:
    memory = str(tmp_path / "memory.jsonl.gz")
    with Loopback() as server:
        first = released(tmp_path / "here", server.url)
    assert run(["memory", "export", memory, "--cache", str(tmp_path / "here/cache")]) == 0
    assert run(["memory", "import", memory, "--cache", str(tmp_path / "there/cache")]) == 0

    second = released(tmp_path / "there", server.url)  # nobody listens there any more

    assert first.keys() == second.keys()
    differing = {Path(name).name for name in first if first[name] != second[name]}
    assert differing <= CLOCKED
