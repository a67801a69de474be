"""``prefdata drops``: what was dropped, why, the measured value and the limit."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from shutil import get_terminal_size
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from prefdata.filters.dropped import Dropped

LINES = 2  # lines of a text under its drop; --json has all of it


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--reason", metavar="CODE", help="Only what has this reason.")
@click.option(
    "--sample", type=click.IntRange(min=1), help="So many of each reason, always the same."
)
@click.option(
    "--what-if",
    "changes",
    multiple=True,
    metavar="CODE=LIMIT",
    help="Decide again from what is stored: CODE.BAND=LIMIT, CODE+=STEP, CODE=flag, KIND/CODE=….",
)
@click.option("--json", "as_json", is_flag=True, help="JSON Lines.")
def drops(
    path: Path, reason: str | None, sample: int | None, changes: tuple[str, ...], as_json: bool
) -> None:
    """List what was dropped from PATH, a build folder or a step's folder in it.

    \b
    Examples:
      prefdata drops data/build/quickstart
      prefdata drops data/build/quickstart --reason truncated
      prefdata drops data/build/quickstart --what-if length_ratio_high.81+=1.2
      prefdata drops data/build/mine --what-if mistranslation.chrf=20 --what-if hh/omission=flag
    """
    from prefdata.cli.terminal import print_json
    from prefdata.core.errors import UsageError
    from prefdata.filters.dropped import dropped

    if changes and (reason or sample):
        raise UsageError(
            "--what-if counts every record", fix="leave --reason and --sample out beside it"
        )
    if changes:
        _what_if(path, changes, as_json)
        return
    rows = dropped(path, reason)
    if sample:
        rows = iter(_sampled(list(rows), sample))
    if as_json:
        for row in rows:
            print_json(row.to_json())
        return
    _print(list(rows), path, reason)


def _sampled(rows: list[Dropped], size: int) -> list[Dropped]:
    """Return so many rows of each root cause; which ones depends on nothing but their ids."""
    from prefdata.core.records import digest

    taken: Counter[str] = Counter()
    found = []
    for row in sorted(rows, key=lambda row: digest(row.id, row.row)):
        taken[row.reasons[0]] += 1
        if taken[row.reasons[0]] <= size:
            found.append(row)
    return sorted(found, key=lambda row: (row.step, row.reasons, row.id))


def _print(rows: list[Dropped], path: Path, reason: str | None) -> None:
    from prefdata.cli.terminal import nothing_dropped, print_table

    width = max(get_terminal_size().columns - 9, 20)
    for row in rows:
        measured = "" if row.measured is None else f"  measured {row.measured:g}"
        limit = "" if row.limit is None else f", limit {row.limit:g}"
        click.echo(
            f"{row.id[:12] or row.row}  {row.step}  {row.side}  {', '.join(row.reasons)}"
            f"{measured}{limit}"
        )
        for label, text in (("seen", row.detail), ("en", row.en), ("ja", row.ja)):
            if text:
                click.echo(f"    {label:4} {_short(text, width)}")
    if not rows:
        click.echo(nothing_dropped(path, reason))
        return
    counts = Counter((row.step, row.reasons[0]) for row in rows)
    click.echo()
    print_table(["step", "reason", "dropped"], [[*key, n] for key, n in sorted(counts.items())])
    click.echo(f"\nTry other limits:  prefdata drops {path} --what-if CODE=LIMIT")


def _short(text: str, width: int) -> str:
    """Return a text in two lines of the terminal; a long one keeps its end, where it may be cut."""
    from rich.cells import cell_len, chop_cells

    line = " ".join(text.split())
    if len(line) > LINES * width or cell_len(line) > LINES * width:
        first = chop_cells(line[:width], width - 2)[0]
        last = chop_cells(line[: -width - 1 : -1], width)[0][::-1]
        return f"{first} …\n{' ' * 9}{last}"
    return f"\n{' ' * 9}".join(chop_cells(line, width))


def _what_if(path: Path, changes: tuple[str, ...], as_json: bool) -> None:
    from prefdata.cli.terminal import print_json, print_table
    from prefdata.filters.what_if import what_if

    result = what_if(path, changes)
    if as_json:
        print_json(result.to_json())
        return
    codes = sorted({*result.before, *result.after})
    rows = [[code, result.before[code], result.after[code]] for code in codes]
    print_table(["reason", "now", "then"], rows)
    click.echo(
        f"kept: {result.kept_before:,} now, {result.kept_after:,} then "
        f"({len(result.newly_kept):,} come back, {len(result.newly_dropped):,} go)"
    )
    for title, ids in (("come back", result.newly_kept), ("go", result.newly_dropped)):
        if ids:
            more = f" and {len(ids) - 5:,} more" if len(ids) > 5 else ""
            click.echo(f"{title}: {', '.join(id_[:12] for id_ in ids[:5])}{more}")
