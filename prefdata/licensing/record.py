"""One record: each layer's standing, the best choice of branches, what holds between layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import prod

from prefdata.licensing.book import LicenseBook, ids_of
from prefdata.licensing.case import CONTENT, CaseLayer, Group
from prefdata.licensing.reason import ALLOW, DENY, REVIEW, Reason, deny, note, review, worst
from prefdata.licensing.rules import (
    NO_LICENSE,
    Asked,
    r0_lineage,
    r1_admissible,
    r2_coverage,
    r3_third_party,
    r4_compilation,
    r5_beside,
    r5_names,
    r5_registered,
    r5_tags,
    r6_evidence,
    r7_undisclosed,
    r9_condition,
    r10_rights,
    r13_contents,
    r13_outputs,
    terms_among,
)

MOST_COMBINATIONS = 256


@dataclass(frozen=True, slots=True)
class Option:
    """One branch of a layer's license: the ids that hold, and what the rules say of them."""

    ids: tuple[str, ...]
    reasons: tuple[Reason, ...]


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


@dataclass(frozen=True, slots=True)
class Record:
    """What the rules say of one record: reasons, content licenses, terms of generators."""

    reasons: tuple[Reason, ...]
    content: tuple[str, ...]
    terms: tuple[str, ...]


def examine(group: Group, asked: Asked) -> Record:
    """Apply the rules R0 to R14 to one record."""
    layers = [layer for layer in group.layers if layer.role != "tool"]
    reasons = r0_lineage(layers, group.contains)
    for layer in layers:
        if layer.role == "compilation":
            reasons.extend(r4_compilation(layer))
    if not all(asked.book.get(name) for choice in asked.outbound for name in choice):
        reasons.append(Reason("UNREGISTERED_LICENSE", REVIEW, is_final=True))
    standings = [standing(layer, asked) for layer in layers if layer.role != "compilation"]
    for one in standings:
        reasons.extend(one.reasons)
    chosen = choose(standings, asked)
    for option in chosen:
        reasons.extend(option.reasons)
    reasons.extend(_between(standings, chosen, asked))
    texts = [option.ids for one, option in zip(standings, chosen, strict=True) if one.is_content]
    if worst(reasons) == ALLOW and not all(texts):
        reasons.append(Reason("UNDISCLOSED", DENY, is_final=True))
    return Record(tuple(reasons), ids_of(texts), _terms(standings, chosen, asked.book))


def _terms(
    standings: Sequence[Standing], chosen: Sequence[Option], book: LicenseBook
) -> tuple[str, ...]:
    """Return the ids of terms that reach what their models wrote, and what stands under them."""
    pairs = zip(standings, chosen, strict=True)
    return ids_of(_reaching(one, option, book) for one, option in pairs)


def _reaching(one: Standing, option: Option, book: LicenseBook) -> list[str]:
    if one.is_content:
        return terms_among(option.ids, book)
    return [name for name in option.ids if book.output_rule(name) != "none"]


def standing(layer: CaseLayer, asked: Asked) -> Standing:
    """Apply the rules on one layer."""
    text, named = _named(layer, asked.book)
    readings = _readings(layer, text, asked.book)
    inadmissible = r1_admissible(layer)
    common = [*inadmissible, *r3_third_party(layer)]
    if layer.status == "conflicting" and not readings and not inadmissible:
        unsettled = Reason("CONFLICTING", REVIEW, frozenset([layer.artifact]), is_final=True)
        return Standing(layer, (*common, unsettled), (Option((), ()),))
    if layer.status == "undisclosed" or inadmissible or (text is None and not readings):
        common.extend(reason for reason in r2_coverage(layer, (), asked.book))
        return Standing(layer, (*common, *r7_undisclosed(layer, asked)), (Option((), ()),))
    beside = (
        r5_beside(layer, asked.book.expressions.alternatives(text)[0], asked.book)[1]
        if text
        else []
    )
    common.extend([*named, *(beside if layer.license else [])])
    common.extend([*r6_evidence(layer, asked.policy), *r9_condition(layer)])
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
        return Option(ids, (*reasons, *r7_undisclosed(layer, asked)))
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
    best = [min(branches(layer, reading, asked), key=_severity) for reading in readings]
    verdicts = {worst(option.reasons) for option in best}
    ids = ids_of(option.ids for option in best)
    reasons = [reason for option in best for reason in option.reasons]
    if verdicts == {DENY}:
        return Option(ids, (*reasons, deny("CONFLICTING", layer.artifact)))
    if verdicts == {ALLOW} and len(readings) > 1:
        return Option(ids, (*reasons, note("CONFLICTING", layer.artifact)))
    softened = [
        replace(r, verdict=REVIEW if r.is_final else ALLOW) if r.verdict == DENY else r
        for r in reasons
    ]
    return Option(ids, (*softened, review("CONFLICTING", layer.artifact)))


def _severity(option: Option) -> int:
    return int(worst(option.reasons))


def choose(standings: Sequence[Standing], asked: Asked) -> list[Option]:
    """Take the best branch of every OR (R12): verdict, then the policy's order, then as written.

    Layers with the same license and kind take the same branch.
    """
    keys = [(s.layer.license, s.layer.hub_tags, s.is_content, len(s.options)) for s in standings]
    sizes = {key: key[3] for key in keys}
    if prod(sizes.values()) == 1:
        return [s.options[0] for s in standings]
    if prod(sizes.values()) > MOST_COMBINATIONS:
        return [min(s.options, key=_severity) for s in standings]
    names = list(sizes)
    combinations = []
    for picks in product(*(range(sizes[name]) for name in names)):
        pick = dict(zip(names, picks, strict=True))
        combinations.append([s.options[pick[k]] for s, k in zip(standings, keys, strict=True)])
    return min(combinations, key=lambda chosen: _cost(standings, chosen, asked))


def _cost(
    standings: Sequence[Standing], chosen: Sequence[Option], asked: Asked
) -> tuple[int, int, int, int]:
    reasons = [reason for option in chosen for reason in option.reasons]
    verdict = worst([*reasons, *_between(standings, chosen, asked)])
    order = [asked.book.spell(name) for name in asked.policy.allow]
    ids = ids_of(o.ids for s, o in zip(standings, chosen, strict=True) if len(s.options) > 1)
    rank = sum(order.index(name) for name in ids if name in order)
    strange = sum(all(name not in choice for choice in asked.outbound) for name in ids)
    entries = [asked.book.get(name) for name in ids]
    return int(verdict), rank, strange, sum(len(e.obligations) for e in entries if e)


def _between(standings: Sequence[Standing], chosen: Sequence[Option], asked: Asked) -> list[Reason]:
    """Apply what holds between layers: R11 and R14."""
    pairs = list(zip(standings, chosen, strict=True))
    content = [(s.layer.artifact, name) for s, o in pairs if s.is_content for name in o.ids]
    makers = [
        s.layer.artifact
        for s, o in pairs
        if _reaching(s, o, asked.book) or not (s.is_content or o.ids)
    ]
    return [*r11_clash(content, asked.book), *r14_extra_terms(content, makers, asked.book)]


def r11_clash(content: Sequence[tuple[str, str]], book: LicenseBook) -> list[Reason]:
    """Deny share-alike licenses (or share-alike and NC) without a common outbound license."""
    entries = [(artifact, book.get(name)) for artifact, name in content]
    lists = [set(e.share_alike) for _, e in entries if e and e.share_alike]
    if not lists:
        return []
    common = set.intersection(*lists)
    if any(e and not e.commercial for _, e in entries):
        targets = {name: book.get(name) for name in common}
        common = {name for name, entry in targets.items() if entry and not entry.commercial}
    return [] if common else [deny("SA_CLASH", *(artifact for artifact, _ in entries))]


def r14_extra_terms(
    content: Sequence[tuple[str, str]], makers: Sequence[str], book: LicenseBook
) -> list[Reason]:
    """Send share-alike text that a generator's terms reach to a person."""
    entries = [(artifact, book.get(name)) for artifact, name in content]
    shared = [artifact for artifact, e in entries if e and e.share_alike]
    return [review("SA_EXTRA_TERMS", *shared, *makers)] if shared and makers else []
