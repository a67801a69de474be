"""``prefdata build``: run a pipeline and say what came out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from prefdata.pipeline.build import Built

EXAMPLES = """\b
Examples:
  prefdata build quickstart
  prefdata build pipelines/hh_rlhf.yaml --limit 100
  prefdata build my.yaml --set stages.translate.translator.model=my/model
"""


@click.command(epilog=EXAMPLES)
@click.argument("pipeline")
@click.option("--out", type=click.Path(path_type=Path), help="Build folder [data/build/NAME].")
@click.option("--limit", type=int, help="At most N records of each source, into trial/.")
@click.option("--engine", help="local, ray or a plug-in [the pipeline's, else local].")
@click.option(
    "--workers", type=click.IntRange(min=0), default=0, help="Processes [one for each core]."
)
@click.option("--set", "overrides", multiple=True, metavar="PATH=VALUE", help="Change a setting.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document; events on stderr.")
def build(
    pipeline: str,
    out: Path | None,
    limit: int | None,
    engine: str | None,
    workers: int,
    overrides: tuple[str, ...],
    as_json: bool,
) -> None:
    """Run PIPELINE, a YAML file or a shipped pipeline's name (quickstart).

    What is done already is not done again: after an interruption the same command goes on.
    """
    from prefdata.cli.progress import listening
    from prefdata.pipeline.build import build_pipeline

    with listening(as_json=as_json) as listen:
        built = build_pipeline(
            pipeline,
            engine=engine,
            workers=workers,
            out=out,
            limit=limit,
            overrides=overrides,
            listen=listen,
        )
    if as_json:
        _print_json(built)
    else:
        _print(built, pipeline)


def _print_json(built: Built) -> None:
    from prefdata.cli.terminal import print_json

    print_json(
        {
            "name": built.plan.name,
            "out": str(built.plan.out),
            "release": str(built.release) if built.release else None,
            "ran": [step.id for step in built.ran],
            "steps": built.funnel(),
        }
    )


def _print(built: Built, pipeline: str) -> None:
    from prefdata.cli.terminal import print_table

    if not built.ran:
        click.echo(f"{built.plan.name}: everything is done already; nothing was run.\n")
    rows = [
        (row["id"], row["in"], row["kept"], row["dropped"], _reasons(row["reasons"]))
        for row in built.funnel()
    ]
    print_table(["step", "in", "kept", "dropped", "reasons"], rows)
    if built.release is None:
        click.echo(f"\nThe build is in {built.plan.out}")
        return
    click.echo(f"\nThe release is in {built.release}")
    click.echo("\nNext:")
    tips = [
        (f"prefdata show {built.release}", "records side by side"),
        (f"prefdata drops {built.plan.out}", "what was dropped, and why"),
    ]
    if pipeline == "quickstart" or built.plan.name == "quickstart":
        tips.append(
            ("prefdata plan hh_rlhf", "the same road with a real model: what it would take")
        )
    for command, meaning in tips:
        click.echo(f"  {command}\n      {meaning}")


def _reasons(reasons: dict[str, int]) -> str:
    return "\n".join(f"{code} {n:,}" for code, n in reasons.items())
