"""How errors, tables and progress look: results to stdout, everything else to stderr."""

from __future__ import annotations

import json
import traceback
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

import click

from prefdata import __version__
from prefdata.core.errors import PrefdataError, nearest

if TYPE_CHECKING:
    from pathlib import Path


_UNBROKEN: Final = 32  # columns of a word, such as a reason code, that a table keeps whole


def exit_code_of(error: Exception) -> int:
    """Write an error to stderr and return its exit code; 1 and a traceback for a bug."""
    if isinstance(error, PrefdataError):
        click.echo(f"error: {error}", err=True)
        return error.exit_code
    if isinstance(error, BrokenPipeError):  # `prefdata show … | head`
        return 0
    click.echo("".join(traceback.format_exception(error)), err=True)
    click.echo(
        f"This is a bug in prefdata {__version__}. Please report it with the text above.", err=True
    )
    return 1


def print_json(value: Any) -> None:
    """Print one JSON document, real characters, one line."""
    click.echo(json.dumps(value, ensure_ascii=False))


def print_terms_needed(human: str) -> None:
    """Say what a person's corrections need before they may be published."""
    click.echo(
        f"Say under what terms {human} works, or the license gate keeps these records back:\n"
        "'People who translate or correct' in licenses/README.md shows the entry."
    )


def nothing_dropped(path: Path, reason: str | None) -> str:
    """Say that there is no drop, and with a reason which ones there are."""
    from prefdata.filters.dropped import dropped

    if reason is None:
        return "Nothing was dropped."
    known = {code for row in dropped(path) for code in row.reasons}
    return f"Nothing was dropped for {reason!r}; {nearest(reason, [*known])}"


def print_table(headers: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print a plain table; numbers to the right, Japanese at its real width."""
    from rich.console import Console
    from rich.table import Table

    console = Console(soft_wrap=False, highlight=False)
    table = Table(box=None, pad_edge=False, header_style="bold")
    rows = [list(row) for row in rows]
    cells = [[cell(value) for value in row] for row in rows]
    columns = [[header, *(row[n] for row in cells)] for n, header in enumerate(headers)]
    widths = _widths(columns, console.width - 2 * (len(headers) - 1))
    for n, header in enumerate(headers):
        values = [row[n] for row in rows if row[n] is not None]
        numeric = bool(values) and all(isinstance(value, (int, float)) for value in values)
        justify: Literal["left", "right"] = "right" if numeric else "left"
        table.add_column(header, justify=justify, overflow="fold", width=widths[n])
    for row in cells:
        table.add_row(*row)
    console.width = max(console.width, sum(widths) + 2 * (len(widths) - 1))
    console.print(table)


def _widths(columns: Sequence[Sequence[str]], room: int) -> list[int]:
    """Return how wide each column is: what has most to spare gives way, words stay whole."""
    from rich.cells import cell_len

    least = [
        max(min(cell_len(w), _UNBROKEN) for text in c for w in text.split() or [""])
        for c in columns
    ]
    widths = [min(max(map(cell_len, c)), max(room, n)) for c, n in zip(columns, least, strict=True)]
    while sum(widths) > room:
        spare, widest = max(
            (w - n, place) for place, (w, n) in enumerate(zip(widths, least, strict=True))
        )
        if not spare:
            break
        widths[widest] -= 1
    return widths


def cell(value: Any) -> str:
    """Return a value as a table shows it: thousands separated, None as a dash."""
    from rich.markup import escape

    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return escape(str(value))
