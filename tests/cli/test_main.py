"""The command line from outside: exit codes, streams, errors without tracebacks, light help."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from prefdata.cli.main import COMMANDS, cli

HEAVY = ("pyarrow", "pydantic", "pandas", "datasets", "rich", "fugashi", "torch", "yaml", "jinja2")


def prefdata(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "prefdata", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
    )


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom prefdata.cli.main import run\n"
        f"assert run(['--help']) == 0\nprint([m for m in {HEAVY!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.skipif(sys.platform != "linux", reason="not every build of Arrow has jemalloc")
def test_arrow_gives_freed_memory_back(monkeypatch: pytest.MonkeyPatch) -> None:
    code = (
        "import sys\nfrom prefdata.cli.main import main\nsys.argv[1:] = ['--version']\n"
        "try:\n    main()\nfinally:\n"
        "    import pyarrow\n    print(pyarrow.default_memory_pool().backend_name)"
    )
    monkeypatch.delenv("ARROW_DEFAULT_MEMORY_POOL", raising=False)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[-1] == "jemalloc"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["biuld"], 2, "did you mean 'build'?"),
        (["build"], 2, "Missing argument"),
        (["build", "nothing.yaml"], 2, "there is no pipeline 'nothing.yaml'"),
        (["show", "nowhere"], 2, "there is nothing to show"),
        (["components", "nothing"], 2, "unknown component 'nothing'"),
        (["--version"], 0, ""),
    ],
)
def test_a_user_error_has_its_code_and_no_traceback(
    arguments: list[str], code: int, said: str
) -> None:
    done = prefdata(*arguments)

    assert done.returncode == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert code == 0 or done.stdout == ""


def test_debug_shows_the_traceback() -> None:
    assert "Traceback" in prefdata("--debug", "build", "nothing.yaml").stderr


def test_check_lists_every_mistake_as_json(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        "name: a\nsead: 1\nsources: [{use: jsnol}]\nstages: [relabl]\n"
    )

    done = prefdata("check", "a.yaml", "--json", cwd=tmp_path)

    found = json.loads(done.stdout)
    assert done.returncode == 2
    assert [m["where"].split()[0] for m in found["mistakes"]] == [
        "a.yaml:2",
        "a.yaml:3",
        "a.yaml:4",
    ]


def test_components_tell_settings_defaults_and_meaning() -> None:
    done = prefdata("components", "translate", "--json")

    row = json.loads(done.stdout)
    settings = {s["name"]: s for s in row["settings"]}
    assert row["kind"] == "stage"
    assert settings["translator"]["required"]
    assert settings["context"]["default"] == "history"
    assert settings["context"]["type"] == "history | none"
    assert settings["context"]["meaning"]


def test_doctor_says_what_is_missing_and_how_to_get_it() -> None:
    rows = [json.loads(line) for line in prefdata("doctor", "--json").stdout.splitlines()]

    assert {"prefdata", "Python", "cores", "memory", "GPU", "MeCab"} <= {r["what"] for r in rows}
    assert all(r["ok"] or r["fix"] for r in rows)


def test_output_into_a_closed_pipe_is_no_error() -> None:
    command = f"set -o pipefail; {sys.executable} -m prefdata components | head -1"

    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_every_command_has_examples(name: str) -> None:
    done = CliRunner().invoke(cli, [name, "--help"])

    assert "Examples:\n" in done.output
    assert f"  prefdata {name}" in done.output


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("prefdata dr", "drops"),
        ("prefdata build --wo", "--workers"),
        ("prefdata memory i", "import"),
    ],
)
def test_the_shell_can_complete_commands_and_options(words: str, offered: str) -> None:
    asked = {"_PREFDATA_COMPLETE": "bash_complete", "COMP_WORDS": words}
    place = {"COMP_CWORD": str(len(words.split()) - 1)}
    done = subprocess.run(
        [sys.executable, "-m", "prefdata"],
        env={**os.environ, **asked, **place},
        capture_output=True,
        text=True,
        check=True,
    )

    assert offered in done.stdout


def test_every_component_of_ours_has_a_line_of_meaning_that_fits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    rows = [json.loads(line) for line in prefdata("components", "--json").stdout.splitlines()]
    assert all(row["meaning"].endswith(".") for row in rows)
    shown = prefdata("components").stdout
    assert max(map(len, shown.splitlines())) <= 80
    assert "Drops records whose Japanese is broken" in shown
