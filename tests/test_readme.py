"""What the README shows is what a reader gets: output, rows, commands and pipelines."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from running import Done, prefdata

from prefdata.cli.main import COMMANDS

DOCUMENTS = ["README.md", "README.ja.md", "pipelines/README.md", "data/README.md"]


@pytest.fixture(scope="module")
def quickstart(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Done]:
    """The quick start, built in an empty folder."""
    folder = tmp_path_factory.mktemp("empty")
    return folder, prefdata("build", "quickstart", cwd=folder)


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("name", ["README.md", "README.ja.md"])
def test_the_funnel_is_the_one_a_newcomer_sees(
    name: str, root: Path, quickstart: tuple[Path, Done]
) -> None:
    _, done = quickstart
    shown = next(b for b in blocks((root / name).read_text(encoding="utf-8"), "") if "kept" in b)

    printed = "\n".join(line.rstrip() for line in done.stdout.splitlines())
    assert done.returncode == 0
    assert shown.rstrip() in printed


@pytest.mark.parametrize("name", ["README.md", "README.ja.md"])
def test_the_rows_shown_are_in_the_release(
    name: str, root: Path, quickstart: tuple[Path, Done]
) -> None:
    folder, _ = quickstart
    shards = (folder / "data/build/quickstart/release/labels").glob("*.parquet")
    rows = [row for shard in shards for row in pq.read_table(shard).to_pylist()]
    columns = ("text", "label", "license")
    released = [{column: row[column] for column in columns} for row in rows]

    (shown,) = blocks((root / name).read_text(encoding="utf-8"), "json")

    assert [json.loads(line) in released for line in shown.splitlines()] == [True, True]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_command_shown_exists(name: str, root: Path) -> None:
    text = (root / name).read_text(encoding="utf-8")

    shown = set(re.findall(r"(?:^|[`&] ?)prefdata ([a-z]+)\b", text, re.MULTILINE))

    assert shown <= set(COMMANDS), shown - set(COMMANDS)


@pytest.mark.parametrize("name", ["README.md", "pipelines/README.md"])
def test_every_pipeline_shown_is_a_good_one(name: str, root: Path, tmp_path: Path) -> None:
    for number, text in enumerate(blocks((root / name).read_text(encoding="utf-8"), "yaml")):
        path = tmp_path / f"{number}.yaml"
        path.write_text(text, encoding="utf-8")

        done = prefdata("check", path)

        assert done.returncode == 0, done.stderr


def test_every_shipped_pipeline_checks(root: Path) -> None:
    for path in sorted((root / "pipelines").glob("*.yaml")):
        assert prefdata("check", path).returncode == 0, path.name


def test_no_link_of_the_documents_is_broken(root: Path) -> None:
    for document in [*root.glob("*.md"), *root.glob("*/README.md"), *root.glob("data/*/README.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text(encoding="utf-8")):
            assert (document.parent / target).exists(), f"{document.name}: {target}"
