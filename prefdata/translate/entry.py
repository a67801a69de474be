"""What the translation memory holds of a node, and how that is written in a row."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from prefdata.core.origin import Layer
from prefdata.core.records import Role

Origin: TypeAlias = Literal["machine", "human"]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One answer of a translator: its words as they came, and why it stopped."""

    text: str | None
    finish_reason: str = "stop"
    rung: str = "first"


class Entry(NamedTuple):  # a dataclass costs three times as much, a million times over
    """What the memory holds of a node: the text in use, or None if every attempt failed.

    `attempts` are all answers in order, `ladder` the version of the checks that judged them,
    `codes` the repairs made and, without a text, the reasons (root cause first) with what was
    measured. `layer` is whoever made this text, where it is not the translator's own layer.
    """

    text: str | None
    attempts: tuple[Attempt, ...] = ()
    ladder: str = ""
    repairs: tuple[str, ...] = ()
    findings: tuple[tuple[str, float | None, float | None, str], ...] = ()
    layer: Layer | None = None
    origin: Origin = "machine"


@dataclass(frozen=True, slots=True)
class Item:
    """A node and its entry, to be stored; without an entry, a turn that others follow."""

    key: bytes
    parent: bytes
    role: Role
    source: str
    entry: Entry | None


@dataclass(frozen=True, slots=True)
class Maker:
    """Whose translations these are."""

    id: int
    fingerprint: str
    origin: Origin
    layer: Layer | None


def pack(entry: Entry) -> tuple[str | None, str | None]:
    """Return (log, layer); None for the plain case of one good answer, used as it came."""
    layer = json.dumps([entry.layer.artifact, entry.layer.revision]) if entry.layer else None
    plain = entry.text is not None and not entry.repairs and not entry.findings
    if plain and entry.attempts in ((), (Attempt(entry.text),)):
        return None, layer
    log = {
        "attempts": [[a.text, a.finish_reason, a.rung] for a in entry.attempts],
        "repairs": list(entry.repairs),
        "findings": [list(finding) for finding in entry.findings],
    }
    return json.dumps(log, separators=(",", ":")), layer


def unpack(entry: Entry, log: str | None, layer: str | None, human: Layer | None) -> Entry:
    """Return the entry with what its row holds beside the text; `human` is the person behind it."""
    values = json.loads(log) if log else {"attempts": [], "repairs": [], "findings": []}
    return entry._replace(
        attempts=tuple(Attempt(*attempt) for attempt in values["attempts"]),
        repairs=tuple(values["repairs"]),
        findings=tuple((c, m, limit, d) for c, m, limit, d in values["findings"]),
        layer=unpack_layer(layer) or human,
        origin="human" if human else "machine",
    )


def unpack_layer(layer: str | None) -> Layer | None:
    """Return the layer of a row, None where it is the maker's own."""
    return Layer("translator", *json.loads(layer)) if layer else None
