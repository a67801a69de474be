"""``prefdata sheet``: a CSV sheet for a person, and the corrections back into the memory."""

from __future__ import annotations

from pathlib import Path

import click


@click.group()
def sheet() -> None:
    """Write drops or a sample as a CSV sheet; take a person's corrections back.

    \b
    Examples:
      prefdata sheet export data/build/quickstart drops.csv --reason truncated
      prefdata sheet import drops.csv --human "Acme translation team"
    """


@sheet.command("export")
@click.argument("path", type=click.Path(path_type=Path))
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--reason", metavar="CODE", help="Only drops with this reason.")
@click.option("--sample", type=click.IntRange(min=1), help="So many kept records instead of drops.")
def export_(path: Path, file: Path, reason: str | None, sample: int | None) -> None:
    """Write the turns behind the drops of PATH to FILE, one a row.

    Fill in the column 'corrected' where the Japanese should be another; leave the rest as it is. A
    text that a spreadsheet would take for a formula or a number stands behind an apostrophe.
    """
    from prefdata.cli.terminal import nothing_dropped
    from prefdata.core.errors import UsageError
    from prefdata.filters.sheet import dropped_rows, sampled_rows, write_sheet

    if reason and sample:
        raise UsageError("kept records have no reason", fix="give --reason or --sample")
    rows = sampled_rows(path, sample) if sample else dropped_rows(path, reason)
    count = write_sheet(file, rows)
    if reason and not count:
        click.echo(nothing_dropped(path, reason), err=True)
    click.echo(f"{count:,} rows in {file}; fill in 'corrected', then: prefdata sheet import {file}")


@sheet.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--human", required=True, metavar="NAME", help="Who corrected; stands in the lineage."
)
@click.option(
    "--cache",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("data/cache"),
    show_default=True,
    help="The folder of the memory.",
)
def import_(file: Path, human: str, cache: Path) -> None:
    """Take the filled-in rows of FILE into the translation memory as a person's corrections.

    They win over every translator from the next build on.
    """
    import json
    from tempfile import TemporaryDirectory

    from prefdata.cli.terminal import print_terms_needed
    from prefdata.core.stage import Context
    from prefdata.filters.sheet import corrections
    from prefdata.translate.exchange import import_memory
    from prefdata.translate.shared import open_memory

    rows = [json.dumps(row, ensure_ascii=False) + "\n" for row in corrections(file)]
    with TemporaryDirectory() as folder, open_memory(Context(cache=cache)) as memory:
        path = Path(folder) / "corrections.jsonl"
        path.write_text("".join(rows), encoding="utf-8")
        count = import_memory(memory, path, human=human)
    click.echo(f"{count:,} corrections by {human} in {cache}")
    print_terms_needed(human)
