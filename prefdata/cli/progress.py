"""Progress of a build: a live view on a terminal, a line every ten seconds elsewhere, or JSON."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Callable
from typing import Any

import click

from prefdata.core.stage import Event

EVERY = 10.0  # seconds between lines where there is no terminal


def listener(*, as_json: bool) -> Callable[[Event], None]:
    """Return the listener that suits where stderr goes."""
    if as_json:
        return _print_event
    return Live() if sys.stderr.isatty() else Lines()


def _print_event(event: Event) -> None:
    row = {"event": event.kind, "step": event.step, **event.data}
    click.echo(json.dumps(row, ensure_ascii=False, default=str), err=True)


class Lines:
    """Prints the start and end of every step, and a line of progress now and then."""

    def __init__(self) -> None:
        self.last = time.monotonic()

    def __call__(self, event: Event) -> None:
        """Show one event."""
        now = time.monotonic()
        if event.kind not in ("start", "progress"):
            click.echo(message(event), err=True)
        elif event.kind == "progress" and now - self.last >= EVERY:
            self.last = now
            click.echo(f"{event.step}: {described(event.data)}", err=True)


class Live:
    """Rewrites one line of the terminal."""

    def __init__(self) -> None:
        self.last = 0.0

    def __call__(self, event: Event) -> None:
        """Show one event."""
        now = time.monotonic()
        if event.kind not in ("start", "progress"):
            click.echo(f"\r\x1b[K{message(event)}", err=True)
        elif event.kind == "start":
            click.echo(f"\r\x1b[K{event.step} …", err=True, nl=False)
        elif now - self.last >= 0.1:
            self.last = now
            width = shutil.get_terminal_size().columns - 1
            text = f"{event.step}: {described(event.data)}"
            click.echo(f"\r\x1b[K{text[:width]}", err=True, nl=False)


def described(data: Any) -> str:
    """Return figures as ``nodes 1,200, hits 300``."""
    return ", ".join(f"{name} {_figure(value)}" for name, value in data.items())


def _figure(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def message(event: Event) -> str:
    """Return ``filter: 17,431 in, 16,902 kept, 529 dropped (pair_collapsed 301, …)``."""
    counts = event.data.get("counts")
    if event.kind != "done":
        return f"{event.step}: {event.kind}: {event.data.get('why', described(event.data))}"
    if not counts:
        return f"{event.step}: done"
    text = f"{event.step}: {counts['in']:,} in, {counts['kept']:,} kept"
    if counts["dropped"]:
        reasons = ", ".join(f"{code} {n:,}" for code, n in list(counts["reasons"].items())[:6])
        more = "" if len(counts["reasons"]) <= 6 else ", …"
        text += f", {counts['dropped']:,} dropped ({reasons}{more})"
    return text
