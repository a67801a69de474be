"""The command line run inside the test's process: the same code, without the start of Python."""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass
from pathlib import Path

from prefdata.cli.main import run


@dataclass(frozen=True)
class Done:
    """What a command left: its exit code and its two streams."""

    returncode: int
    stdout: str
    stderr: str


def prefdata(*arguments: str | Path, cwd: Path | None = None) -> Done:
    """Run one command, as `python -m prefdata` would."""
    out, err = io.StringIO(), io.StringIO()
    folder = contextlib.chdir(cwd) if cwd else contextlib.nullcontext()
    with folder, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run([str(argument) for argument in arguments])
    return Done(code, out.getvalue(), err.getvalue())
