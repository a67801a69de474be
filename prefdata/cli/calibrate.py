"""``prefdata calibrate``: percentiles of every text feature beside the reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("-n", "limit", type=click.IntRange(min=1), help="Only so many records.")
@click.option("--drift", is_flag=True, help="Compare the sides of the pairs instead.")
@click.option("--json", "as_json", is_flag=True, help="JSON Lines.")
def calibrate(path: Path, limit: int | None, drift: bool, as_json: bool) -> None:
    """Show how the texts of PATH compare with known translations, feature by feature.

    PATH is a build folder or a step's folder in it. Limits that fit the reference may not fit a
    model whose percentiles lie elsewhere: change them under `thresholds` of the filter stage.

    \b
    Examples:
      prefdata calibrate data/build/quickstart
      prefdata calibrate data/build/quickstart --drift
    """
    from prefdata.cli.terminal import print_json, print_table
    from prefdata.filters.calibrate import calibrate as measure

    if drift:
        _print_drift(path, as_json)
        return
    rows = measure(path, limit)
    if as_json:
        for row in rows:
            print_json(asdict(row))
        return
    print_table(
        ["feature", "texts", "here", "human", "LLM"],
        [[r.feature, r.texts, _shown(r.own), _shown(r.human), _shown(r.llm)] for r in rows],
    )
    click.echo("\nEach cell: percentiles 0.5, 50 and 99.5")


def _shown(values: Sequence[float | None] | None) -> str:
    if values is None:
        return "–"
    return " ".join("–" if value is None else f"{value:.2f}" for value in values)


def _change(before: float | None, after: float | None) -> str:
    from prefdata.cli.terminal import cell

    return "–" if before is None else f"{cell(before)} → {cell(after)}"


def _print_drift(path: Path, as_json: bool) -> None:
    """Show which side is dropped more, and what translation did to length and register."""
    from prefdata.cli.terminal import print_json, print_table
    from prefdata.filters.calibrate import last_step, records
    from prefdata.filters.drift import drift

    found = drift(records(path), last_step(path).drops())
    if as_json:
        print_json(found)
        return
    columns = ["english_characters", "japanese_characters", "polite_share"]
    rows = []
    for name, side in found["sides"].items():
        pairs = [(side["before"][column], side[column]) for column in columns]
        rows.append([name, side["dropped"], *(_change(*pair) for pair in pairs)])
    print_table(["side", "dropped for it", *(c.replace("_", " ") for c in columns)], rows)
    click.echo("\nEach cell: before filtering → after; characters are medians")
    margin = found["margin"]
    if not margin["pairs"]:
        return
    click.echo(
        f"median lead of the chosen side in characters: {margin['english']} in English, "
        f"{margin['japanese']} in Japanese; turned round in {margin['turned']:,} of "
        f"{margin['pairs']:,} pairs"
    )
