"""``prefdata judge``: the text checks on given English and Japanese texts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from prefdata.core.errors import InputError
    from prefdata.filters.cases import Case, CaseVerdict


@click.command()
@click.argument("cases", type=click.Path(path_type=Path, allow_dash=True))
@click.option(
    "--profile",
    type=click.Choice(["strict", "default", "lenient"]),
    default="default",
    show_default=True,
    help="Which limits hold.",
)
@click.option("--no-repair", "raw", is_flag=True, help="Judge the raw text.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def judge(cases: Path, profile: str, raw: bool, as_json: bool) -> int:
    """Judge the texts in CASES, one JSON object a line: id, en, ja, level, source_kind.

    Level is segment, conversation (a transcript in hh-rlhf's layout) or pair, which also has side,
    other_en and other_ja. Exit code 2 if a line is malformed; the others are judged all the same.

    \b
    Examples:
      prefdata judge cases.jsonl
      echo '{"id": "1", "en": "Hello.", "ja": "Hello."}' | prefdata judge - --json
    """
    from prefdata.cli.terminal import print_json
    from prefdata.filters.cases import CaseJudge
    from prefdata.filters.judge import Judge
    from prefdata.text.limits import Limits

    judge_case = CaseJudge(Judge(Limits(profile)), repairs=not raw)
    rows: list[list[Any]] = []
    malformed = 0
    for case in _read(cases):
        if isinstance(case, Exception):
            malformed += 1
            click.echo(f"error: {case}", err=True)
            continue
        verdict = judge_case(case)
        if as_json:
            print_json(verdict.to_json())
        else:
            rows.append(_row(verdict))
    if not as_json:
        _print(rows)
    return 2 if malformed else 0


def _read(path: Path) -> Iterator[Case | InputError]:
    """Yield a case or what is wrong with its line; blank lines are none."""
    import json

    from prefdata.core.errors import InputError
    from prefdata.filters.cases import read_case

    try:
        with click.open_file(str(path), "rb") as file:
            for number, line in enumerate(file, 1):
                if not line.strip():
                    continue
                where = f"{path}:{number}"
                try:
                    yield read_case(json.loads(line), where)
                except (ValueError, RecursionError) as error:
                    yield InputError(f"not a JSON object: {error}", where)
                except InputError as error:
                    yield error
    except OSError as error:
        raise InputError(f"cannot read the cases: {error.strerror}", str(path)) from error


def _row(verdict: CaseVerdict) -> list[Any]:
    first = next((f for f in verdict.findings if f.action == "drop"), None)
    return [
        verdict.id,
        "drop" if verdict.reasons else "keep",
        ", ".join(verdict.reasons),
        ", ".join(verdict.flags),
        first.measured if first else None,
        first.limit if first else None,
        first.detail if first else "",
    ]


def _print(rows: list[list[Any]]) -> None:
    from prefdata.cli.terminal import print_table

    print_table(["id", "verdict", "reasons", "flags", "measured", "limit", "seen"], rows)
    dropped = sum(row[1] == "drop" for row in rows)
    click.echo(f"{len(rows):,} judged, {len(rows) - dropped:,} kept, {dropped:,} dropped")
