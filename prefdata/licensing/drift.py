"""A fresh card of a data set or model beside what the registry holds about it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prefdata.core.errors import InputError
from prefdata.licensing.registry import Registry
from prefdata.licensing.rules import r5_tags
from prefdata.licensing.verify import card_head


def compare_card(card: Path, artifact: str | None, registry: Registry) -> dict[str, Any]:
    """Return `{artifact, stated, registered, drifted, sentences}`.

    A card proves nothing by itself: a tag that has changed is a reason to look, not a new license.

    Raises:
        InputError: there is no such card, or no entry for it.
        ConfigError: the card's head is not YAML.
    """
    if not card.is_file():
        raise InputError("there is no such card", str(card), "give a README.md")
    head = card_head(card)
    name = artifact or str(head.get("pretty_name") or card.parent.name.replace("--", "/"))
    entries = registry.entries(name)
    if not entries:
        raise InputError(
            f"the registry has no entry {name!r}", str(card), "say which with --artifact"
        )
    tags = head.get("license") or []
    tags = [tags] if isinstance(tags, str) else [str(tag) for tag in tags]
    stated, _ = r5_tags(tags, registry.book, name)
    sentences = [f"The card says {', '.join(tags) or 'nothing about a license'}."]
    drifted = False
    for part in (part for entry in entries for part in entry.components):
        known = part.license if part.status == "declared" else ""
        same = registry.book.expressions.is_equivalent(stated or "", known)
        drifted |= not same
        shown = part.license or "no license"
        verb = "agrees with" if same else "differs from"
        sentences.append(f"It {verb} the entry: {part.name} is {part.status}, {shown}.")
    if drifted:
        sentences.append("Capture the evidence anew at the present revision before using it.")
    return {
        "artifact": name,
        "stated": stated or "",
        "registered": [
            {"component": p.name, "status": p.status, "license": p.license}
            for entry in entries
            for p in entry.components
        ],
        "drifted": drifted,
        "sentences": sentences,
    }
