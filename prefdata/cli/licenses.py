"""``prefdata licenses``: check the registry, decide cases, say why, what if, what has drifted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click


@click.group()
def licenses() -> None:
    """Check the license registry, decide cases, explain a release.

    \b
    Examples:
      prefdata licenses check
      prefdata licenses decide --case cases.jsonl --json
      prefdata licenses explain data/build/quickstart/release 9f3c
    """


@licenses.command()
@click.option("--licenses", "folder", type=click.Path(path_type=Path), help="Your own registry.")
@click.option("--as-of", help="The day that ages count to (YYYY-MM-DD); default: today.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a finding.")
def check(folder: Path | None, as_of: str | None, as_json: bool) -> int:
    """Check schemas, hashes, clauses, ids, ages and decisions of the registry.

    Ends with 2 if anything is wrong. Old evidence is a warning; an expired decision is not.
    """
    from prefdata.cli.terminal import print_json
    from prefdata.licensing.registry import registry_of
    from prefdata.licensing.registry_check import check_registry

    findings = check_registry(registry_of(folder), _day(as_of))
    for finding in findings:
        if as_json:
            print_json(finding.as_tree())
        else:
            click.echo(f"{finding.level}: {finding.where}: {finding.what}")
    errors = sum(finding.level == "error" for finding in findings)
    click.echo(f"{errors} errors, {len(findings) - errors} warnings", err=True)
    return 2 if errors else 0


@licenses.command()
@click.option("--case", "path", required=True, type=click.Path(path_type=Path), help="The cases.")
@click.option("--licenses", "folder", type=click.Path(path_type=Path), help="Your own registry.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a case.")
def decide(path: Path, folder: Path | None, as_json: bool) -> int:
    """Decide cases: a JSON list, one object, or JSON Lines of {id, inputs, policy}.

    Ends with 0 whatever the verdicts; 2 if a case is malformed.
    """
    from prefdata.cli.terminal import print_json, print_table
    from prefdata.licensing.case_files import decide_all, read_cases
    from prefdata.licensing.registry import registry_of

    judged = decide_all(read_cases(path), registry_of(folder).book)
    rows = []
    malformed = 0
    for tree, error in judged:
        if error:
            malformed += 1
            click.echo(f"error: {error}", err=True)
        elif as_json:
            print_json(tree)
        else:
            rows.append([tree["id"], tree["verdict"], ", ".join(tree["reasons"]),
                         tree["expression"], tree["exit_code"]])  # fmt: skip
    if rows:
        print_table(["case", "verdict", "reasons", "expression", "exit code"], rows)
    return 2 if malformed else 0


@licenses.command()
@click.argument("release", type=click.Path(path_type=Path))
@click.argument("record")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def explain(release: Path, record: str, as_json: bool) -> None:
    """Say in plain sentences why a record carries its license."""
    from prefdata.cli.terminal import print_json
    from prefdata.licensing.explain import explain_record

    told = explain_record(release, record)
    if as_json:
        print_json(told)
        return
    for sentence in told["sentences"]:
        click.echo(sentence)


@licenses.command()
@click.argument("release", type=click.Path(path_type=Path))
@click.option("--policy", "name", required=True, help="A preset, or a policy file.")
@click.option("--target", help="train_local, publish_dataset or publish_model.")
@click.option("--outbound", help="The license of the release, or per-record.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def whatif(
    release: Path, name: str, target: str | None, outbound: str | None, as_json: bool
) -> None:
    """Decide the records of a release, left-out ones too, under another policy."""
    from prefdata.cli.terminal import print_json, print_table
    from prefdata.licensing.explain import what_if

    changes = {"target": target, "outbound": outbound}
    told = what_if(release, name, {k: v for k, v in changes.items() if v is not None})
    if as_json:
        print_json(told)
        return
    print_table(
        ["source", "records", "was", "would be", "reasons"],
        [[r["source"], r["records"], r["was"], r["verdict"], ", ".join(r["reasons"])]
         for r in told["rows"]],
    )  # fmt: skip
    click.echo()
    click.echo(f"exit code of a build: {told['exit_code']}; published: {told['published']:,}")


@licenses.command()
@click.option("--card", required=True, type=click.Path(path_type=Path), help="A fresh README.md.")
@click.option("--artifact", help="The registry entry; default: the card's own name.")
@click.option("--licenses", "folder", type=click.Path(path_type=Path), help="Your own registry.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def drift(card: Path, artifact: str | None, folder: Path | None, as_json: bool) -> int:
    """Compare a fresh card of a data set or model with the registered evidence.

    Ends with 0 if they agree, 4 if a person should look.
    """
    from prefdata.cli.terminal import print_json
    from prefdata.licensing.drift import compare_card
    from prefdata.licensing.registry import registry_of

    told = compare_card(card, artifact, registry_of(folder))
    if as_json:
        print_json(told)
    else:
        for sentence in told["sentences"]:
            click.echo(sentence)
    return 4 if told["drifted"] else 0


def _day(text: str | None) -> Any:
    from datetime import UTC, date, datetime

    from prefdata.core.errors import UsageError

    try:
        return date.fromisoformat(text) if text else datetime.now(UTC).date()
    except ValueError:
        raise UsageError(f"--as-of is {text!r}", fix="write YYYY-MM-DD") from None
