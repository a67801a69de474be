"""Records put together again from translated turns: same roles, same order, both languages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from prefdata.core.finding import Drop, Finding
from prefdata.core.origin import Layer
from prefdata.core.records import (
    Completion,
    Conversation,
    Message,
    Original,
    Preference,
    record_id,
)
from prefdata.translate.entry import Entry
from prefdata.translate.tree import Node, Placed

TARGET = "ja"


def rebuild(
    placed: Placed, entries: dict[Node, Entry], translation: str, layer: Layer | None
) -> Preference | Drop:
    """Return the record in Japanese, or why it cannot be had."""
    record = placed.record
    lost = _findings(record, "prompt", placed.prompt, entries)
    if lost:
        return Drop(record, tuple(lost))
    good: list[int] = []
    for n, nodes in enumerate(placed.completions):
        found = _findings(record, record.side(n), nodes, entries)
        lost += found
        if not found:
            good.append(n)
    if len(good) < 2:
        return Drop(record, tuple(lost))
    record = record.only(good)
    rows = [placed.completions[n] for n in good]
    used = [n for row in (placed.prompt, *rows) for n in row if n is not None]
    return replace(
        record,
        id=record_id(record.pair_key, TARGET),
        lang=TARGET,
        prompt=_spoken(record.prompt, placed.prompt, entries),
        completions=tuple(
            _completion(completion, row, entries)
            for completion, row in zip(record.completions, rows, strict=True)
        ),
        original=Original(
            record.lang, record.prompt, tuple(c.messages for c in record.completions)
        ),
        translation=translation,
        # The band keeps what-if from judging a completion that is not there any more.
        findings=(*record.findings, *(replace(f, action="flag", band="lost") for f in lost),
                  *_repairs(placed, good, entries)),
        origin=replace(record.origin, layers=_layers(record, used, entries, layer)),
    )  # fmt: skip


def _findings(
    record: Preference, side: str, nodes: Sequence[Node | None], entries: dict[Node, Entry]
) -> list[Finding]:
    """Return why these turns have no translation, root cause first; empty if they have one."""
    found: list[Finding] = []
    for turn, node in enumerate(nodes):
        entry = entries.get(node) if node else None
        if node is None or (entry is not None and entry.text is not None):
            continue
        for code, measured, limit, detail in entry.findings if entry else ():
            found.append(Finding(code, side, turn, measured, limit, detail=detail))
    return found


def _completion(
    completion: Completion, nodes: Sequence[Node | None], entries: dict[Node, Entry]
) -> Completion:
    return replace(completion, messages=_spoken(completion.messages, nodes, entries))


def _spoken(
    messages: Conversation, nodes: Sequence[Node | None], entries: dict[Node, Entry]
) -> Conversation:
    return tuple(
        Message(message.role, (entries[node].text or "") if node else "")
        for message, node in zip(messages, nodes, strict=True)
    )


def _repairs(placed: Placed, good: Sequence[int], entries: dict[Node, Entry]) -> list[Finding]:
    sides = [("prompt", placed.prompt)]
    sides += [(placed.record.side(n), placed.completions[n]) for n in good]
    return [
        Finding(code, side, turn, action="repair")
        for side, nodes in sides
        for turn, node in enumerate(nodes)
        if node is not None
        for code in entries[node].repairs
    ]


def _layers(
    record: Preference, nodes: Sequence[Node], entries: dict[Node, Entry], layer: Layer | None
) -> tuple[Layer, ...]:
    hands = {entries[node].layer or layer for node in nodes}
    return (*record.origin.layers, *sorted(hand for hand in hands if hand is not None))
