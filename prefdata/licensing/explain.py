"""A release's licenses in plain sentences, and under another policy."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from prefdata.core.errors import InputError
from prefdata.core.origin import Layer
from prefdata.core.verdict import Decision, Verdict
from prefdata.licensing import standalone
from prefdata.licensing.audit import read_audit
from prefdata.licensing.decide import EXIT_CODES
from prefdata.licensing.decider import Decider
from prefdata.licensing.policies import find_policy
from prefdata.licensing.policy import policy_of
from prefdata.licensing.report import in_words
from prefdata.licensing.unlock import remedy
from prefdata.licensing.verify import decider_within
from prefdata.store.arrow import layers_from_text
from prefdata.store.shards import open_shard

_HANDS = {
    "source_text": "The prompt comes from",
    "response": "The answers come from",
    "label": "The preference comes from",
    "translator": "It was translated by",
    "response_model": "Text in it was written by",
    "judge": "It was judged by",
    "compilation": "It was taken from the compilation",
    "tool": "It was made with the tool",
}


def explain_record(release: Path, record: str) -> dict[str, Any]:
    """Return why a record carries its license: `{id, license, verdict, layers, sentences}`.

    Raises:
        InputError: the release has no such record.
        IntegrityError: the release has no readable audit.
    """
    decider = decider_within(release, read_audit(release))
    row = find_row(release, record)
    layers = layers_from_text(row["layers"])
    decision = decider.decide(layers)
    sentences = [
        f"Record {row['record_id']} is row {row['source_row']} of {row['source_id']} "
        f"at revision {row['source_revision']}.",
        *(_of_layer(decider, layer) for layer in layers),
        *_of_decision(decider, layers, decision),
    ]
    return {
        "id": row["record_id"],
        "license": row["license_expression"],
        "verdict": str(decision.verdict),
        "layers": [[layer.role, layer.artifact, layer.revision] for layer in layers],
        "sentences": sentences,
    }


def find_row(release: Path, record: str) -> dict[str, Any]:
    """Return a record's row of the lineage; the rows of other views go by their pair's id.

    Raises:
        InputError: there is none.
    """
    wanted = record.rpartition("-")[0] if record[-2:] in ("-0", "-1") else record
    with open_shard(release / standalone.LINEAGE) as file:
        for batch in file.iter_batches():
            found = pa.Table.from_batches([batch]).filter(pc.field("record_id") == wanted)
            if len(found):
                row: dict[str, Any] = found.to_pylist()[0]
                return row
    raise InputError(
        f"there is no record {record!r}", str(release / standalone.LINEAGE),
        "take an id of the columns 'id' or 'pair_id'",
    )  # fmt: skip


def _of_layer(decider: Decider, layer: Layer) -> str:
    who = f"{_HANDS[layer.role]} {layer.artifact}"
    cases = decider.registry.resolve(layer, decider.as_of)
    case = cases[0]
    terms = case.get("license") or case.get("hub_tag")
    if case.get("status") == "undisclosed" or not terms:
        return f"{who}; nobody has disclosed a license for it."
    held = [item for item in case.get("evidence", ()) if item["kind"] != "none_found"]
    kinds = ", ".join(sorted({f"{item['kind']} by the {item['by']}" for item in held}))
    return f"{who}, {case['status']} as {terms} ({kinds or 'no evidence'})."


def _of_decision(decider: Decider, layers: tuple[Layer, ...], decision: Decision) -> list[str]:
    told = [f"Under the policy {decider.policy.name} this is: {decision.verdict}."]
    for code in decision.reasons:
        about = ", ".join(decider.blame(layers, code))
        cure = remedy(code)
        what = f"{code}{f' ({about})' if about else ''}"
        told.append(f"Reason {what}: it would take {cure}." if cure else f"Note {what}.")
    if decision.expression:
        told.append(f"So its license is {decision.expression}.")
    told += [f"A person decided: {name}." for name in decision.decisions]
    told += [
        f"Whoever passes it on owes: {in_words(duty)} ({duty})." for duty in decision.obligations
    ]
    told += [f"Whoever trains on it is bound by {name}." for name in decision.downstream_terms]
    return told


def what_if(release: Path, policy: str, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return what another policy would say of a release's records and of those left out.

    `{policy, rows: [{source, records, was, verdict, reasons}], counts, published, exit_code}`.

    Raises:
        ConfigError: there is no such policy.
        IntegrityError: the release has no readable audit.
    """
    audit = read_audit(release)
    own = decider_within(release, audit)
    other = policy_of(changes, find_policy(policy))
    decider = Decider(own.registry, other, own.as_of)
    combinations = {c["number"]: c for c in audit["combinations"]}
    rows, counts = [], dict.fromkeys(("allow", "review", "deny"), 0)
    for row in audit["rows"]:
        combination = combinations[row["combination"]]
        decision = decider.decide(tuple(Layer(*layer) for layer in combination["layers"]))
        counts[str(decision.verdict)] += row["records"]
        rows.append(
            {
                "source": row["source"],
                "records": row["records"],
                "was": combination["verdict"],
                "verdict": str(decision.verdict),
                "reasons": list(decision.reasons),
            }
        )
    worst = max((Verdict[r["verdict"].upper()] for r in rows), default=Verdict.DENY)
    if other.gate == "exclude":
        worst = Verdict.ALLOW if counts["allow"] else Verdict.DENY
    published = counts["allow"] if worst == Verdict.ALLOW else 0
    return {
        "policy": other.name,
        "rows": rows,
        "counts": counts,
        "published": published,
        "exit_code": EXIT_CODES[worst],
    }
