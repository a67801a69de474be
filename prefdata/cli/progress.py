"""Progress of a build: a live view on a terminal, a line every ten seconds elsewhere, or JSON."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import click

from prefdata.core.stage import Event

EVERY = 10.0  # seconds between lines where there is no terminal
FRAME = 0.1  # seconds between two pictures on a terminal
BAR = 24


@contextmanager
def listening(*, as_json: bool) -> Iterator[Callable[[Event], None]]:
    """Give the listener that suits where stderr goes, and leave the terminal as it was."""
    if as_json:
        yield _print_event
        return
    view = Live() if sys.stderr.isatty() else Lines()
    try:
        yield view
    finally:
        view.stop()


def _print_event(event: Event) -> None:
    row = {"event": event.kind, "step": event.step, **event.data}
    click.echo(json.dumps(row, ensure_ascii=False, default=str), err=True)


class Step:
    """What is known of the step under way; repeated requests are counted, not told one by one."""

    def __init__(self) -> None:
        self.name = ""
        self.data: dict[str, Any] = {}
        self._asked_again = 0

    def takes(self, event: Event) -> bool:
        """Note an event that changes the picture; False for one that is a message by itself."""
        if event.kind not in ("start", "progress", "retry"):
            self._begin("")
            return False
        if event.kind == "start" or event.step != self.name:
            self._begin(event.step)
        if event.kind == "progress":
            self.data = {**self.data, **event.data}
        elif event.kind == "retry":
            self._asked_again += 1
            told = f"{self._asked_again:,} times ({event.data['reason']})"
            self.data = {**self.data, "asked_again": told}
        return True

    def _begin(self, name: str) -> None:
        self.name, self.data, self._asked_again = name, {}, 0


class Lines:
    """Prints the end of every step and, while one is under way, a line every ten seconds.

    A thread keeps the time: a model that loads, or a server that is silent, sends no events.
    """

    def __init__(self, every: float = EVERY) -> None:
        self.step = Step()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._keep_time, args=(every,), daemon=True)
        self._thread.start()

    def __call__(self, event: Event) -> None:
        """Take in one event."""
        if not self.step.takes(event):
            click.echo(message(event), err=True)

    def _keep_time(self, every: float) -> None:
        while not self._stopped.wait(every):
            name, data = self.step.name, self.step.data
            if name:
                click.echo(f"{name}: {', '.join(phrases(data)) or 'under way'}", err=True)

    def stop(self) -> None:
        """Print no more."""
        self._stopped.set()
        self._thread.join()


class Live:
    """A bar with figures below it, drawn anew until the step is done."""

    def __init__(self) -> None:
        from rich.console import Console

        self.last = 0.0
        self.step = Step()
        self.console = Console(stderr=True, highlight=False)
        self.picture: Any = None

    def __call__(self, event: Event) -> None:
        """Show one event."""
        if not self.step.takes(event):
            self.stop()
            click.echo(message(event), err=True)
        elif event.kind == "start" or time.monotonic() - self.last >= FRAME:
            self.last = time.monotonic()
            self._draw(drawn(self.step.name, self.step.data))

    def _draw(self, picture: Any) -> None:
        from rich.live import Live as Picture

        if self.picture is None:
            # A new one for every step: an old one would wipe the lines printed since it stopped.
            self.picture = Picture(console=self.console, auto_refresh=False, transient=True)
            self.picture.start()
        self.picture.update(picture, refresh=True)

    def stop(self) -> None:
        """Take the picture away and show the cursor again."""
        if self.picture is not None:
            self.picture.stop()
            self.picture = None


def drawn(name: str, data: Mapping[str, Any]) -> Any:
    """Return a step as rich draws it: a bar where its share is known, and its figures."""
    from rich.console import Group
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    if not data:
        return Text(f"{name} …")
    figures = " · ".join(phrases(data))
    if "share" not in data:
        return Text(f"{name}: {figures}")
    head = Table.grid(padding=(0, 1))
    bar = ProgressBar(total=1.0, completed=data["share"], width=BAR)
    head.add_row(name, bar, f"{data['share']:.0%}")
    return Group(head, Text(figures, style="dim"))


def phrases(data: Mapping[str, Any]) -> Iterator[str]:
    """Yield figures in words; those of a translation in the order of their worth."""
    if "shards" in data:
        yield f"{data['shards']:,} of {data['shards_of']:,} shards"
        return
    if "share" not in data:
        yield from (f"{name.replace('_', ' ')} {_figure(value)}" for name, value in data.items())
        return
    yield f"{data['records']:,} of {data['records_of']:,} records"
    yield f"{data['nodes']:,} nodes ({data['share']:.0%})"
    if data["seconds_left"] is not None:
        yield f"{_duration(data['seconds_left'])} left"
    yield f"{data['tokens_per_second']:,.0f} tokens/s"
    yield f"{data['hits']:,} hits"
    yield f"{data['retries']:,} retries"
    if "asked_again" in data:
        yield f"server asked again {data['asked_again']}"
    if data["drops"]:
        yield "dropped: " + ", ".join(f"{code} {n:,}" for code, n in data["drops"].items())


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}"


def _figure(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.4g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def message(event: Event) -> str:
    """Return ``filter: 17,431 in, 16,902 kept, 529 dropped (pair_collapsed 301, …)``."""
    counts = event.data.get("counts")
    if event.kind != "done":
        told = ", ".join(f"{name} {_figure(value)}" for name, value in event.data.items())
        return f"{event.step}: {event.kind}: {event.data.get('why', told)}"
    if not counts:
        return f"{event.step}: done"
    text = f"{event.step}: {counts['in']:,} in, {counts['kept']:,} kept"
    if counts["dropped"]:
        reasons = ", ".join(f"{code} {n:,}" for code, n in list(counts["reasons"].items())[:6])
        more = "" if len(counts["reasons"]) <= 6 else ", …"
        text += f", {counts['dropped']:,} dropped ({reasons}{more})"
    return text
