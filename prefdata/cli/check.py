"""``prefdata check``: the pipeline file alone, every mistake at once."""

from __future__ import annotations

import click


@click.command()
@click.argument("pipeline")
@click.option("--set", "overrides", multiple=True, metavar="PATH=VALUE", help="Change a setting.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def check(pipeline: str, overrides: tuple[str, ...], as_json: bool) -> int:
    """Read PIPELINE and name every mistake, each with its line and the nearest known name.

    Data files, models and licenses are not looked at: `prefdata plan` does that.

    \b
    Examples:
      prefdata check pipelines/open_preference.yaml
      prefdata check my.yaml --set stages.filter.profile=strict
    """
    from prefdata.cli.terminal import print_json
    from prefdata.config.load import load_pipeline
    from prefdata.core.errors import ConfigError, ConfigErrors

    try:
        config = load_pipeline(pipeline, overrides)
    except ConfigError as error:
        if not as_json:
            raise
        mistakes = error.mistakes if isinstance(error, ConfigErrors) else [error]
        rows = [{"what": m.what, "where": m.where, "fix": m.fix} for m in mistakes]
        print_json({"ok": False, "mistakes": rows})
        return error.exit_code
    steps = [step.id for step in (*config.sources, *config.stages)]
    if as_json:
        print_json({"ok": True, "name": config.frame.name, "steps": steps})
    else:
        click.echo(f"{config.frame.name}: no mistakes. {' → '.join(steps)}")
    return 0
