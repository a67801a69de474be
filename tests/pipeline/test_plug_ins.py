"""Somebody else's package: its source, stage and filter found by entry point."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

PIPELINE = """\
name: shouting
sources:
  - use: two_towns
    towns: 3
stages:
  - use: shout
    mark: "！！"
  - use: filter
    filters: [no_exclamation]
  - use: relabel
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Path:
    """The plug-in as an installer leaves it: its package and its metadata in one folder."""
    site = tmp_path_factory.mktemp("site")
    plugin = root / "tests" / "plugin"
    shutil.copytree(plugin / "prefdata_shout", site / "prefdata_shout")
    project = tomllib.loads((plugin / "pyproject.toml").read_text())["project"]
    metadata = site / "prefdata_shout-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Name: {project['name']}\nVersion: {project['version']}\n")
    groups = (
        f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in points.items())
        for group, points in project["entry-points"].items()
    )
    (metadata / "entry_points.txt").write_text("\n".join(groups))
    return site


def run(site: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "prefdata", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_foreign_source_stage_and_filter_run_like_our_own(
    installed: Path, tmp_path: Path
) -> None:
    (tmp_path / "shouting.yaml").write_text(PIPELINE, encoding="utf-8")

    done = run(installed, tmp_path, "build", "shouting.yaml")

    assert done.returncode == 6, done.stderr  # its filter drops every record, and says why
    assert "no_exclamation 3" in done.stderr
    kept = run(installed, tmp_path, "build", "shouting.yaml", "--set", "stages.filter.filters=[]")
    assert kept.returncode == 0, kept.stderr
    shown = run(installed, tmp_path, "show", "data/build/shouting/01-shout*", "-n", "1")
    assert shown.returncode == 2  # the shell expands patterns, we do not
    folder = next((tmp_path / "data/build/shouting").glob("01-shout-*"))
    assert (
        "小樽へはどう行けばいいですか。！！" in run(installed, tmp_path, "show", str(folder)).stdout
    )


def test_settings_of_a_foreign_stage_are_checked_like_our_own(
    installed: Path, tmp_path: Path
) -> None:
    (tmp_path / "shouting.yaml").write_text(PIPELINE.replace("mark:", "marc:"), encoding="utf-8")

    done = run(installed, tmp_path, "check", "shouting.yaml")

    assert done.returncode == 2
    assert "shouting.yaml:7" in done.stderr
    assert "did you mean 'mark'?" in done.stderr


def test_it_is_listed_as_a_plug_in(installed: Path, tmp_path: Path) -> None:
    assert "two_towns  (plug-in)" in run(installed, tmp_path, "components").stdout


def test_a_plug_in_that_takes_a_built_in_name_is_refused(installed: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    shutil.copytree(installed, site)
    points = site / "prefdata_shout-1.0.dist-info" / "entry_points.txt"
    points.write_text(points.read_text().replace("shout =", "relabel ="))

    done = run(site, tmp_path, "components")

    assert done.returncode == 2
    assert "the stage 'relabel' is claimed by prefdata and by prefdata-shout" in done.stderr


def test_a_plug_in_that_cannot_be_imported_is_an_error_when_used(
    installed: Path, tmp_path: Path
) -> None:
    site = tmp_path / "site"
    shutil.copytree(installed, site)
    (site / "prefdata_shout" / "stage.py").write_text("import no_such_module\n")
    (tmp_path / "shouting.yaml").write_text(PIPELINE, encoding="utf-8")

    assert run(site, tmp_path, "components").returncode == 0
    done = run(site, tmp_path, "check", "shouting.yaml")
    assert done.returncode == 2
    assert "the stage 'shout' of prefdata-shout cannot be imported" in done.stderr
