"""``prefdata plan``: what would run, what it costs, what may be released; nothing is run."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import click

EXAMPLES = """\b
Examples:
  prefdata plan quickstart
  prefdata plan pipelines/open_preference.yaml --set stages.license_gate.gate=exclude
"""


@click.command(epilog=EXAMPLES)
@click.argument("pipeline")
@click.option("--out", type=click.Path(path_type=Path), help="Build folder [data/build/NAME].")
@click.option("--limit", type=int, help="At most N records of each source.")
@click.option("--set", "overrides", multiple=True, metavar="PATH=VALUE", help="Change a setting.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def plan(
    pipeline: str, out: Path | None, limit: int | None, overrides: tuple[str, ...], as_json: bool
) -> int:
    """Say what PIPELINE would run, what is done already, what it costs and what may be released.

    Licenses are decided here, before any GPU time: exit code 3 if a license denies the release,
    4 if a person must decide first, 2 if a file or a model is not there, 0 if nothing stands in the
    way. Packages that are not installed are named; planning does without them.
    """
    from prefdata.cli.progress import listening
    from prefdata.cli.terminal import print_json
    from prefdata.pipeline.build import plan_pipeline
    from prefdata.pipeline.forecast import forecast

    with listening(as_json=as_json) as listen:
        planned = plan_pipeline(pipeline, out=out, limit=limit, overrides=overrides, listen=listen)
        found = forecast(planned)
    if as_json:
        print_json(found)
    else:
        _print(found)
    code: int = found["exit_code"]
    return code


def _print(found: dict[str, Any]) -> None:
    from prefdata.cli.terminal import print_table

    _print_sources(found["sources"])
    print_table(
        ["step", "component", "done", "key"],
        [(row["id"], row["use"], row["done"], row["key"][:8]) for row in found["steps"]],
    )
    _print_uses(found["uses"])
    _print_lacking(found["lacks"])
    if found["translate"]:
        click.echo()
        _print_translation(found["translate"])
    click.echo(f"\n{_conclusion(found)}")


def _print_sources(sources: list[dict[str, Any]]) -> None:
    """Print what licenses say of each source; nothing for a pipeline over a finished release."""
    from prefdata.cli.terminal import print_table

    if not sources:
        return
    print_table(
        ["source", "records", "verdict", "reasons"],
        [(row["id"], row["records"], row["verdict"], ", ".join(row["reasons"])) for row in sources],
    )
    for row in sources:
        _print_unlocks(row["id"], row["unlock"])
    click.echo()


def _print_uses(uses: list[dict[str, Any]]) -> None:
    """Print what licenses say of training, step by step."""
    from prefdata.cli.terminal import print_table

    if uses:
        click.echo()
        print_table(["trained by", "verdict"], [(row["id"], row["verdict"]) for row in uses])
    for row in uses:
        _print_listed(f"\n{row['id']} would stop the build:", row["reasons"])


def _print_lacking(lacks: list[dict[str, Any]]) -> None:
    """Print what must be installed, built or fetched first."""
    lines = [
        f"{row['id']}: " + "; ".join(filter(None, (row["what"], row["where"], row["fix"])))
        for row in lacks
    ]
    _print_listed("\nNot there yet:", lines)


def _print_unlocks(source: str, unlocks: list[str]) -> None:
    """Print what would free a source."""
    _print_listed(f"\n{source} is kept back:", unlocks)


def _print_listed(title: str, lines: list[str]) -> None:
    """Print lines under a title, wrapped to the terminal; nothing without lines."""
    if lines:
        click.echo(title)
    width = shutil.get_terminal_size().columns
    for line in lines:
        click.echo(click.wrap_text(line, width, "  ", "      "))


def _conclusion(found: dict[str, Any]) -> str:
    """Say in one sentence what a build would end with."""
    if found["exit_code"] == 2:
        return "Something is not there: a build would stop with exit code 2."
    if found["exit_code"] == 3:
        return "A license denies what is asked: a build would stop with exit code 3."
    if found["exit_code"] == 4:
        return "A person must decide first: a build would stop with exit code 4."
    out = [row["id"] for row in found["sources"] if row["verdict"] in ("deny", "review")]
    if out:
        return f"The gate keeps out {', '.join(out)}; the rest may be released."
    if any(row["is_extra"] for row in found["lacks"]):
        return "Licenses and files are in order; install what is missing to build."
    return "Nothing stands in the way of a release."


MEANINGS = {
    "nodes": "turns with text, as the records hold them",
    "distinct": "distinct turns in their dialogue: each is translated once",
    "hits": "of these in the translation memory",
    "to_send": "left to translate",
    "source_tokens": "English tokens in these",
    "context_tokens": "tokens of earlier turns shown with them (a prefix cache spares most)",
    "target_tokens": "Japanese tokens expected",
    "tokens_each": "tokens that a request holds, the constant prompt apart",
    "at_once": "requests at once (max_num_seqs)",
    "hours": "hours",
}


def _print_translation(estimate: dict[str, Any]) -> None:
    from prefdata.cli.terminal import print_table

    rows = [(MEANINGS.get(name, name), value) for name, value in estimate.items()]
    print_table(["translation", ""], rows)
    if estimate.get("hours") is None:
        click.echo("Hours need a throughput: prefdata doctor --bench, or --set")
        click.echo("stages.translate.tokens_per_second=NUMBER")
