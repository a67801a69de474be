"""Which evidence grants, how strong it is, and whether it still counts."""

from __future__ import annotations

from collections.abc import Sequence

from prefdata.licensing.case import Evidence

GRADES = ("C", "B", "A")
_TEXTS = ("license_file", "permission_letter")
_STATEMENTS = ("card_tag", "card_text", "maintainer_statement", "tos")
SEARCH_LOG = "none_found"
KINDS = (
    *_TEXTS,
    *_STATEMENTS,
    "third_party_audit",
    "third_party_card",
    "unmerged_pr",
    SEARCH_LOG,
)


def grade(evidence: Evidence) -> str:
    """Return A for a text by the rights-holder, B for other statements that grant, else C."""
    if evidence.kind in _TEXTS:
        return "A" if evidence.by == "rights_holder" else "B"
    return "B" if evidence.kind in _STATEMENTS else "C"


def granting(evidence: Sequence[Evidence]) -> list[Evidence]:
    """Return what can grant: statements by the rights-holder or by a compiler (rule R1)."""
    return [
        item
        for item in evidence
        if item.by in ("rights_holder", "compiler") and item.kind in (*_TEXTS, *_STATEMENTS)
    ]


def problems(item: Evidence, *, min_grade: str, max_age_days: float) -> list[str]:
    """Return why a granting piece of evidence does not count as it stands (rule R6)."""
    found = []
    if item.at_revision != "same":
        found.append("EVIDENCE_REVISION_MISMATCH")
    if item.age_days is None or item.age_days > max_age_days:
        found.append("EVIDENCE_STALE")
    if GRADES.index(grade(item)) < GRADES.index(min_grade):
        found.append("EVIDENCE_WEAK")
    return found


def has_text(evidence: Sequence[Evidence]) -> bool:
    """Tell whether any granting evidence is itself the text of the terms."""
    return any(item.kind in (*_TEXTS, "tos") for item in granting(evidence))
