"""``prefdata diff``: two releases compared."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from prefdata.publish.compare import Difference


@click.command()
@click.argument("a", type=click.Path(path_type=Path))
@click.argument("b", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def diff(a: Path, b: Path, as_json: bool) -> None:
    """Say which records came, went and changed from release A to release B, and why.

    \b
    Examples:
      prefdata diff data/build/my/release-1a2b3c4d data/build/my/release
    """
    from prefdata.cli.terminal import print_json
    from prefdata.publish.compare import compare

    found = compare(a, b)
    if as_json:
        print_json(_tree(found))
        return
    _print(found)


def _tree(found: Difference) -> dict[str, Any]:
    return {
        "same": found.same,
        "changes": [
            {"change": change, "source": source, "why": why, "records": count,
             "examples": found.examples[change, source, why]}
            for (change, source, why), count in sorted(found.changes.items())
        ],
        "licenses": {name: list(counts) for name, counts in found.licenses.items()},
        "reasons": {name: list(counts) for name, counts in found.reasons.items()},
        "steps": {
            name: {key: list(values) for key, values in fields.items()}
            for name, fields in found.steps.items()
        },
    }  # fmt: skip


def _print(found: Difference) -> None:
    from prefdata.cli.terminal import print_table

    click.echo(f"{found.same:,} pairs are the same")
    if found.changes:
        print_table(
            ["change", "source", "why", "pairs", "such as"],
            [
                (*place, count, found.examples[place][0][:12])
                for place, count in sorted(found.changes.items())
            ],
        )
    for title, counts in (("license", found.licenses), ("reason", found.reasons)):
        rows = [(name, a, b) for name, (a, b) in counts.items() if a != b]
        if rows:
            click.echo()
            print_table([title, "A", "B"], rows)
    settings = [
        (step, name, str(a), str(b))
        for step, fields in found.steps.items()
        for name, (a, b) in fields.items()
    ]
    if settings:
        click.echo()
        print_table(["step", "setting", "A", "B"], settings)
