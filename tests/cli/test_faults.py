"""Bad input from outside: what, where, how to fix it, the right code, nothing half-written."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from running import Done, prefdata

PIPELINE = """\
name: faults
sources:
  - use: {source}
    path: {path}
    artifact: prefdata/quickstart
stages:
  - use: relabel
"""

GOOD = {"prompt": "Where is it?", "chosen": "Over there.", "rejected": "No idea."}
DIALOGUE = {
    "chosen": "\n\nHuman: Hi\n\nAssistant: Hello!",
    "rejected": "\n\nHuman: Hi\n\nAssistant: Go away.",
}


def lines(*rows: object) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def build(folder: Path, path: str, source: str = "jsonl", *options: str) -> Done:
    (folder / "faults.yaml").write_text(PIPELINE.format(source=source, path=path))
    return prefdata("build", "faults.yaml", *options, cwd=folder)


def leftovers(folder: Path) -> list[str]:
    """Return what a failed build left half-written."""
    out = folder / "data" / "build"
    return [str(p) for p in out.rglob("*") if p.name.endswith((".tmp", ".partial"))]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.jsonl", b"", "empty"),
        ("a.jsonl.gz", gzip.compress(lines(*[GOOD] * 500))[:-40], "a.jsonl.gz"),
        ("a.jsonl.gz", b"not gzip at all\n", "a.jsonl.gz"),
        ("a.parquet", b"not parquet at all", "a.parquet"),
        ("a.parquet", b"", "a.parquet"),
    ],
)
def test_a_broken_file_is_named_and_nothing_is_left_half_written(
    tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    (tmp_path / name).write_bytes(content)

    done = build(tmp_path, name)

    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert "where:" in done.stderr
    assert "fix:" in done.stderr
    assert "Traceback" not in done.stderr
    assert leftovers(tmp_path) == []


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = build(tmp_path, "nowhere.jsonl")

    assert done.returncode == 2
    assert "nowhere.jsonl" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("source", "bad", "reason"),
    [
        ("jsonl", b'{"prompt": "cut in ha\n', "source_"),
        ("jsonl", b'\xff\xfe not UTF-8 {"prompt"\n', "source_"),
        ("jsonl", lines({"prompt": "no completions"}), "source_"),
        ("jsonl", lines(GOOD | {"chosen": 7}), "source_"),
        ("jsonl", lines([1, 2]), "source_"),
        ("jsonl", b'{"prompt": "\\ud800", "chosen": "a", "rejected": "b"}\n', "source_"),
        ("hh_rlhf", lines({"chosen": DIALOGUE["chosen"]}), "source_"),
    ],
)
def test_a_bad_row_is_counted_and_shown_and_the_run_goes_on(
    tmp_path: Path, source: str, bad: bytes, reason: str
) -> None:
    good = GOOD if source == "jsonl" else DIALOGUE
    rows = [lines({**good, "note": str(n)}) for n in range(200)]
    (tmp_path / "a.jsonl").write_bytes(b"".join([*rows[:120], bad, *rows[120:]]))

    done = build(tmp_path, "a.jsonl", source, "--json")

    assert done.returncode == 0, done.stderr
    step = json.loads(done.stdout)["steps"][0]
    assert (step["in"], step["kept"], step["bad"]) == (201, 200, 1)
    assert next(iter(step["reasons"])).startswith(reason)
    folder = next((tmp_path / "data/build/faults").glob("00-*"))
    dropped = prefdata("drops", folder, "--json")
    assert json.loads(dropped.stdout)["reasons"] == list(step["reasons"])


def test_too_many_bad_rows_stop_the_build_with_code_6(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"".join([lines(GOOD)] * 20 + [b"{broken\n"] * 3))

    done = build(tmp_path, "a.jsonl")

    assert done.returncode == 6
    assert "3 of 23 rows are broken" in done.stderr
    assert "21" in done.stderr  # the line of the first
    assert "Traceback" not in done.stderr


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[None]:
    """Mount a small disk at a new folder; skip the test where that is not allowed."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(command, check=False).returncode:
        pytest.skip("only root may mount a small disk, and not everywhere")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def grow(folder: Path) -> None:
    subprocess.run(["mount", "-o", "remount,size=64m", str(folder)], check=True)


@pytest.mark.slow
def test_a_full_disk_ends_with_a_message_and_the_same_command_goes_on(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    rows = (lines({**GOOD, "prompt": os.urandom(400).hex()}) for _ in range(3000))
    (tmp_path / "a.jsonl").write_bytes(b"".join(rows))
    with small_disk(disk, "1m"):
        done = build(tmp_path, "a.jsonl", "jsonl", "--out", str(disk / "out"))

        assert done.returncode == 2, done.stderr
        assert "No space left" in done.stderr
        assert "Traceback" not in done.stderr
        assert list(disk.rglob("*.tmp")) == []
        grow(disk)
        assert build(tmp_path, "a.jsonl", "jsonl", "--out", str(disk / "out")).returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("size", ["800k", "1100k"])
def test_a_disk_that_is_full_while_publishing_is_named_and_the_same_command_goes_on(
    tmp_path: Path, size: str
) -> None:
    disk = tmp_path / "disk"
    with small_disk(disk, size):
        done = prefdata("build", "quickstart", "--out", disk / "out", cwd=tmp_path)

        assert done.returncode == 2, done.stderr
        assert "No space left on device" in done.stderr
        assert f"where: {disk / 'out'}/.07-publish" in done.stderr
        grow(disk)
        again = prefdata("build", "quickstart", "--out", disk / "out", cwd=tmp_path)
        assert again.returncode == 0
        assert prefdata("audit", "verify", disk / "out" / "release").returncode == 0


@pytest.mark.slow
def test_a_memory_whose_disk_is_full_is_named_and_the_same_command_goes_on(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    with small_disk(disk, "300k"):
        done = prefdata("build", "quickstart", "--out", tmp_path / "out", cwd=disk)

        assert done.returncode == 2, done.stderr
        assert "cannot write the translation memory: database or disk is full" in done.stderr
        grow(disk)
        again = prefdata("build", "quickstart", "--out", tmp_path / "out", cwd=disk)
        assert again.returncode == 0


@pytest.mark.slow
def test_a_disk_that_nobody_may_write_to_is_said_to_be_that(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    with small_disk(disk, "64m"):
        assert prefdata("build", "quickstart", cwd=disk).returncode == 0
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        done = prefdata("build", "quickstart", cwd=disk)
        verified = prefdata("audit", "verify", "data/build/quickstart/release", cwd=disk)

    assert (done.returncode, verified.returncode) == (2, 0)
    assert "can be written to" in done.stderr or "cannot write" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("build", "quickstart", "--workers", "-1"), "'--workers'"),
        (("preview", "quickstart", "-n", "0"), "'-n'"),
        (("show", "fake.parquet"), "not a whole Parquet file"),
        (("preview", "other.yaml"), "none of the first 1 rows of 'jsonl' is a record"),
    ],
)
def test_a_wrong_number_or_file_is_a_usage_error(
    tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    (tmp_path / "fake.parquet").write_text("no Parquet")
    (tmp_path / "other.jsonl").write_text('{"question": "q"}\n')
    (tmp_path / "other.yaml").write_text(
        "name: other\nsources: [{use: jsonl, path: other.jsonl}]\nstages: [relabel]\n"
    )

    done = prefdata(*arguments, cwd=tmp_path)

    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr
