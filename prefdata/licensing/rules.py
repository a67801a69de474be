"""The rules on one layer, R0 to R7 and R9: one small, pure function each.

R10 and R13, on one license, are in `rights.py`; R8 in `standing.py`; what needs the whole record in
`record.py` (R11, R12, R14), `human_decisions.py` (R15) and `decide.py` (R16, R17). Wording:
`licenses/README.md`.
"""

from __future__ import annotations

from collections.abc import Sequence

from prefdata.licensing.case import CONTENT, GENERATORS, CaseLayer, Evidence
from prefdata.licensing.evidence import SEARCH_LOG, granting, has_text, problems
from prefdata.licensing.license_book import LicenseBook
from prefdata.licensing.policy import Policy
from prefdata.licensing.reason import DENY, REVIEW, Reason, note, review
from prefdata.licensing.rights import Asked

# Names that stand where a license should and name none.
NO_LICENSE = frozenset(
    {"", "unknown", "other", "none", "noassertion", "undisclosed", "unlicensed", "no license"}
)
FAMILY = "family"
FAMILY_REF = "LicenseRef-hub-family-"


def r0_lineage(layers: Sequence[CaseLayer], contains: Sequence[str]) -> list[Reason]:
    """Deny a record with content that no layer describes."""
    roles = {layer.role for layer in layers}
    if not set(contains) <= roles:
        return [Reason("NO_LINEAGE", DENY, is_final=True)]
    if roles & set(CONTENT):
        return []
    waits = any(r4_compilation(layer)[1:] for layer in layers if layer.role == "compilation")
    return [Reason("NO_LINEAGE", REVIEW if waits and not contains else DENY, is_final=True)]


def grants_of(layer: CaseLayer) -> list[Evidence]:
    """Return the evidence that can grant (R1): the rights-holder's, or else a compiler's.

    A compiler licenses a compilation and, with R3, its contents; never a model's terms. What he
    says beside the rights-holder neither adds to a grant nor renews it.
    """
    grants = granting(layer.evidence)
    own = [item for item in grants if item.by == "rights_holder"]
    return own if own or layer.role in GENERATORS else grants


def r1_admissible(layer: CaseLayer) -> list[Reason]:
    """Refuse evidence by anybody but the rights-holder or a compiler; then nothing is disclosed."""
    if grants_of(layer):
        return []
    claims = [item for item in layer.evidence if item.kind != SEARCH_LOG]
    if layer.status == "undisclosed" and not claims:
        return []
    return [note("EVIDENCE_INADMISSIBLE", layer.artifact)]


def r2_coverage(layer: CaseLayer, ids: Sequence[str], book: LicenseBook) -> list[Reason]:
    """Find licenses that cover something else than the data: code, a database, weights.

    What a layer states counts, but a database license has nothing to grant in the contents. Where
    it states nothing, the license covers the data unless its text is one for something else.
    """
    covered = _covered(ids, book)
    if layer.coverage == "code":
        return [note("LICENSE_COVERS_CODE_ONLY", layer.artifact)]
    if layer.coverage == "database" or "database" in covered:
        return [note("DB_ONLY", layer.artifact)]
    if layer.role in CONTENT and layer.coverage in ("weights", "service"):
        return [note("LICENSE_COVERS_NO_DATA", layer.artifact)]
    if layer.role in CONTENT and covered and not layer.coverage:
        only_code = covered == {"software"}
        code = "LICENSE_COVERS_CODE_ONLY" if only_code else "LICENSE_COVERS_NO_DATA"
        return [note(code, layer.artifact)]
    return [review("COVERAGE_UNCLEAR", layer.artifact)] if layer.coverage == "unclear" else []


def _covered(ids: Sequence[str], book: LicenseBook) -> set[str]:
    """Return what licenses cover together, empty if one of them may cover contents."""
    entries = [book.get(name) for name in ids]
    if any(entry is None or "content" in entry.covers for entry in entries):
        return set()
    return {part for entry in entries if entry for part in entry.covers}


def r3_third_party(layer: CaseLayer) -> list[Reason]:
    """Send content that somebody else than its authors licenses to a person."""
    by_compiler = any(item.by == "compiler" for item in grants_of(layer))
    if layer.third_party or (layer.role in CONTENT and by_compiler):
        return [review("THIRD_PARTY_CONTENT", layer.artifact)]
    return []


def r4_compilation(layer: CaseLayer) -> list[Reason]:
    """Ignore a compilation's own tag; its upstreams count, if they are known."""
    reasons = [note("AGGREGATOR_NOT_AUTHORITATIVE", layer.artifact)]
    if layer.upstream_listed is False or not layer.rows_matched:
        reasons.append(review("AGGREGATOR_UPSTREAM_UNKNOWN", layer.artifact))
    return reasons


def r5_tags(
    tags: Sequence[str], book: LicenseBook, artifact: str
) -> tuple[str | None, list[Reason]]:
    """Return the expression that hub tags stand for, None if they name no license."""
    meanings = [(tag, book.hub_tags.get(tag.casefold(), tag)) for tag in tags]
    named = [f"{FAMILY_REF}{tag}" if m == FAMILY else m for tag, m in meanings]
    return _all_of(named, artifact)


def r5_beside(
    layer: CaseLayer, ids: Sequence[str], book: LicenseBook
) -> tuple[tuple[str, ...], list[Reason]]:
    """Return what tags name beside a license; a family that none of its ids is of is ambiguous."""
    named, reasons = [], []
    for tag in layer.hub_tags or ():
        meaning = book.hub_tags.get(tag.casefold(), tag)
        if meaning == FAMILY:
            if not any(name.casefold().startswith(tag.casefold()) for name in ids):
                reasons.append(review("LICENSE_AMBIGUOUS", layer.artifact))
        elif meaning.casefold() not in NO_LICENSE:
            named.append(meaning)
    return tuple(named), reasons


def r5_names(names: Sequence[str], artifact: str) -> tuple[str | None, list[Reason]]:
    """Return the expression that license names make, None if one of them names no license."""
    return _all_of(names, artifact)


def _all_of(names: Sequence[str], artifact: str) -> tuple[str | None, list[Reason]]:
    reasons = [note("LICENSE_LIST_AS_AND", artifact)] if len(names) > 1 else []
    if any(name.casefold() in NO_LICENSE for name in names):
        return None, reasons
    return " AND ".join(f"({name})" for name in names) or None, reasons


def r5_registered(layer: CaseLayer, ids: Sequence[str], asked: Asked) -> list[Reason]:
    """Send a family tag, and a license that nobody has registered, to a person.

    A generator's unread terms are R13's: work at home asks a person once, this is a note then.
    """
    said = (*(layer.hub_tags or ()), *layer.readings)
    families = {f"{FAMILY_REF}{t}" for t in said if asked.book.hub_tags.get(t.casefold()) == FAMILY}
    reasons = [review("LICENSE_AMBIGUOUS", layer.artifact)] if families & set(ids) else []
    is_new = not all(name in families or asked.book.get(name) for name in ids)
    if is_new:
        is_asked = asked.is_local and layer.role in GENERATORS
        reasons.append((note if is_asked else review)("UNREGISTERED_LICENSE", layer.artifact))
    return reasons


def r6_evidence(layer: CaseLayer, policy: Policy) -> list[Reason]:
    """Find evidence of another revision, too old, or too weak; one sound piece is enough."""
    grants = grants_of(layer)
    found = [
        problems(item, min_grade=policy.min_evidence, max_age_days=policy.max_evidence_age_days)
        for item in grants
    ]
    reasons: list[Reason] = []
    if found and all(found):
        every = dict.fromkeys(code for codes in found for code in codes)
        reasons.extend(review(code, layer.artifact) for code in every)
    if grants and not has_text(layer.evidence):
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
