"""One layer under one policy: what the rules say of it, and of each branch of its license."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from prefdata.licensing.case import CONTENT, CaseLayer
from prefdata.licensing.license_book import LicenseBook, ids_of
from prefdata.licensing.reason import ALLOW, DENY, REVIEW, Reason, deny, note, review, worst
from prefdata.licensing.rights import Asked, r10_rights, r13_contents, r13_outputs
from prefdata.licensing.rules import (
    NO_LICENSE,
    r1_admissible,
    r2_coverage,
    r3_third_party,
    r5_beside,
    r5_names,
    r5_registered,
    r5_tags,
    r6_evidence,
    r7_undisclosed,
    r9_condition,
)

Preference = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Option:
    """One branch of a layer's license: the ids that hold, and what the rules say of them.

    `readings` are the ids of each rival statement, where a conflict has several: `ids` are all.
    """

    ids: tuple[str, ...]
    reasons: tuple[Reason, ...]
    readings: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """A layer under one policy and target: what always holds, and its branches."""

    layer: CaseLayer
    reasons: tuple[Reason, ...]
    options: tuple[Option, ...]

    @property
    def is_content(self) -> bool:
        """Tell whether the layer's license reaches the text."""
        return self.layer.role in CONTENT


def standing(layer: CaseLayer, asked: Asked) -> Standing:
    """Apply the rules on one layer."""
    text, named = _named(layer, asked.book)
    readings = _readings(layer, text, asked.book)
    inadmissible = r1_admissible(layer)
    common = [*inadmissible, *r3_third_party(layer), *r6_evidence(layer, asked.policy)]
    common.extend([*r9_condition(layer), *named])
    if layer.status == "undisclosed" or inadmissible or (text is None and not readings):
        if layer.status == "conflicting":
            common.append(note("CONFLICTING", layer.artifact))
        common.extend([*r2_coverage(layer, (), asked.book), *r7_undisclosed(layer, asked)])
        return Standing(layer, tuple(common), (Option((), ()),))
    if text and layer.license:
        first = asked.book.expressions.alternatives(text)[0]
        common.extend(r5_beside(layer, first, asked.book)[1])
    if readings:
        return Standing(layer, tuple(common), (r8_conflict(layer, readings, asked),))
    options = branches(layer, str(text), asked)
    if len(options) > 1:
        common.append(note("CHOICE", layer.artifact))
    return Standing(layer, tuple(common), options)


def _named(layer: CaseLayer, book: LicenseBook) -> tuple[str | None, list[Reason]]:
    """Return the expression that a layer states; None if it states none."""
    if layer.license:
        return r5_names(layer.license, layer.artifact)
    return r5_tags(layer.hub_tags or (), book, layer.artifact)


def _readings(layer: CaseLayer, text: str | None, book: LicenseBook) -> tuple[str, ...]:
    """Return the rival statements of a layer; a tag that contradicts its license is one."""
    stated = [text] if text else []
    if text and layer.license:
        tagged = r5_beside(layer, (), book)[0]
        stated.extend([" AND ".join(f"({name})" for name in tagged)] if tagged else [])
    rivals = [_meaning(reading, book) for reading in layer.readings]
    choices_of = book.expressions.alternatives
    known = {choices_of(rival) for rival in rivals}
    for one in stated:
        if choices_of(one) not in known:
            known.add(choices_of(one))
            rivals.append(one)
    is_rival = layer.readings or len(rivals) > 1 or layer.status == "conflicting"
    return tuple(rivals) if is_rival else ()


def _meaning(reading: str, book: LicenseBook) -> str:
    """Read a reading as a license, or as a hub tag where no license has that name."""
    if book.get(reading) or reading.casefold() not in book.hub_tags:
        return reading
    return r5_tags([reading], book, "")[0] or ""


def branches(layer: CaseLayer, text: str, asked: Asked) -> tuple[Option, ...]:
    """Return the branches of an expression (R12) with what R2, R5, R10 and R13 say of each."""
    if text.casefold() in NO_LICENSE:
        return (Option((), tuple(r7_undisclosed(layer, asked))),)
    choices = asked.book.expressions.alternatives(text)
    return tuple(_branch(layer, ids, asked) for ids in choices)


def _branch(layer: CaseLayer, ids: tuple[str, ...], asked: Asked) -> Option:
    reasons = r2_coverage(layer, ids, asked.book)
    if any(reason.verdict == ALLOW for reason in reasons) or _names_none(ids):
        return Option((), (*reasons, *r7_undisclosed(layer, asked)))
    reasons.extend(r5_registered(layer, ids, asked))
    rules = (r10_rights, r13_contents) if layer.role in CONTENT else (r13_outputs,)
    found = [reason for rule in rules for reason in rule(ids, asked, layer.artifact)]
    return Option(ids, (*reasons, *found))


def _names_none(ids: Sequence[str]) -> bool:
    return any(name.casefold() in NO_LICENSE for name in ids)


def r8_conflict(layer: CaseLayer, readings: Sequence[str], asked: Asked) -> Option:
    """Decide every reading: all deny, all allow (with all of them), else a person.

    What only new evidence cures in one reading, no decision on the conflict lifts.
    """
    each = [branches(layer, reading, asked) for reading in readings]
    best = [min(options, key=lambda o: alone(o, asked)) for options in each]
    verdicts = {worst(option.reasons) for option in best}
    reasons = [reason for option in best for reason in option.reasons]
    if any(len(options) > 1 for options in each):
        reasons.append(note("CHOICE", layer.artifact))
    if verdicts == {DENY}:
        mark = deny("CONFLICTING", layer.artifact)
    elif verdicts == {ALLOW} and len(readings) > 1:
        mark = note("CONFLICTING", layer.artifact)
    else:
        mark = review("CONFLICTING", layer.artifact)
        reasons = [_softened(reason) for reason in reasons]
    ids = tuple(option.ids for option in best)
    return Option(ids_of(ids), (*reasons, mark), ids)


def _softened(reason: Reason) -> Reason:
    """Return what is left of a deny of one reading, where another one does not deny."""
    if reason.verdict != DENY:
        return reason
    return replace(reason, verdict=REVIEW if reason.is_final else ALLOW)


def alone(option: Option, asked: Asked) -> Preference:
    """Rank a branch by itself: its verdict, then what a policy prefers."""
    return (worst(option.reasons), *preference(option.ids, asked))


def preference(ids: Sequence[str], asked: Asked) -> Preference:
    """Rank branches of one verdict: the policy's order, no terms, the outbound license, duties."""
    book = asked.book
    order = [book.spell(name) for name in asked.policy.allow]
    rank = sum(order.index(name) for name in ids if name in order)
    terms = sum(book.output_rule(name) != "none" for name in ids)
    strange = sum(all(name not in choice for choice in asked.outbound) for name in ids)
    entries = [book.get(name) for name in ids]
    return rank, terms, strange, sum(len(e.obligations) for e in entries if e)
