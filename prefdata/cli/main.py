"""The group of commands; a command's module is imported when it is asked for."""

from __future__ import annotations

import io
import os
import sys
from importlib import import_module

import click

from prefdata import __version__
from prefdata.allocators import frugal_arrow

# name → (module:function, line for --help). Nothing else is known before a command is used.
COMMANDS: dict[str, tuple[str, str]] = {
    "build": ("prefdata.cli.build:build", "Run a pipeline; done steps are not run again."),
    "plan": ("prefdata.cli.plan:plan", "Say what a pipeline would do, cost and may release."),
    "check": ("prefdata.cli.check:check", "Read a pipeline file and name every mistake."),
    "preview": ("prefdata.cli.preview:preview", "Take a few records through every step."),
    "show": ("prefdata.cli.show:show", "Look into a build, a release or a step."),
    "drops": ("prefdata.cli.drops:drops", "List what was dropped, the value and the limit."),
    "calibrate": ("prefdata.cli.calibrate:calibrate", "Compare text features with a reference."),
    "sheet": ("prefdata.cli.sheet:sheet", "Drops as a CSV sheet; corrections come back."),
    "judge": ("prefdata.cli.judge:judge", "Run the text checks on given texts."),
    "score": ("prefdata.cli.score:score", "Give rewards to texts or pairs."),
    "licenses": ("prefdata.cli.licenses:licenses", "Check the registry, decide, explain."),
    "audit": ("prefdata.cli.audit:audit", "Verify a release, sample it for people, score."),
    "rebuild": ("prefdata.cli.rebuild:rebuild", "Make a pointer release whole from a copy."),
    "diff": ("prefdata.cli.diff:diff", "Compare two releases: what changed, and why."),
    "report": ("prefdata.cli.report:report", "Write a run as one HTML page."),
    "push": ("prefdata.cli.push:push", "Upload a release or a model to the hub."),
    "components": ("prefdata.cli.components:components", "List sources, stages, filters, …"),
    "memory": ("prefdata.cli.memory:memory", "Translation memory: import, export, stats."),
    "doctor": ("prefdata.cli.doctor:doctor", "Say what this machine can do and what it lacks."),
}


class LazyGroup(click.Group):
    """A group that knows its commands by name and imports them one at a time."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        if cmd_name not in COMMANDS:
            return None
        module, _, function = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), function)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list without importing any command."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Offer the nearest name for an unknown command."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from prefdata.core.errors import UsageError, nearest

            raise UsageError(f"unknown command {args[0]!r}", fix=nearest(args[0], list(COMMANDS)))
        return super().resolve_command(ctx, args)


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="prefdata")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def cli(debug: bool) -> None:
    """Build Japanese preference data with clean licenses.

    \b
    Try:  prefdata build quickstart
          prefdata plan pipelines/open_preference.yaml
    """


def main() -> None:
    """Run the command line and exit with the code of `contract`: 0 done, 2 usage, 3 denied, …"""
    frugal_arrow()
    for stream in (sys.stdout, sys.stderr):  # half a character is shown as \\ud83d, as JSON has it
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    code = run(sys.argv[1:])
    try:
        sys.stdout.flush()
    except BrokenPipeError:  # `prefdata show … | head`: what is left to say goes nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """Run one command and return its exit code; errors go to stderr, in three lines."""
    debug = "--debug" in arguments
    try:
        result = cli.main(
            [a for a in arguments if a != "--debug"], prog_name="prefdata", standalone_mode=False
        )
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return 2
    except SystemExit:  # click's answer to a closed pipe; nothing else here exits
        return 0
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted; run the same command again to go on", err=True)
        return 130
    except Exception as error:
        from prefdata.cli.terminal import exit_code_of

        if debug:
            raise
        return exit_code_of(error)
    return result if isinstance(result, int) else 0
