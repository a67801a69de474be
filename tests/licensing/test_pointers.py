"""A pointer release, from the pipeline to the copy that makes it whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from prefdata.cli.main import run

PIPELINE = """\
name: pointers
released: 2026-11-21
as_of: 2026-11-21
sources:
  - use: jsonl
    path: own.jsonl
    artifact: nobody/knows
stages:
  - use: translate
    translator: fake
  - use: license_gate
    gate: exclude
    release: {release}
  - use: relabel
  - use: publish
"""


def build(folder: Path, release: str = "pointers", pipeline: str = PIPELINE) -> Path:
    """Build a release of three rows whose license nobody has disclosed."""
    rows = [
        {"prompt": f"What is {n}?", "chosen": f"It is the number {n}.", "rejected": "No idea."}
        for n in range(3)
    ]
    (folder / "own.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "p.yaml").write_text(pipeline.format(release=release))
    out = folder / "build"
    code = run(["build", str(folder / "p.yaml"), "--out", str(out)])
    assert code == (0 if release == "pointers" else 3)
    return out / "release"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)  # the translation memory is kept below the working directory
    return tmp_path


def test_without_pointers_nothing_left_is_a_denial(here: Path) -> None:
    assert not build(here, "full").exists()


def test_rows_that_may_not_travel_are_listed_without_a_word_of_theirs(here: Path) -> None:
    release = build(here)

    rows = pq.read_table(release / "pointers" / "pointers.parquet").to_pylist()
    assert [row["reasons"] for row in rows] == [["UNDISCLOSED"]] * 3
    assert all(row["ranks"] is None and row["completions"] is None for row in rows)
    everything = b"".join(p.read_bytes() for p in release.rglob("*") if p.is_file())
    assert b"It is the number" not in everything
    assert run(["audit", "verify", str(release)]) == 0


def test_ones_own_copy_makes_them_whole_and_another_does_not(here: Path, capsys: Any) -> None:
    release = build(here)
    arguments = ["rebuild", str(release), "--from"]

    assert run([*arguments, str(here / "own.jsonl"), "--output", str(here / "w.parquet")]) == 0
    whole = pq.read_table(here / "w.parquet").to_pylist()
    assert len(whole) == 3
    assert {row["completions"][0][0]["content"] for row in whole} == {
        f"It is the number {n}." for n in range(3)
    }
    text = (here / "own.jsonl").read_text().replace("number 1", "number one")
    (here / "other.jsonl").write_text(text)
    capsys.readouterr()
    assert run([*arguments, str(here / "other.jsonl")]) == 5
    assert "1 of 3 rows cannot be made whole" in capsys.readouterr().err


def test_the_copy_may_have_any_name(here: Path) -> None:
    pipeline = PIPELINE.replace("    artifact: nobody/knows\n", "")
    release = build(here, pipeline=pipeline)
    mine = (here / "own.jsonl").rename(here / "mine.jsonl")

    assert run(["rebuild", str(release), "--from", str(mine), "--output", str(here / "w")]) == 0
    mine.write_text(mine.read_text().replace("number 2", "number two"))
    assert run(["rebuild", str(release), "--from", str(mine), "--output", str(here / "x")]) == 5


def test_a_release_without_pointers_cannot_be_rebuilt(here: Path, capsys: Any) -> None:
    assert run(["rebuild", str(here), "--from", str(here)]) == 2


def test_a_release_of_pointers_can_be_shown_and_reported_on(here: Path, capsys: Any) -> None:
    release = build(here)
    capsys.readouterr()

    assert run(["show", str(release)]) == 0
    shown = capsys.readouterr().out
    assert f"prefdata rebuild {release}" in shown
    assert "['UNDISCLOSED']" in shown
    assert "load_dataset" not in shown
    page = here / "page.html"
    assert run(["report", str(release), "--output", str(page)]) == 0
    assert "UNDISCLOSED" in page.read_text("utf-8")
    assert "It is the number" not in page.read_text("utf-8")
