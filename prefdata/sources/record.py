"""A preference record of a row: ids, origin and order are the same for every source."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from prefdata.core.finding import Skip
from prefdata.core.origin import Layer, LayerRole, Origin
from prefdata.core.records import (
    Completion,
    Conversation,
    Message,
    Preference,
    group_of,
    pair_key,
    record_id,
)
from prefdata.sources.files import LOCAL
from prefdata.sources.reader import Row
from prefdata.sources.reasons import REASONS, RowFault


@dataclass(frozen=True, slots=True)
class Ranked:
    """What a source reads out of one row: prompt, completions in any order, what is known of them.

    `margin` is in the source's own scale. `group` is the dialogue, question or post that keeps
    records in one split; None means: by the first user turn. `config` and `split` are those of the
    row's file unless the row itself tells.
    """

    prompt: Conversation
    completions: tuple[Completion, ...]
    kind: Literal["pair", "ranking"] = "pair"
    margin: float | None = None
    group: str | None = None
    config: str | None = None
    split: str | None = None
    lang: str = "en"
    pairing: Literal["all", "best_worst"] = "all"


def pair(prompt: Conversation, chosen: Conversation, rejected: Conversation) -> Ranked:
    """Return a pair whose first completion was preferred."""
    return Ranked(prompt, (Completion(chosen, 1), Completion(rejected, 2)))


def said(role: Literal["system", "user", "assistant"], content: str) -> Conversation:
    """Return a conversation of one message, white space at its ends taken off."""
    return (Message(role, content.strip()),)


def shared_length(one: Sequence[object], other: Sequence[object]) -> int:
    """Return how many turns (or characters) both begin with, at least one short of either end."""
    longest = min(len(one), len(other)) - 1
    return next((n for n in range(longest) if one[n] != other[n]), longest)


def layers_of(artifacts: Mapping[LayerRole, str], revision: str) -> tuple[Layer, ...]:
    """Return one layer a role, all of one revision of the data set."""
    return tuple(Layer(role, artifact, revision) for role, artifact in artifacts.items())


def to_record(
    ranked: Ranked, row: Row, *, source: str, kind: str, layers: tuple[Layer, ...]
) -> Preference:
    """Return the record of a row, its completions sorted by rank.

    Raises:
        RowFault: it cannot be one: an empty or single completion, identical ones, no prompt.
    """
    check(ranked)
    key = row.digest if row.file.revision == LOCAL else row.key
    shared = pair_key(source, row.file.revision, key)
    return Preference(
        id=record_id(shared, ranked.lang),
        pair_key=shared,
        kind=ranked.kind,
        prompt=ranked.prompt,
        completions=tuple(sorted(ranked.completions, key=lambda c: c.rank)),
        lang=ranked.lang,
        group=ranked.group or group_of(ranked.prompt),
        origin=Origin(
            source=source,
            kind=kind,
            revision=row.file.revision,
            row=key,
            digest=row.digest,
            layers=layers,
            config=row.file.config if ranked.config is None else ranked.config,
            split=row.file.split if ranked.split is None else ranked.split,
        ),
        margin=ranked.margin,
        pairing=ranked.pairing,
    )


def check(ranked: Ranked) -> None:
    """Refuse what no source may hand on.

    Raises:
        RowFault: a completion or turn is empty, completions are identical, or no user turn is left.
    """
    completions = [c.messages for c in ranked.completions]
    if len(completions) < 2:
        raise RowFault("source_too_few_completions")
    if any(not _is_full(messages) for messages in completions):
        raise RowFault("source_empty_completion")
    if len(set(completions)) < len(completions):
        raise RowFault("source_identical_completions")
    if not any(m.role == "user" and m.content.strip() for m in ranked.prompt):
        raise RowFault("source_no_prompt")
    if not _is_full(ranked.prompt):
        raise RowFault("source_empty_turn")


def _is_full(messages: Sequence[Message]) -> bool:
    return bool(messages) and all(m.content.strip() for m in messages)


def records(
    rows: Iterable[Row | Skip], convert: Callable[[Row], Preference]
) -> Iterator[Preference | Skip]:
    """Yield a record or a skip for every row."""
    for row in rows:
        if isinstance(row, Skip):
            yield row
            continue
        try:
            yield convert(row)
        except RowFault as fault:
            yield skip_of(row, fault)


def skip_of(row: Row, fault: RowFault) -> Skip:
    """Return the skip of a row that yields no record."""
    return Skip(row.key, fault.reason, fault.detail, bad=REASONS[fault.reason].bad)
