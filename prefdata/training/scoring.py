"""Rewards of whatever lies on disk: releases, steps' folders, files of pairs or texts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from prefdata.core.errors import InputError
from prefdata.core.records import Message
from prefdata.training.data import (
    SPLITS,
    Comparison,
    comparisons_of,
    messages,
    of_pairs,
    of_record,
    records_in,
)
from prefdata.training.reward import RewardModel
from prefdata.training.stage import TrainingStage

CHUNK = 256


class RewardStage(TrainingStage):
    """What a stage that leaves a reward directory has beside `run`: ``prefdata score`` asks it."""

    @staticmethod
    def score_path(folder: Path, path: Path) -> Iterator[dict[str, Any]]:
        """Yield the rewards of what lies at a path; see `score_path` of this module."""
        return score_path(folder, path)


def score_path(folder: Path, path: Path) -> Iterator[dict[str, Any]]:
    """Yield ``{id, source, lang, rewards, right}`` for every comparison or text at a path.

    `rewards` are in the order of the completions, best first; `right` says whether the first has
    the highest, None for a text alone. A translated record of a step's folder gives two rows of
    one id: its own language and the one it was translated from.

    Raises:
        InputError: the folder is no reward directory, or there is nothing to score at the path.
    """
    reward = RewardModel.load(folder)
    if path.is_file():
        yield from _score_file(reward, path)
        return
    found = comparisons_at(path)
    if not found:
        raise InputError(
            "there is nothing to score here",
            str(path),
            "give a release, a step's folder of records, or a JSON Lines file of pairs or texts",
        )
    for start in range(0, len(found), CHUNK):
        yield from score_comparisons(reward, found[start : start + CHUNK])


def comparisons_at(path: Path) -> list[Comparison]:
    """Return the comparisons of a release or a step's folder."""
    if (path / "pairs").is_dir():
        return [c for split in SPLITS for c in comparisons_of(path, split)]
    if (path / "rankings").is_dir():
        return [c for split in SPLITS for c in comparisons_of(path, split, view="rankings")]
    found = []
    for record in records_in(path):
        own = of_record(record)
        found.append(own)
        if record.original:
            original = record.original
            found.append(
                replace(
                    own,
                    lang=original.lang,
                    prompt=original.prompt,
                    completions=original.completions,
                )
            )
    return found


def score_comparisons(
    reward: RewardModel, comparisons: Sequence[Comparison]
) -> Iterator[dict[str, Any]]:
    """Yield one row for each comparison."""
    flat = [(c.prompt, completion) for c in comparisons for completion in c.completions]
    rewards = iter(reward.score([p for p, _ in flat], [c for _, c in flat]))
    for comparison in comparisons:
        own = [next(rewards) for _ in comparison.completions]
        yield {
            "id": comparison.ids[0] if comparison.ids else "",
            "source": comparison.source,
            "lang": comparison.lang,
            "rewards": own,
            "right": all(own[a] > own[b] for a, b, _ in comparison.pairs),
        }


def _score_file(reward: RewardModel, path: Path) -> Iterator[dict[str, Any]]:
    """Score JSON Lines: ``{prompt, chosen, rejected}``, ``{prompt, completion}`` or ``{text}``."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        where = f"{path}:{number}"
        try:
            row = json.loads(line)
        except ValueError as error:
            raise InputError(f"not JSON: {error}", where) from error
        yield {"id": str(row.get("id", number)), **_score_row(reward, row, where)}


def _score_row(reward: RewardModel, row: Mapping[str, Any], where: str) -> dict[str, Any]:
    plain = {"source": str(row.get("source", "")), "lang": str(row.get("lang", ""))}
    if "chosen" in row and "rejected" in row:
        filled = {"group": "", "id": "", **plain, **row, "prompt": _prompt(row.get("prompt", ()))}
        scored = next(score_comparisons(reward, [of_pairs([filled])]))
        return {**plain, "rewards": scored["rewards"], "right": scored["right"]}
    if "completion" in row:
        rewards = reward.score(
            [messages(_prompt(row.get("prompt", ())))], [messages(row["completion"])]
        )
        return {**plain, "rewards": rewards, "right": None}
    if "text" in row:
        return {**plain, "rewards": reward.score_texts([row["text"]]), "right": None}
    raise InputError(
        "the row has neither chosen and rejected, nor completion, nor text",
        where,
        'such as {"prompt": "…", "chosen": "…", "rejected": "…"}',
    )


def _prompt(value: Any) -> list[dict[str, str]]:
    """Return a prompt as role and content; a bare text is the user's."""
    if isinstance(value, str):
        return [{"role": "user", "content": value}]
    return [
        {"role": m.role, "content": m.content} if isinstance(m, Message) else dict(m) for m in value
    ]
