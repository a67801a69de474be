"""What an audit says of sources, of the models that wrote in them, and of the evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prefdata.core.origin import Layer
from prefdata.licensing.case import GENERATORS, Evidence
from prefdata.licensing.decider import Decider
from prefdata.licensing.entry import Component, Entry
from prefdata.licensing.evidence import grade
from prefdata.store.arrow import layers_from_text


@dataclass(frozen=True, slots=True)
class Tally:
    """How many records of a source have these layers, and how many bytes their texts have."""

    source: str
    layers: str
    records: int
    bytes: int | None = None


def entries_of(decider: Decider, layers: Sequence[Layer]) -> list[tuple[Entry, Component, str]]:
    """Return the components that layers rest on, each once, with the artifact's name."""
    found: dict[tuple[str, str], tuple[Entry, Component, str]] = {}
    for layer in layers:
        for entry, name in decider.registry.describe(layer.artifact):
            for part in entry.parts(layer.role, name):
                found.setdefault((entry.where, part.name), (entry, part, entry.id))
                makers = [Layer("response_model", name) for name in entry.makers(part)]
                for key in entries_of(decider, makers):
                    found.setdefault((key[0].where, key[1].name), key)
    return [found[key] for key in sorted(found, key=lambda k: (found[k][2], k[1]))]


def evidence_of(part: Component, artifact: str) -> list[dict[str, Any]]:
    """Return every piece of evidence on a component, with its grade."""
    return [
        {
            "artifact": artifact,
            "component": part.name,
            "status": part.status,
            "license": part.license,
            "grade": grade(Evidence(str(item["kind"]), str(item["by"]))),
            **{
                key: str(item.get(key) or "")
                for key in ("kind", "by", "url", "revision", "captured", "sha256", "quote", "note")
            },
        }
        for item in part.evidence
    ]


def reading_of(entry: Entry, part: Component) -> dict[str, Any]:
    """Return how the statements on a component conflict."""
    return {"artifact": entry.id, "component": part.name, "readings": list(part.readings)}


def generators_of(decider: Decider, layers: Sequence[Layer]) -> list[dict[str, Any]]:
    """Return the models and services that wrote or chose text, with their terms."""
    makers = [layer for layer in layers if layer.role in GENERATORS]
    for entry, part, _ in entries_of(decider, layers):
        makers += [Layer("response_model", name) for name in entry.makers(part)]
    rows, book = [], decider.registry.book
    for artifact in sorted({layer.artifact for layer in makers}):
        parts = [p for e, n in decider.registry.describe(artifact) for p in e.components]
        names = sorted({name for part in parts for name in book.expressions.ids_in(part.license)})
        rules = [book.output_rule(name) for name in names] or ["unknown"]
        roles = sorted({layer.role for layer in makers if layer.artifact == artifact})
        rows.append({"artifact": artifact, "roles": roles, "terms": names, "output_rules": rules})
    return rows


def sources_of(decider: Decider, published: Sequence[Tally]) -> list[dict[str, Any]]:
    """Return the table of sources for card, notices and attribution."""
    rows: dict[str, dict[str, Any]] = {}
    for tally in published:
        row = rows.setdefault(tally.source, _described(decider, tally.source))
        row["records"] += tally.records
        layers = layers_from_text(tally.layers)
        content = {layer.revision for layer in layers if layer.role == "source_text"}
        row["revisions"] = sorted({*row["revisions"], *content})
        made = {layer.artifact for layer in layers if layer.role == "translator"}
        row["translators"] = sorted({*row["translators"], *made})
        both = filter(None, [row["license"], decider.decide(layers).expression])
        row["license"] = decider.registry.book.expressions.combine(both)
    return [rows[name] for name in sorted(rows)]


def _described(decider: Decider, source: str) -> dict[str, Any]:
    entries = [entry for entry, _ in decider.registry.describe(source)]
    tree: Mapping[str, Any] = entries[0].tree if entries else {}
    return {
        "id": source,
        "title": str(tree.get("title") or source),
        "creator": str(tree.get("creator") or ""),
        "url": str(tree.get("url") or ""),
        "license": "",
        "records": 0,
        "revisions": [],
        "translators": [],
        "copyright": str(tree.get("copyright") or ""),
        "intended_use": str(tree.get("intended_use") or ""),
        "content_warning": str(tree.get("content_warning") or ""),
        "left_behind": list((tree.get("data_subject") or {}).get("ids_dropped") or []),
    }
