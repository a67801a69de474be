"""The rules on one license: rights of texts (R10) and output rules of models (R13)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from prefdata.core.verdict import Verdict
from prefdata.licensing.license_book import License, LicenseBook
from prefdata.licensing.policy import Policy
from prefdata.licensing.reason import DENY, REVIEW, Reason, deny, review


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked: a policy, one of its targets, and the record's outbound license.

    `outbound` holds the alternatives of an expression, empty where each record keeps its own.
    """

    policy: Policy
    target: str
    outbound: tuple[tuple[str, ...], ...]
    book: LicenseBook

    @property
    def is_local(self) -> bool:
        """Tell whether nothing leaves the house."""
        return self.target == "train_local"


def r10_rights(ids: Sequence[str], asked: Asked, artifact: str) -> list[Reason]:
    """Compare the rights of content licenses with policy, target and outbound license."""
    reasons = r10_lists(ids, asked, artifact)
    for name in ids:
        entry = asked.book.get(name)
        if entry is None:
            continue
        for verdict, code in (
            *r10_no_derivatives(entry, asked),
            *r10_noncommercial(entry, asked),
            *r10_share_alike(entry, asked),
        ):
            reasons.append(Reason(code, verdict, frozenset([artifact])))
    return reasons


def r10_lists(ids: Sequence[str], asked: Asked, artifact: str) -> list[Reason]:
    """Apply the policy's own lists of licenses."""
    allowed = {asked.book.spell(name) for name in asked.policy.allow}
    strange = allowed and not {asked.book.spell(name) for name in ids} <= allowed
    found = [deny("NOT_IN_ALLOWLIST", artifact)] if strange else []
    return [*found, *r10_denied(ids, asked, artifact)]


def r10_denied(ids: Sequence[str], asked: Asked, artifact: str) -> list[Reason]:
    """Apply the list of what a policy does not want, whatever it is a license of."""
    denied = {asked.book.spell(name) for name in asked.policy.deny}
    is_hit = denied & {asked.book.spell(name) for name in ids}
    return [deny("DENYLISTED", artifact)] if is_hit else []


def r10_no_derivatives(entry: License, asked: Asked) -> list[tuple[Verdict, str]]:
    """ND: a translation is adapted material."""
    if entry.derivatives == "yes":
        return []
    if asked.is_local:
        return [] if entry.derivatives == "make_only" else [(DENY, "ND")]
    return [(DENY if asked.target == "publish_dataset" else REVIEW, "ND")]


def r10_noncommercial(entry: License, asked: Asked) -> list[tuple[Verdict, str]]:
    """NC: nothing for commercial policies, and no outbound license that drops the condition."""
    if entry.commercial:
        return []
    found = [(DENY, "NC")] if asked.policy.commercial else []
    if not all(_is_noncommercial(choice, asked.book) for choice in asked.outbound):
        found.append((DENY, "OUTBOUND_TOO_PERMISSIVE"))
    return found


def _is_noncommercial(ids: Sequence[str], book: LicenseBook) -> bool:
    entries = [book.get(name) for name in ids]
    return any(entry is not None and not entry.commercial for entry in entries)


def r10_share_alike(entry: License, asked: Asked) -> list[tuple[Verdict, str]]:
    """SA: the same or a later version outbound; whether it reaches a model is unsettled."""
    if not entry.share_alike:
        return []
    if not asked.policy.share_alike:
        return [(DENY, "SA")]
    if asked.target == "publish_model":
        return [(REVIEW, "SA_MODEL_UNSETTLED")]
    if all(choice and set(choice) <= set(entry.share_alike) for choice in asked.outbound):
        return []
    return [(DENY, "SA"), (DENY, "OUTBOUND_TOO_PERMISSIVE")]


def r13_outputs(ids: Sequence[str], asked: Asked, artifact: str) -> list[Reason]:
    """Apply the output rule of a generator's terms.

    A license on weights without a clause on outputs does not reach them (assumption A1): rule
    `none` is ok for every target, also for weights under NC, ND or share-alike.
    """
    return [reason for name in ids for reason in _r13_one(name, asked, artifact)]


def r13_contents(ids: Sequence[str], asked: Asked, artifact: str) -> list[Reason]:
    """Apply the output rules of terms of a model or service that are given as a text's license.

    They were written for something else than a text: a person must read what they mean for one.
    """
    reasons = r13_outputs(terms_among(ids, asked.book), asked, artifact)
    entries = [asked.book.get(name) for name in ids]
    if any(entry and entry.kind == "terms" for entry in entries):
        reasons.append(review("COVERAGE_UNCLEAR", artifact))
    return reasons


def terms_among(ids: Sequence[str], book: LicenseBook) -> list[str]:
    """Return the registered ids that have an output rule."""
    entries = [book.get(name) for name in ids]
    return [entry.id for entry in entries if entry and entry.output_rule != "none"]


def _r13_one(name: str, asked: Asked, artifact: str) -> list[Reason]:
    policy, terms = asked.policy, asked.book.get(name)
    rule, who = asked.book.output_rule(name), frozenset([artifact])
    if rule == "none":
        return r10_denied([name], asked, artifact)
    reasons = r10_lists([name], asked, artifact)
    if terms is None or rule == "unknown":
        verdict = REVIEW if asked.is_local else DENY
        return [*reasons, Reason("OUTPUT_UNKNOWN", verdict, who, is_final=not asked.is_local)]
    if rule == "no_other_llm" and _binds_family(asked):
        bases = policy.base_model_terms
        is_same = bases and all(asked.book.is_same_family(name, base) for base in bases)
        return reasons if is_same else [*reasons, deny("OUTPUT_TERMS", artifact)]
    if policy.accepts(terms, asked.target):
        return reasons
    verdict, travels = DENY if policy.strict_outputs else REVIEW, not asked.is_local
    is_final = travels and bool(terms.extract_of)
    return [*reasons, Reason("OUTPUT_TERMS", verdict, who, is_final)]


def _binds_family(asked: Asked) -> bool:
    if asked.is_local:
        return True
    return asked.target == "publish_model" and not asked.policy.strict_outputs
