"""The account of a release: what ``audit.json`` says, made of counts and the registry alone.

The same function serves the bundle and its verification, so that the two cannot disagree.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from prefdata import __version__
from prefdata.core.verdict import Verdict
from prefdata.licensing.audit_sources import (
    Tally,
    entries_of,
    evidence_of,
    generators_of,
    reading_of,
    sources_of,
)
from prefdata.licensing.decider import Decider
from prefdata.licensing.license_book import LicenseBook, ids_of
from prefdata.licensing.policy import TARGETS
from prefdata.licensing.registry_copy import artifacts_of, registry_digest
from prefdata.licensing.unlock import remedy
from prefdata.store.arrow import layers_from_text

SCHEMA_VERSION = 1
DISCLAIMER = (
    "This is evidence and the result of rules, not legal advice. The rules rest on the "
    "assumptions below, which whoever publishes or uses the data has to judge."
)
ASSUMPTIONS = {
    "A1": "Weights licenses without a clause on outputs do not reach what the model writes.",
    "A2": "A translation is an adaptation of the text.",
    "A3": "Labels and scores are treated as protected like text.",
    "A4": "A collection of separately licensed rows is not an adaptation of each of them "
    "(the database right of the EU can differ: CC 4.0, section 4(b)).",
}


@dataclass(frozen=True, slots=True)
class Facts:
    """What an account is made of beside decider and registry."""

    pipeline: str
    released: str | None
    published: tuple[Tally, ...]
    excluded: tuple[Tally, ...]
    merkle_root: str


def account(decider: Decider, facts: Facts) -> dict[str, Any]:
    """Return the content of ``audit.json``."""
    every = [*facts.published, *facts.excluded]
    numbers = numbered(facts.published, facts.excluded)
    texts = list(numbers)
    combinations = [_combination(decider, n, text, every) for n, text in enumerate(texts)]
    is_published = {tally.layers for tally in facts.published}
    stated = [c for c, text in zip(combinations, texts, strict=True) if text in is_published]
    book = decider.registry.book
    expression = book.expressions.combine(c["expression"] for c in stated)
    terms = ids_of(c["downstream_terms"] for c in stated)
    layers = sorted({layer for text in texts for layer in layers_from_text(text)})
    told = entries_of(decider, layers)
    policy = decider.policy.as_tree()
    told_of = {
        "combinations": combinations,
        "generators": generators_of(decider, layers),
        "evidence": [row for entry, part, who in told for row in evidence_of(part, who)],
    }
    return {
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "prefdata", "version": __version__},
        "disclaimer": DISCLAIMER,
        "assumptions": ASSUMPTIONS,
        "pipeline": facts.pipeline,
        "released": facts.released,
        "as_of": decider.as_of.isoformat(),
        "policy": {**policy, "sha256": _digest(policy)},
        "registry": {"sha256": registry_digest(decider, artifacts_of(told_of))},
        "merkle_root": facts.merkle_root,
        "license": {
            "expression": expression,
            "downstream_terms": list(terms),
            "obligations": _each(c["obligations"] for c in stated),
            "card": card_fields(expression, terms, book),
        },
        "texts": _texts(book, [*book.expressions.ids_in(expression), *terms]),
        "counts": _counts(decider, facts),
        **told_of,
        "rows": [
            {
                "source": t.source,
                "combination": numbers[t.layers],
                "records": t.records,
                "published": n < len(facts.published),
            }
            for n, t in enumerate(every)
        ],
        "sources": sources_of(decider, facts.published),
        "conflicts": [reading_of(e, p) for e, p, _ in told if p.status == "conflicting"],
        "decisions": sorted({name for c in combinations for name in c["decisions"]}),
        "unlock": unlock_table(decider, facts.excluded),
        "exit_code": 0 if expression or not every else 3,
    }


def numbered(published: Sequence[Tally], excluded: Sequence[Tally] = ()) -> dict[str, int]:
    """Return the number of every combination of layers: the published ones first."""
    texts = sorted({tally.layers for tally in published})
    others = sorted({tally.layers for tally in excluded} - set(texts))
    return {text: n for n, text in enumerate([*texts, *others])}


def card_fields(expression: str, terms: Sequence[str], book: LicenseBook) -> dict[str, str]:
    """Return the card's license fields (rule R16).

    A single id that the hub has a tag for, with no terms beside it, is that tag; all else is
    ``other`` with a name and a link.
    """
    tags = {meaning: tag for tag, meaning in book.hub_tags.items()}
    if expression in tags and not terms:
        return {"license": tags[expression]}
    return {"license": "other", "license_name": "mixed", "license_link": "LICENSE.md"}


def unlock_table(decider: Decider, excluded: Sequence[Tally]) -> list[dict[str, Any]]:
    """Return for every blocking reason the rows it blocks, those it blocks alone, and the cure."""
    rows: dict[str, dict[str, Any]] = {}
    for tally in excluded:
        layers = layers_from_text(tally.layers)
        blocking = decider.blocking(layers)
        for code in blocking:
            row = rows.setdefault(
                code,
                {"reason": code, "records": 0, "alone": 0, "artifacts": [], "needs": remedy(code)},
            )
            row["records"] += tally.records
            row["alone"] += tally.records if len(blocking) == 1 else 0
            row["artifacts"] = sorted({*row["artifacts"], *decider.blame(layers, code)})
    return [rows[code] for code in sorted(rows)]


def _texts(book: LicenseBook, named: Sequence[str]) -> list[dict[str, Any]]:
    """Return the texts that travel: of every license and of all terms that the release names."""
    entries = [entry for entry in map(book.get, sorted(set(named))) if entry]
    return [
        {
            "id": entry.id,
            "name": entry.name,
            "kind": entry.kind,
            "output_rule": entry.output_rule,
            "file": f"license-texts/{entry.text_file}",
            "sha256": entry.text_sha256,
            "extract_of": entry.extract_of,
        }
        for entry in entries
    ]


def _digest(tree: Any) -> str:
    return sha256(json.dumps(tree, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _each(lists: Any) -> list[str]:
    return list(dict.fromkeys(item for items in lists for item in items))


def _combination(decider: Decider, n: int, text: str, every: Sequence[Tally]) -> dict[str, Any]:
    layers = layers_from_text(text)
    decision = decider.decide(layers)
    return {
        "number": n,
        "layers": [[layer.role, layer.artifact, layer.revision] for layer in layers],
        "records": sum(tally.records for tally in every if tally.layers == text),
        "verdict": str(decision.verdict),
        "reasons": list(decision.reasons),
        "obligations": list(decision.obligations),
        "expression": decision.expression,
        "downstream_terms": list(decision.downstream_terms),
        "decisions": list(decision.decisions),
        "targets": {
            target: str(decider.under(target).decide(layers).verdict) for target in TARGETS
        },
    }


def _counts(decider: Decider, facts: Facts) -> list[dict[str, Any]]:
    rows: dict[tuple[str, str, str, str, bool], list[int | None]] = {}
    for is_out, tallies in ((True, facts.published), (False, facts.excluded)):
        for tally in tallies:
            decision = decider.decide(layers_from_text(tally.layers))
            reason = decision.reasons[0] if decision.verdict != Verdict.ALLOW else ""
            key = (tally.source, decision.expression, str(decision.verdict), reason, is_out)
            row = rows.setdefault(key, [0, 0])
            row[0] = (row[0] or 0) + tally.records
            row[1] = None if tally.bytes is None or row[1] is None else row[1] + tally.bytes
    return [
        {
            "source": key[0], "license": key[1], "verdict": key[2], "reason": key[3],
            "published": key[4], "records": row[0], "bytes": row[1],
        }
        for key, row in sorted(rows.items())
    ]  # fmt: skip
