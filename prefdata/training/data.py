"""A release folder as training data: prompts with completions, and which of them is better."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any, Literal, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from prefdata.core.errors import InputError, IntegrityError
from prefdata.core.records import Conversation, Message, Preference, digest
from prefdata.store.arrow import decode
from prefdata.store.schemas import PREFERENCES

Split: TypeAlias = Literal["train", "validation", "test"]
Pairing: TypeAlias = Literal["all", "best_worst"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")


@dataclass(frozen=True, slots=True)
class Comparison:
    """One prompt, its completions, and (better, worse, margin) triples of indices.

    All pairs of one prompt stay together, so that one prompt weighs as much as another however
    many completions it has (InstructGPT's guard against overfitting, Ouyang et al. 2022, §3.5).
    `ids` names each pair's row in the release; `scores` holds a person's scores per completion;
    `origin` is ``native`` or ``translated``, empty where the release has no audit.
    """

    group: str
    source: str
    lang: str
    prompt: Conversation
    completions: tuple[Conversation, ...]
    pairs: tuple[tuple[int, int, float], ...]
    ids: tuple[str, ...] = ()
    scores: tuple[Mapping[str, float], ...] = ()
    origin: str = ""


def release_of(folders: Mapping[str, Path], name: str, path: Path | None) -> Path:
    """Return the release folder that a stage reads: a setting's path, else the input of that name.

    Raises:
        InputError: there is neither, or the folder holds no release.
    """
    found = path or folders.get(name)
    if found is None:
        raise no_release(name)
    if not (found / "pairs").is_dir() and not (found / "rankings").is_dir():
        raise InputError("this folder holds no release", str(found), "it must have pairs/")
    return found


def no_release(name: str) -> InputError:
    """Return the error of a stage that has no release."""
    return InputError(
        "there is no release to train on",
        fix=f"name the publish step: 'inputs: {{{name}: publish}}', or give 'release: PATH'",
    )


def read_split(release: Path, view: str, split: str) -> list[dict[str, Any]]:
    """Return the rows of one view and split of a release, in order; none if it has none.

    Raises:
        IntegrityError: a file is not readable Parquet.
    """
    rows: list[dict[str, Any]] = []
    for file in sorted((release / view).glob(f"{split}-*.parquet")):
        try:
            rows.extend(pq.read_table(file).to_pylist())
        except (OSError, pa.ArrowException) as error:
            raise IntegrityError(f"not a readable Parquet file: {error}", str(file)) from error
    return rows


def comparisons_of(
    release: Path, split: Split, *, view: str = "pairs", pairing: Pairing = "all", lang: str = ""
) -> list[Comparison]:
    """Return one split as comparisons, in the order of the release."""
    rows = [r for r in read_split(release, view, split) if not lang or r["lang"] == lang]
    found = [ranking(row, pairing) for row in rows] if view == "rankings" else by_prompt(rows)
    origin = origins(release, view)
    return [replace(c, origin=origin.get(c.ids[0], "")) if c.ids else c for c in found]


def origins(release: Path, view: str) -> dict[str, str]:
    """Return for each row of a view whether it is ``native`` or ``translated``, by its lineage."""
    file = release / "audit" / "lineage.parquet"
    columns = ["view", "record_id", "translator"]
    if not file.is_file() or not set(columns) <= set(pq.read_schema(file).names):
        return {}
    table = pq.read_table(file, columns=columns)
    rows = table.filter(pc.equal(table.column("view"), view)).to_pylist()
    return {row["record_id"]: "translated" if row["translator"] else "native" for row in rows}


def by_prompt(rows: Sequence[Mapping[str, Any]]) -> list[Comparison]:
    """Return pairs as comparisons, those of one prompt together."""
    prompts: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        key = json.dumps([row["group"], row["lang"], row["prompt"]], ensure_ascii=False)
        prompts.setdefault(key, []).append(row)
    return [of_pairs(own) for own in prompts.values()]


def of_pairs(rows: Sequence[Mapping[str, Any]]) -> Comparison:
    """Return the pairs of one prompt as one comparison; equal completions are one."""
    completions: dict[Conversation, int] = {}
    pairs = []
    for row in rows:
        better = completions.setdefault(messages(row["chosen"]), len(completions))
        worse = completions.setdefault(messages(row["rejected"]), len(completions))
        pairs.append((better, worse, float(row.get("margin", 0.0))))
    first = rows[0]
    return Comparison(
        group=first["group"],
        source=first["source"],
        lang=first["lang"],
        prompt=messages(first["prompt"]),
        completions=tuple(completions),
        pairs=tuple(pairs),
        ids=tuple(row["id"] for row in rows),
    )


def ranking(row: Mapping[str, Any], pairing: Pairing) -> Comparison:
    """Return a ranking as one comparison; completions of equal rank give no pair."""
    completions = sorted(row["completions"], key=lambda c: c["rank"])
    pairs = ranked_pairs([c["rank"] for c in completions], pairing)
    return Comparison(
        group=row["group"],
        source=row["source"],
        lang=row["lang"],
        prompt=messages(row["prompt"]),
        completions=tuple(messages(c["content"]) for c in completions),
        pairs=pairs,
        ids=tuple(row["id"] for _ in pairs),
        scores=tuple({s["key"]: s["value"] for s in c["scores"] or ()} for c in completions),
    )


def ranked_pairs(ranks: Sequence[int], pairing: Pairing) -> tuple[tuple[int, int, float], ...]:
    """Return the pairs of completions sorted by rank: all of them, or best against worst."""
    if pairing == "best_worst":
        return ((0, len(ranks) - 1, 0.0),) if ranks[0] < ranks[-1] else ()
    found = combinations(range(len(ranks)), 2)
    return tuple((a, b, 0.0) for a, b in found if ranks[a] < ranks[b])


def of_record(record: Preference) -> Comparison:
    """Return a record of a step's folder as a comparison."""
    pairs = tuple((a, b, 0.0) for a, b in record.pairs())
    return Comparison(
        group=record.group,
        source=record.origin.source,
        lang=record.lang,
        prompt=record.prompt,
        completions=tuple(c.messages for c in record.completions),
        pairs=pairs,
        ids=tuple(record.id for _ in pairs),
        scores=tuple(dict(c.scores) for c in record.completions),
    )


def records_in(folder: Path) -> list[Preference]:
    """Return the preference records of a step's folder; none if it holds other rows."""
    tables = [pq.read_table(file) for file in sorted(folder.glob("part-*.parquet"))]
    return [r for table in tables if table.schema.equals(PREFERENCES) for r in decode(table)]


def messages(value: Any) -> Conversation:
    """Return a list of role and content, or a bare text of the assistant, as a conversation."""
    if isinstance(value, str):
        return (Message("assistant", value),)
    return tuple(Message(item["role"], item["content"]) for item in value)


def refuse_leaks(splits: Mapping[str, Sequence[Comparison]]) -> None:
    """Refuse data in which a dialogue or a prompt stands in two splits.

    Validation on texts of the training set flatters: with labels from a coin, near copies across
    a random split gave an accuracy of 0.86 where the truth is 0.5.

    Raises:
        IntegrityError: a group or a prompt is shared; the first few are named.
    """
    seen: dict[str, str] = {}
    for split, comparisons in splits.items():
        for comparison in comparisons:
            for key in (comparison.group, _normal(comparison.prompt)):
                other = seen.setdefault(key, split)
                if other != split:
                    raise IntegrityError(
                        f"one dialogue stands in both {other} and {split}",
                        f"group {comparison.group}, row {comparison.ids[:1]}",
                        "publish again: the release's splits must be made by group",
                    )


def _normal(prompt: Iterable[Message]) -> str:
    return "prompt " + " ".join(" ".join(m.content.casefold().split()) for m in prompt)


def hold_out(comparisons: Sequence[Comparison], share: float) -> dict[str, list[Comparison]]:
    """Split by a digest of the group, for a release without splits of its own.

    `share` goes to validation and as much again to test; the split does not depend on the order.
    """
    splits: dict[str, list[Comparison]] = {name: [] for name in SPLITS}
    for comparison in comparisons:
        place = int(digest("hold out", comparison.group)[:8], 16) / 2**32
        name = "validation" if place < share else "test" if place < 2 * share else "train"
        splits[name].append(comparison)
    return splits
