"""``prefdata preview``: a few records through every step, side by side; nothing is written."""

from __future__ import annotations

import click


@click.command()
@click.argument("pipeline")
@click.option(
    "-n", "count", type=click.IntRange(min=1), default=5, show_default=True,
    help="Records of each source.",
)  # fmt: skip
@click.option("--set", "overrides", multiple=True, metavar="PATH=VALUE", help="Change a setting.")
@click.option("--json", "as_json", is_flag=True, help="JSON Lines.")
def preview(pipeline: str, count: int, overrides: tuple[str, ...], as_json: bool) -> None:
    """Take a few records of PIPELINE through every step and show what becomes of them.

    Nothing is written; a real translator is asked anew for these few.

    \b
    Examples:
      prefdata preview quickstart -n 2
      prefdata preview my.yaml --set stages.translate.translator=fake
    """
    from prefdata.cli.side_by_side import finding_text, print_record, record_json
    from prefdata.cli.terminal import print_json
    from prefdata.pipeline.build import plan_pipeline
    from prefdata.pipeline.preview import preview as run_preview

    for found in run_preview(plan_pipeline(pipeline, overrides=overrides), count):
        reasons = list(found.drop.reasons) if found.drop else []
        if as_json:
            row = {"source": found.source, "step": found.step, "reasons": reasons}
            print_json({**row, "record": record_json(found.record)})
            continue
        print_record(found.record, title=f"[{found.source}]")
        if found.drop:
            click.echo(f"  dropped by {found.step}:")
            for finding in found.drop.findings:
                if finding.action == "drop":
                    click.echo(f"    {finding_text(finding)}")
        else:
            click.echo("  kept")
        click.echo()
