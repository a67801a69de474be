"""Kills a build with SIGKILL at chosen moments, runs it again, and compares the bytes.

Run as a program by the kill tests. A moment is an audit event of the interpreter: a file about to
be opened for writing, renamed, removed, a folder made, a database opened, a socket connected. The
first run counts them all; then each kill happens in a forked child at one of them, spread over
the steps. Every line printed names one kill.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from prefdata.pipeline.build import build_pipeline

WATCHED = (
    "open",
    "os.rename",
    "os.mkdir",
    "os.remove",
    "shutil.rmtree",
    "sqlite3.connect",
    "socket.connect",
)
DIFFERS = ("manifest.json", "SHA256SUMS", "report.html", "audit.html")  # clock, or hash of such


def moment(event: str, args: tuple[object, ...], root: str) -> str | None:
    """Return the name of a watched event inside the build folder, None for any other."""
    if event not in WATCHED:
        return None
    if event == "open" and not _writes(args):
        return None
    if event == "socket.connect":
        return "socket.connect"
    path = str(args[1] if event == "os.rename" else args[0])
    return f"{event} {path.removeprefix(root + '/')}" if root in path else None


def _writes(args: tuple[object, ...]) -> bool:
    mode, flags = args[1], args[2]
    if isinstance(mode, str):
        return bool(set(mode) & set("wax+"))
    return isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR))


def in_child(work: Callable[[], None]) -> int:
    """Run in a forked child; return its exit status as `os.waitpid` gives it."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        work()
        os._exit(0)
    return os.waitpid(child, 0)[1]


def watched(root: str, at: int | None, log: Path) -> Callable[[], None]:
    """Return work that counts moments into `log`, and dies at number `at`."""
    seen = 0

    def hook(event: str, args: tuple[object, ...]) -> None:
        nonlocal seen
        name = moment(event, args, root)
        if name is None or str(log) in name:
            return
        if at is None:
            os.write(out, (name + "\n").encode())
        elif seen == at:
            os.write(out, (name + "\n").encode())
            os.kill(os.getpid(), signal.SIGKILL)
        seen += 1

    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    return lambda: sys.addaudithook(hook)


def build(pipeline: str, folder: Path, prepare: Callable[[], None]) -> Callable[[], None]:
    """Return the work of one build."""

    def work() -> None:
        prepare()
        build_pipeline(pipeline, out=folder / "out", cache=folder / "cache", workers=1)

    return work


def contents(out: Path) -> dict[str, bytes]:
    """Return the files of a finished build that must be the same, by place."""
    return {
        str(path.relative_to(out)): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file() and path.name not in (*DIFFERS, ".lock")
    }


def phases(names: list[str]) -> dict[str, list[int]]:
    """Return the numbers of the moments by the folder they work in: a step, the cache."""
    found: dict[str, list[int]] = {}
    for number, name in enumerate(names):
        place = name.split(" ", 1)[-1].split("/")
        found.setdefault("/".join(place[: min(2, len(place) - 1)]), []).append(number)
    return found


def main(pipeline: str, root: str, kills: int, seed: int) -> None:
    """Count the moments, kill at a spread of them, compare."""
    base = Path(root)
    whole = base / "whole"
    log = base / "moments"
    status = in_child(build(pipeline, whole, watched(str(whole), None, log)))
    if status:
        raise SystemExit(f"the uninterrupted build failed: {status}")
    names = log.read_text(encoding="utf-8").splitlines()
    wanted = contents(whole / "out")
    chance = random.Random(seed)
    by_phase = phases(names)
    chosen = {chance.choice(numbers) for numbers in by_phase.values()}
    renames = [n for n, name in enumerate(names) if name.startswith("os.rename")]
    chosen |= {renames[-1], len(names) - 1}
    while len(chosen) < min(kills, len(names)):
        chosen.add(chance.randrange(len(names)))
    for number in sorted(chosen):
        folder = base / f"kill-{number}"
        status = in_child(build(pipeline, folder, watched(str(folder), number, log)))
        if not os.WIFSIGNALED(status):
            raise SystemExit(f"moment {number} was never reached: {status}")
        name = log.read_text(encoding="utf-8").strip()
        if in_child(build(pipeline, folder, lambda: None)):
            raise SystemExit(f"the build after a kill at {name} failed")
        found = contents(folder / "out")
        differing = sorted(k for k in wanted.keys() | found.keys() if wanted.get(k) != found.get(k))
        print(json.dumps({"kill": number, "of": len(names), "at": name, "differing": differing}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
