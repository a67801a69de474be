"""Hub data at a pinned commit, through the real client and a loopback hub."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.sources.hub import COMMIT, serving

REPO = "someone/pairs"


def pair(name: str) -> bytes:
    chosen, rejected = (f"\n\nHuman: {name}\n\nAssistant: {x}" for x in "ab")
    return json.dumps({"chosen": chosen, "rejected": rejected}).encode() + b"\n"


FILES = {
    "README.md": b"# pairs",
    "pairs.py": b"raise SystemExit('a loading script was run')",
    "harmless-base/test.jsonl.gz": gzip.compress(pair("one") + pair("two"), mtime=0),
    "harmless-base/train.jsonl.gz": gzip.compress(pair("three"), mtime=0),
    "red-team-attempts/red_team_attempts.jsonl.gz": gzip.compress(b"{}\n", mtime=0),
}


def read(root: Path, home: Path, endpoint: str, **settings: Any) -> dict[str, Any]:
    """Read in a process of its own: the client reads its environment when it is imported."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.sources.hub"],
        input=json.dumps(settings),
        env={**os.environ, "HF_ENDPOINT": endpoint, "HF_HOME": str(home), "HF_HUB_OFFLINE": "0"},
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
        timeout=20,  # the client alone would try again for 24 seconds
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_rows_come_from_the_files_of_the_pinned_commit(root: Path, tmp_path: Path) -> None:
    with serving(REPO, FILES) as (endpoint, asked):
        settings = {"use": "hh_rlhf", "repo_id": REPO, "revision": COMMIT}
        every = read(root, tmp_path, endpoint, **settings)
        test = read(root, tmp_path, endpoint, **settings, split="test")

    assert every["origins"] == [
        [COMMIT, "harmless-base/test.jsonl.gz:1", "harmless-base", "test"],
        [COMMIT, "harmless-base/test.jsonl.gz:2", "harmless-base", "test"],
        [COMMIT, "harmless-base/train.jsonl.gz:1", "harmless-base", "train"],
    ]
    assert every["layers"] == [COMMIT]
    assert len(test["origins"]) == 2
    assert not any("pairs.py" in path or "red_team" in path for path in asked)
    fetched = [path for path in asked if path.endswith("test.jsonl.gz")]
    assert len(fetched) <= 3, "the second run reads the client's cache"


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"revision": "f" * 40}, "the hub gave no files"),
        ({"revision": COMMIT, "split": "validation"}, "no file is of validation"),
    ],
)
def test_what_the_hub_has_not_is_an_input_error(
    root: Path, tmp_path: Path, settings: dict[str, str], says: str
) -> None:
    with serving(REPO, FILES) as (endpoint, _):
        found = read(root, tmp_path, endpoint, use="hh_rlhf", repo_id=REPO, **settings)

    assert found["code"] == 2
    assert says in found["error"]
    assert "fix:" in found["error"]


def test_a_data_set_of_a_loading_script_alone_is_refused(root: Path, tmp_path: Path) -> None:
    files = {name: FILES[name] for name in ("README.md", "pairs.py")}
    with serving(REPO, files) as (endpoint, _):
        found = read(
            root, tmp_path, endpoint, use="webgpt_comparisons", repo_id=REPO, revision=COMMIT
        )

    assert "loading scripts are not run" in found["error"]
    assert found["code"] == 2


def test_without_a_network_the_answer_comes_at_once(root: Path, tmp_path: Path) -> None:
    found = read(root, tmp_path, "http://127.0.0.1:9", use="hh_rlhf", repo_id=REPO, revision=COMMIT)

    assert found["code"] == 2
    assert "give a local copy with 'path'" in found["error"]
