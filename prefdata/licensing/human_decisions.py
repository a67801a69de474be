"""Human decisions: named, scoped, dated; they resolve a review, never a deny (rule R15)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from prefdata.licensing.case import HumanDecision
from prefdata.licensing.reason import ALLOW, DENY, REVIEW, Reason, note, worst


def reaches(scope: str, artifact: str) -> bool:
    """Tell whether a scope means an artifact: itself, or what follows a space or slash.

    An owner's name alone is no artifact: it would mean whatever he ever publishes.
    """
    within = artifact.startswith(f"{scope} ") or ("/" in scope and artifact.startswith(f"{scope}/"))
    return artifact == scope or within


def apply_decisions(
    reasons: Sequence[Reason], decisions: Sequence[HumanDecision], artifacts: Iterable[str]
) -> tuple[list[Reason], tuple[str, ...]]:
    """Return the reasons after all decisions that apply, and the ids of those.

    A decision applies if it covers every open review reason, on layers within its scope. What is
    undisclosed stays so: only a decision to deny may cover it. A person's no to any open reason
    bars another's yes to all of them: then the record waits.
    """
    names = list(artifacts)
    valid = [decision for decision in decisions if _is_valid(decision, names)]
    open_ = [reason for reason in reasons if reason.verdict == REVIEW]
    is_open = worst(reasons) == REVIEW
    applied = [d for d in valid if is_open and all(_covers(d, reason) for reason in open_)]
    if any(_denies(decision, open_) for decision in valid):
        applied = [decision for decision in applied if decision.decision == "deny"]
    left = [note("DECISION_NOT_APPLIED")] if len(applied) < len(decisions) else []
    if not applied:
        return [*reasons, *left], ()
    verdict = DENY if any(decision.decision == "deny" for decision in applied) else ALLOW
    decided = [replace(r, verdict=verdict) if r.verdict == REVIEW else r for r in reasons]
    mark = Reason("HUMAN_DECISION", verdict)
    return [*decided, mark, *left], tuple(sorted(decision.id for decision in applied))


def _is_valid(decision: HumanDecision, artifacts: Sequence[str]) -> bool:
    scope = decision.scope.strip()
    if not scope or "*" in scope or "?" in scope:
        return False
    if not decision.revision_matches or decision.expired:
        return False
    return any(reaches(scope, artifact) for artifact in artifacts)


def _denies(decision: HumanDecision, reasons: Sequence[Reason]) -> bool:
    return decision.decision == "deny" and any(_covers(decision, r) for r in reasons)


def _covers(decision: HumanDecision, reason: Reason) -> bool:
    if reason.code not in decision.covers or (reason.is_final and decision.decision == "allow"):
        return False
    scope = decision.scope.strip()
    return not reason.artifacts or any(reaches(scope, artifact) for artifact in reason.artifacts)
