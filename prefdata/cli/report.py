"""``prefdata report``: a run as one HTML page."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--output", type=click.Path(path_type=Path), help="Default: report.html beside PATH.")
@click.option("--open", "open_it", is_flag=True, help="Open it in the browser.")
def report(path: Path, output: Path | None, open_it: bool) -> None:
    """Write one self-contained HTML page about a build folder or a release.

    \b
    Examples:
      prefdata report data/build/quickstart --open
      prefdata report my-release --output report.html
    """
    from prefdata.publish.report import report as page
    from prefdata.store.files import write_text

    text = page(path)
    # Beside a release, not in it: its manifest lists every file.
    target = output or (path if (path / "build.json").is_file() else path.parent) / "report.html"
    write_text(target, text)
    click.echo(str(target))
    if open_it:
        click.launch(target.resolve().as_uri())
