"""What would change a verdict: for every reason, the evidence or decision that frees a record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

_REMEDIES = {
    "NO_LINEAGE": "a layer for every part of the record: who wrote text, answers and label",
    "UNDISCLOSED": "a license or permission by the rights-holder, at this revision",
    "EVIDENCE_INADMISSIBLE": "evidence by the rights-holder itself; others cannot grant",
    "LICENSE_COVERS_CODE_ONLY": "a statement by the rights-holder that the license covers the data",
    "LICENSE_COVERS_NO_DATA": "a license for the data; one for weights or a service is none",
    "DB_ONLY": "a license for the contents beside the one for the database",
    "COVERAGE_UNCLEAR": "a statement by the rights-holder of what the license covers",
    "THIRD_PARTY_CONTENT": "a human decision on content of other people, or a pointer release",
    "AGGREGATOR_UPSTREAM_UNKNOWN": "the upstream of these rows, joined by row hashes",
    "LICENSE_AMBIGUOUS": "the exact license: the tag names a family",
    "UNREGISTERED_LICENSE": "an entry for that license in licenses/registry/licenses.yaml",
    "EVIDENCE_REVISION_MISMATCH": "evidence taken at the revision that is used",
    "EVIDENCE_STALE": "evidence captured anew",
    "EVIDENCE_WEAK": "stronger evidence: the license file or a permission letter",
    "CONFLICTING": "one statement by the rights-holder that settles which license holds",
    "CONDITIONAL": "proof that the condition is met, or a human decision",
    "ND": "permission to publish translations: the license forbids adapted material",
    "NC": "a policy for noncommercial use (research), or permission for commercial use",
    "OUTBOUND_TOO_PERMISSIVE": "an outbound license that keeps the conditions, or per-record",
    "SA": "a policy that allows share-alike, and the license itself as outbound license",
    "SA_CLASH": "to keep these licenses in separate records",
    "SA_MODEL_UNSETTLED": "a human decision: whether share-alike reaches a model is unsettled",
    "SA_EXTRA_TERMS": "another translator or judge, or a human decision",
    "NOT_IN_ALLOWLIST": "the license in the policy's allow list",
    "DENYLISTED": "the license off the policy's deny list",
    "OUTPUT_TERMS": "another model, or a policy that accepts its terms",
    "OUTPUT_UNKNOWN": "the terms of the model that wrote or chose the text",
    "HASH_MISMATCH": "the files as they were when they were hashed",
}


def remedy(code: str) -> str:
    """Return what would free a record from a reason; empty for notes."""
    return _REMEDIES.get(code, "")


def told(rows: Iterable[Mapping[str, str]]) -> list[str]:
    """Return one sentence a reason: what it is, whom it is about, what would free them."""
    about: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        artifacts = about.setdefault((row["reason"], row["needs"]), [])
        if row["artifact"] and row["artifact"] not in artifacts:
            artifacts.append(row["artifact"])
    return [
        f"{reason} ({', '.join(artifacts)}): needs {needs}" if artifacts else f"{reason}: {needs}"
        for (reason, needs), artifacts in about.items()
    ]
