"""The one decision function: layers and a policy in, a verdict with everything it rests on out.

Plan, gate, audit, card and the training stages all ask here. It is pure: the same case and the
same registered texts give the same answer, whatever the artifacts are called.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prefdata.core.verdict import Decision, Verdict
from prefdata.licensing.case import Group, Inputs, read_inputs
from prefdata.licensing.human_decisions import apply_decisions, reaches
from prefdata.licensing.license_book import LicenseBook, ids_of
from prefdata.licensing.policies import case_policy
from prefdata.licensing.policy import Policy
from prefdata.licensing.reason import ALLOW, DENY, REVIEW, Reason, codes, worst
from prefdata.licensing.record import Record, examine
from prefdata.licensing.rights import Asked

EXIT_CODES = {ALLOW: 0, DENY: 3, REVIEW: 4}
BROKEN = 5


@dataclass(frozen=True, slots=True)
class Judgement:
    """A decision on a case, its exit code, and for a whole build what was counted and published."""

    decision: Decision
    exit_code: int
    counts: Mapping[str, int] | None = None
    published: int | None = None

    def as_tree(self) -> dict[str, Any]:
        """Return the judgement as the contract's JSON object, without the case's id."""
        decision = self.decision
        return {
            "verdict": str(decision.verdict),
            "reasons": list(decision.reasons),
            "obligations": list(decision.obligations),
            "expression": decision.expression,
            "downstream_terms": list(decision.downstream_terms),
            "exit_code": self.exit_code,
            "counts": None if self.counts is None else dict(self.counts),
            "published": self.published,
        }


def decide(inputs: Any, policy: Any, book: LicenseBook | None = None) -> Decision:
    """Decide a case: plain dicts of the case format, or `Inputs` and a `Policy`.

    Args:
        inputs: layers, content roles, decisions; or groups of records.
        policy: a preset's name and what differs from it.
        book: the registered texts; the shipped ones if absent.

    Raises:
        InputError: the case is malformed.
    """
    return judge(inputs, policy, book).decision


def judge(inputs: Any, policy: Any, book: LicenseBook | None = None) -> Judgement:
    """Decide a case and say what a build of it would do (rule R17); arguments as in `decide`."""
    read = inputs if isinstance(inputs, Inputs) else read_inputs(inputs)
    rules = policy if isinstance(policy, Policy) else case_policy(policy)
    if book is None:
        from prefdata.licensing.registry import shipped

        book = shipped().book
    decided = [(group, decide_group(group, rules, book)) for group in read.groups]
    if read.is_build:
        return _build(decided, rules, book, is_broken=read.is_broken)
    decision = decided[0][1]
    if read.is_broken:
        return Judgement(_broken(decision), BROKEN)
    return Judgement(decision, EXIT_CODES[decision.verdict])


def decide_group(group: Group, policy: Policy, book: LicenseBook) -> Decision:
    """Decide one combination of layers for every target of the policy; the worst counts."""
    outbound = outbound_of(group, policy, book)
    asked = _asked(outbound, policy, book)
    records = zip(examine(group, asked), asked, strict=True)
    parts = [_decide_target(group, record, one, outbound) for record, one in records]
    return parts[0] if len(parts) == 1 else merge(parts, worst_of(parts), book)


def reasons_of(group: Group, policy: Policy, book: LicenseBook) -> list[Reason]:
    """Return every reason with its weight and artifacts, after human decisions, for all targets."""
    asked = _asked(outbound_of(group, policy, book), policy, book)
    artifacts = [layer.artifact for layer in group.layers if layer.role != "tool"]
    found: list[Reason] = []
    for record in examine(group, asked):
        found.extend(apply_decisions(record.reasons, group.decisions, artifacts)[0])
    return list(dict.fromkeys(found))


def _asked(outbound: str, policy: Policy, book: LicenseBook) -> list[Asked]:
    """Return what is asked of a record: one question a target."""
    choices = _choices(outbound, policy, book)
    return [Asked(policy, target, choices, book) for target in policy.targets]


def _choices(outbound: str, policy: Policy, book: LicenseBook) -> tuple[tuple[str, ...], ...]:
    """Return the alternatives of an outbound license; a map without the source has one, empty."""
    if outbound:
        return book.expressions.alternatives(outbound)
    per_record = isinstance(policy.outbound, Mapping) and "per-record" in policy.outbound.values()
    return ((),) if isinstance(policy.outbound, Mapping) and not per_record else ()


def outbound_of(group: Group, policy: Policy, book: LicenseBook) -> str:
    """Return the outbound license of a record; empty where each record keeps its own."""
    if not isinstance(policy.outbound, Mapping):
        return policy.outbound or ""
    artifacts = {layer.artifact for layer in group.layers}
    found = [
        stated
        for source, stated in policy.outbound.items()
        if stated != "per-record" and any(reaches(source, artifact) for artifact in artifacts)
    ]
    return book.expressions.combine(found)


def _decide_target(group: Group, record: Record, asked: Asked, outbound: str) -> Decision:
    artifacts = [layer.artifact for layer in group.layers if layer.role != "tool"]
    reasons, applied = apply_decisions(record.reasons, group.decisions, artifacts)
    verdict = worst(reasons)
    is_stated = verdict != DENY and not any(reason.code == "UNDISCLOSED" for reason in reasons)
    stated = [*record.content, *filter(None, [outbound])] if is_stated else []
    return Decision(
        verdict=verdict,
        reasons=codes(reasons),
        obligations=() if verdict == DENY else _obligations(record, asked),
        expression=asked.book.expressions.combine(stated),
        downstream_terms=record.terms,
        decisions=applied,
    )


def _obligations(record: Record, asked: Asked) -> tuple[str, ...]:
    entries = [asked.book.get(name) for name in record.content]
    owed = [duty for entry in entries if entry for duty in entry.obligations]
    kind = {"publish_dataset": "output_notice", "publish_model": "model_notice"}.get(asked.target)
    notices = [f"{kind}:{name}" for name in record.terms] if kind else []
    return tuple(dict.fromkeys([*owed, *notices]))


def _build(
    decided: Sequence[tuple[Group, Decision]],
    policy: Policy,
    book: LicenseBook,
    *,
    is_broken: bool,
) -> Judgement:
    """Apply the gate to the groups of a build (rule R17)."""
    counts: Counter[str] = Counter(dict.fromkeys(("allow", "review", "deny"), 0))
    for group, decision in decided:
        counts[str(decision.verdict)] += group.count
    every = [decision for group, decision in decided if group.count]
    kept = [d for group, d in decided if d.verdict == ALLOW and group.count]
    verdict = worst_of(every) if every else DENY
    if policy.gate == "exclude" and kept:
        verdict = ALLOW
    published = counts["allow"] if verdict == ALLOW else 0
    merged = merge(every, verdict, book, stated=kept if verdict == ALLOW else [])
    if is_broken:
        return Judgement(_broken(merged), BROKEN, counts, 0)
    exit_code = EXIT_CODES[DENY if policy.gate == "exclude" and not kept else verdict]
    return Judgement(merged, exit_code, counts, published)


def worst_of(decisions: Iterable[Decision]) -> Verdict:
    """Return the worst verdict of several decisions."""
    return max((decision.verdict for decision in decisions), default=ALLOW)


def merge(
    parts: Sequence[Decision],
    verdict: Verdict,
    book: LicenseBook,
    *,
    stated: Sequence[Decision] | None = None,
) -> Decision:
    """Return one decision for several: all reasons, and what holds for the `stated` ones."""
    ordered = sorted(parts, key=lambda part: -part.verdict)
    told = parts if stated is None else stated
    is_told = verdict != DENY and (stated is not None or all(part.expression for part in told))
    expressions = [part.expression for part in told] if is_told else []
    return Decision(
        verdict=verdict,
        reasons=tuple(dict.fromkeys(code for part in ordered for code in part.reasons)),
        obligations=() if verdict == DENY else _each(part.obligations for part in told),
        expression=book.expressions.combine(expressions),
        downstream_terms=ids_of(part.downstream_terms for part in told),
        decisions=ids_of(part.decisions for part in parts),
    )


def _each(lists: Iterable[Sequence[str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item for items in lists for item in items))


def _broken(decision: Decision) -> Decision:
    return Decision(
        DENY, ("HASH_MISMATCH", *decision.reasons), downstream_terms=decision.downstream_terms
    )
