"""``prefdata audit``: build a release's bundle anew, verify it, sample it for people, score."""

from __future__ import annotations

from pathlib import Path

import click


@click.group()
def audit() -> None:
    """Build or verify the audit bundle of a release; let people check samples of it.

    \b
    Examples:
      prefdata audit verify data/build/quickstart/release
      prefdata audit sample data/build/quickstart/release --n 59 --output sheet.csv
      prefdata audit score sheet.csv
    """


@audit.command()
@click.argument("release", type=click.Path(path_type=Path))
@click.option("--licenses", type=click.Path(path_type=Path), help="Your own registry.")
def build(release: Path, licenses: Path | None) -> None:
    """Write the bundle of a release anew; it must still lie in its build folder."""
    from prefdata.licensing.audit import rebuild_bundle

    bundle = rebuild_bundle(release, licenses)
    click.echo(f"{bundle.expression}; Merkle root {bundle.merkle_root}")


@audit.command()
@click.argument("release", type=click.Path(path_type=Path))
@click.option(
    "--source", "sources", multiple=True, type=click.Path(path_type=Path),
    help="A source file, to find each row's digest in; may be given several times.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def verify(release: Path, sources: tuple[Path, ...], as_json: bool) -> int:
    """Hash everything again and decide everything again.

    Ends with 5 if anything is not as the release says.
    """
    from prefdata.cli.terminal import print_json
    from prefdata.licensing.verify import MOST_NAMED
    from prefdata.licensing.verify import verify as verify_release

    found = verify_release(release)
    if sources:
        found.problems += _missing_rows(release, sources)
    if as_json:
        print_json(
            {
                "records": found.records,
                "problems": found.problems,
                "changes": found.changes,
                "exit_code": 5 if found.problems else 0,
            }
        )
        return 5 if found.problems else 0
    for change in found.changes[:MOST_NAMED]:
        click.echo(f"since then: {change}")
    found.refuse(release)
    click.echo(f"{release} is whole: {found.records:,} rows hashed and decided again")
    return 0


def _missing_rows(release: Path, sources: tuple[Path, ...]) -> list[str]:
    from prefdata.licensing.pointers import missing_rows
    from prefdata.sources.files import SourceFile
    from prefdata.sources.reader import Row, read_file

    digests = {
        row.digest
        for path in sources
        for row in read_file(SourceFile(path, path.name, "local", ""))
        if isinstance(row, Row)
    }
    return missing_rows(release, digests)


@audit.command()
@click.argument("release", type=click.Path(path_type=Path))
@click.option("-n", "--n", default=59, show_default=True, help="Records of each stratum.")
@click.option("--seed", default=0, show_default=True, help="The same seed, the same sample.")
@click.option("--stratify", default="", help="source, license, view, split; with commas.")
@click.option("--output", type=click.Path(path_type=Path), help="A CSV file; default: stdout.")
def sample(release: Path, n: int, seed: int, stratify: str, output: Path | None) -> None:
    """Draw records for a person to check, as a CSV sheet with an empty verdict.

    59 clean rows bound the error rate below 5 %, 299 below 1 % (95 %).
    """
    from prefdata.licensing.sampling import draw, worksheet
    from prefdata.store.files import write_text

    strata = [name.strip() for name in stratify.split(",") if name.strip()]
    text = worksheet(draw(release, n=n, seed=seed, stratify=strata))
    if output is None:
        click.echo(text, nl=False)
        return
    write_text(output, text)
    click.echo(f"{output}: write ok or error into the column 'verdict'", err=True)


@audit.command()
@click.argument("sheet", type=click.Path(path_type=Path))
@click.option("--confidence", default=0.95, show_default=True, help="Of the bounds.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def score(sheet: Path, confidence: float, as_json: bool) -> None:
    """Say what a filled sheet proves: exact bounds of the error rate, a stratum a line."""
    from dataclasses import asdict

    from prefdata.cli.terminal import print_json, print_table
    from prefdata.licensing.sampling import score as score_sheet

    bounds = score_sheet(sheet, confidence)
    if as_json:
        print_json({name: asdict(found) for name, found in bounds.items()})
        return
    print_table(
        ["stratum", "checked", "wrong", "at least", "at most"],
        [[name, b.n, b.wrong, f"{b.lower:.2%}", f"{b.upper:.2%}"] for name, b in bounds.items()],
    )
    click.echo()
    click.echo(f"each bound holds with {confidence:.0%} confidence (exact, Clopper-Pearson)")
