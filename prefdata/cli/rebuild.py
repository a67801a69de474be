"""``prefdata rebuild``: a pointer release made whole from one's own copy of the source."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("release", type=click.Path(path_type=Path))
@click.option(
    "--from", "copy", required=True, type=click.Path(path_type=Path),
    help="Your own copy of the source: a file or folder.",
)  # fmt: skip
@click.option(
    "--output", type=click.Path(path_type=Path),
    help="The Parquet file to write; default: rebuilt.parquet beside the release.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def rebuild(release: Path, copy: Path, output: Path | None, as_json: bool) -> None:
    """Find every listed row in your own copy, by its hash, and write the records whole.

    Ends with 5 if a row is missing or is another than the one that was listed.

    \b
    Examples:
      prefdata rebuild data/build/my/release --from copies/comparisons.jsonl
    """
    from prefdata.cli.terminal import print_json
    from prefdata.pipeline.rebuild import rebuild as make_whole

    done = make_whole(release, copy, output or release.absolute().parent / "rebuilt.parquet")
    if as_json:
        print_json({"records": done.records, "path": str(done.path)})
        return
    click.echo(f"{done.records:,} records made whole: {done.path}")
