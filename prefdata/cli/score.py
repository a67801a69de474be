"""``prefdata score``: rewards of texts or pairs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click


@click.command()
@click.argument("reward", type=click.Path(path_type=Path))
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--drift", is_flag=True, help="List records right in the source language alone.")
@click.option("--json", "as_json", is_flag=True, help="JSON Lines, one row each.")
def score(reward: Path, path: Path, drift: bool, as_json: bool) -> None:
    """Score PATH with the reward model in the folder REWARD.

    PATH is a release, a step's folder of records, or a JSON Lines file of pairs ({prompt, chosen,
    rejected}), completions ({prompt, completion}) or texts ({text}). Translated records are scored
    in both languages; --drift lists those that lost their preference on the way.

    \b
    Examples:
      prefdata score data/build/rm/04-train_reward_model-1a2b3c4d data/build/quickstart/release
      prefdata score RM texts.jsonl --json
    """
    from prefdata.cli.terminal import print_json, print_table
    from prefdata.core.errors import InputError

    if not path.exists():
        raise InputError("there is no such file or folder", str(path))
    rows = scorer_of(reward).score_path(reward, path)
    if drift:
        rows = drifted(rows)
    if as_json:
        for row in rows:
            print_json(row)
        return
    if drift:
        lines = [(r["id"], r["source"], r["lang"], r["margin"], r["margin_source"]) for r in rows]
        print_table(["id", "source", "lang", "margin", "margin before"], lines)
        return
    print_table(["lang", "source", "rows", "right", "mean reward"], summary(rows))


def scorer_of(reward: Path) -> Any:
    """Return the stage that made a reward directory: a plug-in, which knows how to load it.

    Raises:
        InputError: there is no manifest, or its stage leaves no reward model.
    """
    from prefdata import components
    from prefdata.core.errors import InputError
    from prefdata.store.files import read_json

    fix = "give the folder of a train_reward_model or soup step"
    if not (reward / "manifest.json").is_file():
        raise InputError("this is no reward directory: it has no manifest.json", str(reward), fix)
    stage = components.load("stages", read_json(reward / "manifest.json")["use"])
    if not hasattr(stage, "score_path"):
        raise InputError("the step that made this folder leaves no reward model", str(reward), fix)
    return stage


def summary(rows: Iterable[Mapping[str, Any]]) -> list[tuple[Any, ...]]:
    """Return rows, share of right ones and mean reward by language and source."""
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault((row["lang"], row["source"]), []).append(row)
    lines = []
    for (lang, source), own in sorted(groups.items()):
        judged = [row["right"] for row in own if row["right"] is not None]
        rewards = [reward for row in own for reward in row["rewards"]]
        right = sum(judged) / len(judged) if judged else None
        lines.append((lang, source, len(own), right, sum(rewards) / len(rewards)))
    return lines


def drifted(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the records whose preference holds in the source language and not in their own."""
    before: dict[str, Mapping[str, Any]] = {}
    pairs: list[tuple[Mapping[str, Any], Mapping[str, Any]]] = []
    for row in rows:  # a record's own language comes first
        if row["id"] in before:
            pairs.append((before.pop(row["id"]), row))
        else:
            before[row["id"]] = row
    return [
        {
            "id": own["id"],
            "source": own["source"],
            "lang": own["lang"],
            "margin": own["rewards"][0] - own["rewards"][-1],
            "margin_source": original["rewards"][0] - original["rewards"][-1],
        }
        for own, original in pairs
        if original["right"] and not own["right"]
    ]
