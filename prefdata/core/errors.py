"""Every error a user can meet.

PrefdataError
├── UsageError            2  what was asked for makes no sense
│   ├── ConfigError       2  a pipeline file, a registry file or an option is wrong
│   ├── InputError        2  an input file is missing or is not what it should be
│   └── MissingExtra      2  an optional dependency is not installed
├── LicenseDenied         3  a license forbids what was asked for
├── LicenseReview         4  a person must decide first
├── IntegrityError        5  something on disk is not what its manifest says
├── GateFailed            6  a stage dropped too much, or a model missed a threshold
├── MonitorTripped        7  a training monitor stopped the run; the best checkpoint is kept
└── Interrupted         130  stopped by the user; the same command goes on

All take one positional text, so that they survive pickling between processes.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Self


class PrefdataError(Exception):
    """Say what is wrong, where, and how to fix it."""

    exit_code = 1

    def __init__(self, what: str, where: str = "", fix: str = "") -> None:
        super().__init__(what, where, fix)
        self.what = what
        self.where = where
        self.fix = fix

    def __str__(self) -> str:
        lines = [self.what]
        if self.where:
            lines.append(f"  where: {self.where}")
        if self.fix:
            lines.append(f"  fix:   {self.fix}")
        return "\n".join(lines)


class UsageError(PrefdataError):
    """What was asked for makes no sense."""

    exit_code = 2


class ConfigError(UsageError):
    """A pipeline file, a registry file or an option is wrong."""

    @classmethod
    def unknown(cls, kind: str, name: str, known: Sequence[str], *, where: str = "") -> Self:
        """Report an unknown name and offer the nearest known one."""
        return cls(f"unknown {kind} {name!r}", where, nearest(name, known))


class ConfigErrors(ConfigError):
    """Several mistakes, reported at once."""

    def __init__(self, mistakes: Sequence[UsageError]) -> None:
        Exception.__init__(self, list(mistakes))
        self.mistakes = list(mistakes)
        self.what = f"{len(self.mistakes)} mistakes"
        self.where = self.fix = ""

    def __str__(self) -> str:
        return "\n".join(str(mistake) for mistake in self.mistakes)


class InputError(UsageError):
    """An input file is missing or is not what it should be."""


class MissingExtra(UsageError):
    """An optional dependency is not installed."""

    @classmethod
    def needed(cls, package: str, *, by: str, extra: str) -> Self:
        """Name the missing package and the extra that brings it."""
        return cls(
            f"{by} needs {package!r}, which is not installed",
            fix=f"pip install 'prefdata[{extra}]'",
        )


class LicenseDenied(PrefdataError):
    """A license forbids what was asked for."""

    exit_code = 3


class LicenseReview(PrefdataError):
    """A person must decide first."""

    exit_code = 4


class IntegrityError(PrefdataError):
    """Something on disk is not what its manifest says."""

    exit_code = 5


class GateFailed(PrefdataError):
    """A stage dropped more than its allowed share, everything, or a model missed a threshold."""

    exit_code = 6


class MonitorTripped(PrefdataError):
    """A training monitor stopped the run; the best checkpoint is kept."""

    exit_code = 7


class Interrupted(PrefdataError):
    """The user stopped the run; the same command goes on."""

    exit_code = 130


def nearest(name: str, known: Sequence[str]) -> str:
    """Return a hint such as ``did you mean 'filter'? known: filter, relabel``."""
    listed = "known: " + ", ".join(sorted(known)) if known else "none is known"
    close = get_close_matches(name, known, n=1)
    return f"did you mean {close[0]!r}? {listed}" if close else listed
