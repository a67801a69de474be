"""kill -9 at any moment, then the same command: the bytes of an uninterrupted build."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest


def kills(pipeline: str, folder: Path, count: int) -> list[dict[str, object]]:
    program = Path(__file__).with_name("killing.py")
    arguments = [sys.executable, str(program), pipeline, str(folder), str(count), "20241110"]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    print(done.stdout)  # the log names each kill
    assert done.returncode == 0, done.stdout + done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.slow
def test_the_quick_start_killed_anywhere_ends_in_the_same_bytes(tmp_path: Path, root: Path) -> None:
    found = kills(str(root / "pipelines" / "quickstart.yaml"), tmp_path, 24)

    assert [kill for kill in found if kill["differing"]] == []
    places = " ".join(str(kill["at"]) for kill in found)
    for phase in ["-pairs-", "-translate-", "-filter-", "-license_gate-", "-relabel-", "release"]:
        assert phase in places
