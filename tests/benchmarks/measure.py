"""What benchmarks share: paired ratios in one run, peak memory of a child, a results file.

Absolute times say little on a shared machine. `ratio` runs the unit before and after every run of
the function and divides, in CPU seconds with children included; CPU ÷ wall is the noise mark.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median, quantiles

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Ratio:
    """unit ÷ function in CPU seconds: 0.5 is half the unit's speed. Median and quartiles."""

    median: float
    low: float
    high: float
    cpu_per_wall: float

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.low:.2f}–{self.high:.2f})"


def cpu_seconds() -> float:
    """Return user and system seconds of this process and its finished children."""
    t = os.times()
    return t.user + t.system + t.children_user + t.children_system


def ratio(function: Callable[[], object], unit: Callable[[], object], *, rounds: int = 7) -> Ratio:
    """Return how fast `function` is beside `unit`, which does the least work possible."""
    function()
    before = _seconds(unit)
    found: list[float] = []
    cpu, wall = cpu_seconds(), time.perf_counter()
    for _ in range(rounds):
        own = _seconds(function)
        after = _seconds(unit)
        found.append((before + after) / 2 / own)
        before = after
    noise = (cpu_seconds() - cpu) / (time.perf_counter() - wall)
    low, _, high = quantiles(found, n=4)
    return Ratio(median(found), low, high, noise)


def _seconds(function: Callable[[], object]) -> float:
    start = cpu_seconds()
    function()
    return cpu_seconds() - start


def child(code: str, *arguments: str) -> tuple[float, float]:
    """Run Python code in a process of its own; return its CPU seconds and peak MiB.

    The code sees `arguments` as ``sys.argv[1:]``.
    """
    wrapped = (
        "import resource, sys\n"
        f"exec(compile({code!r}, 'benchmark', 'exec'))\n"
        "own = resource.getrusage(resource.RUSAGE_SELF)\n"
        "kids = resource.getrusage(resource.RUSAGE_CHILDREN)\n"
        "cpu = own.ru_utime + own.ru_stime + kids.ru_utime + kids.ru_stime\n"
        "sys.stderr.write(f'\\nMEASURED {cpu} {max(own.ru_maxrss, kids.ru_maxrss) / 1024}\\n')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", wrapped, *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    _, cpu, peak = done.stderr.strip().splitlines()[-1].split()
    return float(cpu), float(peak)


def write_results(
    name: str, rows: Sequence[tuple[str, str, str]], *, packages: Sequence[str], note: str = ""
) -> None:
    """Write ``RESULTS-<name>.md``: (what, figure, aim) rows, versions, cores and the date."""
    versions = ", ".join(f"{package} {version(package)}" for package in packages)
    cores = len(os.sched_getaffinity(0))
    lines = [
        f"# {name}",
        "",
        f"{time.strftime('%Y-%m-%d', time.gmtime())}; {cores} cores, {platform.machine()}, "
        f"Python {platform.python_version()}; {versions}.",
        *([note] if note else []),
        "",
        "| what | figure | aim |",
        "| --- | --- | --- |",
        *(f"| {what} | {figure} | {aim} |" for what, figure, aim in rows),
        "",
    ]
    (HERE / f"RESULTS-{name}.md").write_text("\n".join(lines), encoding="utf-8")
