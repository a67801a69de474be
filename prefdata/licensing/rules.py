"""The rules on one layer and on one license: one small, pure function each.

They are R0 to R7, R9, R10 and R13; what needs the whole record is in `record.py` (R8, R11, R12,
R14), `human.py` (R15) and `decide.py` (R16, R17). Wording: `licenses/README.md`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from prefdata.core.verdict import Verdict
from prefdata.licensing.book import License, LicenseBook
from prefdata.licensing.case import CONTENT, GENERATORS, CaseLayer
from prefdata.licensing.evidence import SEARCH_LOG, granting, has_text, problems
from prefdata.licensing.expression import alternatives
from prefdata.licensing.policy import Policy
from prefdata.licensing.reason import DENY, REVIEW, Reason, deny, note, review

# Names that stand where a license should and name none.
NO_LICENSE = frozenset(
    {"", "unknown", "other", "none", "noassertion", "undisclosed", "unlicensed", "no license"}
)
FAMILY = "family"
FAMILY_REF = "LicenseRef-hub-family-"


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


def r0_lineage(layers: Sequence[CaseLayer], contains: Sequence[str]) -> list[Reason]:
    """Deny a record with content that no layer describes."""
    roles = {layer.role for layer in layers}
    if not set(contains) <= roles:
        return [Reason("NO_LINEAGE", DENY, is_final=True)]
    if roles & set(CONTENT):
        return []
    waits = any(r4_compilation(layer)[1:] for layer in layers if layer.role == "compilation")
    return [Reason("NO_LINEAGE", REVIEW if waits and not contains else DENY, is_final=True)]


def r1_admissible(layer: CaseLayer) -> list[Reason]:
    """Refuse evidence by anybody but the rights-holder or a compiler; then nothing is disclosed."""
    if granting(layer.evidence):
        return []
    claims = [item for item in layer.evidence if item.kind != SEARCH_LOG]
    if layer.status == "undisclosed" and not claims:
        return []
    return [note("EVIDENCE_INADMISSIBLE", layer.artifact)]


def r2_coverage(layer: CaseLayer, ids: Sequence[str], book: LicenseBook) -> list[Reason]:
    """Find licenses that cover something else than the data: code, a database, weights."""
    if layer.coverage == "code":
        return [note("LICENSE_COVERS_CODE_ONLY", layer.artifact)]
    if layer.coverage == "database" or _is_database_only(ids, book):
        return [note("DB_ONLY", layer.artifact)]
    if layer.coverage in ("weights", "service") and layer.role in CONTENT:
        return [note("LICENSE_COVERS_NO_DATA", layer.artifact)]
    return [review("COVERAGE_UNCLEAR", layer.artifact)] if layer.coverage == "unclear" else []


def _is_database_only(ids: Sequence[str], book: LicenseBook) -> bool:
    entries = [book.get(name) for name in ids]
    return bool(entries) and all(entry is not None and entry.database_only for entry in entries)


def r3_third_party(layer: CaseLayer) -> list[Reason]:
    """Send content that somebody else than its authors licenses to a person."""
    by_compiler_only = layer.role in CONTENT and all(
        item.by == "compiler" for item in granting(layer.evidence)
    )
    if layer.third_party or (by_compiler_only and granting(layer.evidence)):
        return [review("THIRD_PARTY_CONTENT", layer.artifact)]
    return []


def r4_compilation(layer: CaseLayer) -> list[Reason]:
    """Ignore a compilation's own tag; its upstreams count, if they are known."""
    reasons = [note("AGGREGATOR_NOT_AUTHORITATIVE", layer.artifact)]
    is_known = layer.upstream_listed is not False and layer.rows_matched is not False
    if not is_known or not (layer.upstream_listed or layer.rows_matched):
        reasons.append(review("AGGREGATOR_UPSTREAM_UNKNOWN", layer.artifact))
    return reasons


def r5_tags(
    tags: Sequence[str], book: LicenseBook, artifact: str
) -> tuple[str | None, list[Reason]]:
    """Return the expression that hub tags stand for, None if they name no license."""
    meanings = [(tag, book.hub_tags.get(tag.casefold(), tag)) for tag in tags]
    if any(meaning.casefold() in NO_LICENSE for _, meaning in meanings):
        return None, []
    named = [f"{FAMILY_REF}{tag}" if m == FAMILY else m for tag, m in meanings]
    reasons = [review("LICENSE_AMBIGUOUS", artifact) for _, m in meanings if m == FAMILY]
    return _all_of(named, reasons, artifact)


def r5_names(names: Sequence[str], artifact: str) -> tuple[str | None, list[Reason]]:
    """Return the expression that license names make, None if one of them names no license."""
    if any(name.casefold() in NO_LICENSE for name in names):
        return None, []
    return _all_of(names, [], artifact)


def _all_of(
    names: Sequence[str], reasons: list[Reason], artifact: str
) -> tuple[str | None, list[Reason]]:
    if len(names) > 1:
        reasons.append(note("LICENSE_LIST_AS_AND", artifact))
    return " AND ".join(f"({name})" for name in names) or None, reasons


def r5_registered(ids: Sequence[str], asked: Asked, artifact: str) -> list[Reason]:
    """Send a license that nobody has registered to a person; a family tag already waits for one."""
    if all(name.startswith(FAMILY_REF) or asked.book.get(name) for name in ids):
        return []
    return [review("UNREGISTERED_LICENSE", artifact)]


def r6_evidence(layer: CaseLayer, policy: Policy) -> list[Reason]:
    """Find evidence of another revision, too old, or too weak; one sound piece is enough."""
    grants = granting(layer.evidence)
    found = [
        problems(item, min_grade=policy.min_evidence, max_age_days=policy.max_evidence_age_days)
        for item in grants
    ]
    reasons: list[Reason] = []
    if found and all(found):
        every = dict.fromkeys(code for codes in found for code in codes)
        reasons.extend(review(code, layer.artifact) for code in every)
    if grants and layer.role in CONTENT and not has_text(layer.evidence):
        reasons.append(note("UPSTREAM_TEXT_MISSING", layer.artifact))
    return reasons


def r7_undisclosed(layer: CaseLayer, asked: Asked) -> list[Reason]:
    """Deny what nobody has licensed; for work at home a person may judge, no waiver can."""
    verdict = REVIEW if asked.is_local else DENY
    who = frozenset([layer.artifact])
    reasons = [Reason("UNDISCLOSED", verdict, who, is_final=True)]
    if layer.role in GENERATORS:
        reasons.append(Reason("OUTPUT_UNKNOWN", verdict, who))
    return reasons


def r9_condition(layer: CaseLayer) -> list[Reason]:
    """Send a grant whose condition is not shown to be met to a person."""
    if layer.status != "conditional" or layer.condition_met:
        return []
    return [review("CONDITIONAL", layer.artifact)]


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
    spell = asked.book.spell
    allowed, denied = (
        {spell(n) for n in names} for names in (asked.policy.allow, asked.policy.deny)
    )
    reasons = []
    if allowed and not {spell(name) for name in ids} <= allowed:
        reasons.append(deny("NOT_IN_ALLOWLIST", artifact))
    if {spell(name) for name in ids} & denied:
        reasons.append(deny("DENYLISTED", artifact))
    return reasons


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
    """Apply the output rule of a generator's terms."""
    return [reason for name in ids for reason in _r13_one(name, asked, artifact)]


def _r13_one(name: str, asked: Asked, artifact: str) -> list[Reason]:
    policy, rule = asked.policy, asked.book.output_rule(name)
    reasons = _use_of_model(name, asked, artifact)
    if rule == "none":
        return reasons
    reasons.extend(r10_lists([name], asked, artifact))
    if rule == "unknown":
        return [*reasons, (review if asked.is_local else deny)("OUTPUT_UNKNOWN", artifact)]
    if rule == "no_other_llm" and _binds_family(asked):
        same = any(asked.book.is_same_family(name, base) for base in policy.base_model_terms)
        return reasons if same else [*reasons, deny("OUTPUT_TERMS", artifact)]
    if policy.accepts(rule, asked.target):
        return reasons
    return [*reasons, (deny if policy.strict_outputs else review)("OUTPUT_TERMS", artifact)]


def _binds_family(asked: Asked) -> bool:
    if asked.is_local:
        return True
    return asked.target == "publish_model" and not asked.policy.strict_outputs


def _use_of_model(name: str, asked: Asked, artifact: str) -> list[Reason]:
    """Deny noncommercial weights to commercial policies: running the model is the use."""
    entry = asked.book.get(name)
    is_barred = entry is not None and not entry.commercial and asked.policy.commercial
    return [deny("NC", artifact)] if is_barred else []


def choices_of(name: str, book: LicenseBook) -> tuple[tuple[str, ...], ...]:
    """Return the alternatives of an expression in the registry's spelling."""
    return tuple(tuple(book.spell(part) for part in choice) for choice in alternatives(name))
