"""One record: the best branches of its layers' licenses, and what holds between layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import prod

from prefdata.licensing.case import Group
from prefdata.licensing.license_book import LicenseBook, ids_of
from prefdata.licensing.reason import ALLOW, DENY, REVIEW, Reason, review, worst
from prefdata.licensing.rights import Asked, terms_among
from prefdata.licensing.rules import r0_lineage, r4_compilation
from prefdata.licensing.standing import Option, Preference, Standing, alone, preference, standing

MOST_COMBINATIONS = 256


@dataclass(frozen=True, slots=True)
class Record:
    """What the rules say of one record: reasons, content licenses, terms of generators."""

    reasons: tuple[Reason, ...]
    content: tuple[str, ...]
    terms: tuple[str, ...]


def examine(group: Group, asked: Sequence[Asked]) -> list[Record]:
    """Apply the rules R0 to R14 to one record, for each target that is asked about.

    A record has one license: the branch of an OR is taken once, for all targets.
    """
    layers = [layer for layer in group.layers if layer.role not in ("tool", "compilation")]
    standings = [[standing(layer, one) for layer in layers] for one in asked]
    picks = choose(standings, asked)
    return [_examined(group, own, picks, one) for own, one in zip(standings, asked, strict=True)]


def _examined(
    group: Group, standings: Sequence[Standing], picks: Sequence[int], asked: Asked
) -> Record:
    layers = [layer for layer in group.layers if layer.role != "tool"]
    reasons = r0_lineage(layers, group.contains)
    for layer in layers:
        if layer.role == "compilation":
            reasons.extend(r4_compilation(layer))
    if not all(asked.book.get(name) for choice in asked.outbound for name in choice):
        reasons.append(Reason("UNREGISTERED_LICENSE", REVIEW, is_final=True))
    chosen = [one.options[pick] for one, pick in zip(standings, picks, strict=True)]
    reasons.extend(reason for one in standings for reason in one.reasons)
    reasons.extend(reason for option in chosen for reason in option.reasons)
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


def choose(standings: Sequence[Sequence[Standing]], asked: Sequence[Asked]) -> list[int]:
    """Return the number of the best branch of every layer's OR (R12), one for all targets.

    The verdict counts first, then the policy's order, then as written. Layers with the same license
    and kind take the same branch.
    """
    every = standings[0]
    keys = [(s.layer.license, s.layer.hub_tags, s.is_content, len(s.options)) for s in every]
    sizes = {key: key[3] for key in keys}
    if prod(sizes.values()) > MOST_COMBINATIONS:
        return [_best_alone(n, standings, asked) for n in range(len(keys))]
    combinations = []
    for picks in product(*(range(size) for size in sizes.values())):
        pick = dict(zip(sizes, picks, strict=True))
        combinations.append([pick[key] for key in keys])
    if len(combinations) == 1:
        return combinations[0]
    return min(combinations, key=lambda picks: _cost(standings, picks, asked))


def _best_alone(n: int, standings: Sequence[Sequence[Standing]], asked: Sequence[Asked]) -> int:
    """Return the best branch of the n-th layer by itself."""

    def cost(pick: int) -> list[Preference]:
        pairs = zip(standings, asked, strict=True)
        return sorted((alone(own[n].options[pick], one) for own, one in pairs), reverse=True)

    return min(range(len(standings[0][n].options)), key=cost)


def _cost(
    standings: Sequence[Sequence[Standing]], picks: Sequence[int], asked: Sequence[Asked]
) -> Preference:
    verdicts = []
    for own, one in zip(standings, asked, strict=True):
        chosen = [s.options[pick] for s, pick in zip(own, picks, strict=True)]
        reasons = [reason for option in chosen for reason in option.reasons]
        verdicts.append(worst([*reasons, *_between(own, chosen, one)]))
    pairs = zip(standings[0], picks, strict=True)
    ids = ids_of(s.options[pick].ids for s, pick in pairs if len(s.options) > 1)
    return (max(verdicts), *preference(ids, asked[0]))


def _between(standings: Sequence[Standing], chosen: Sequence[Option], asked: Asked) -> list[Reason]:
    """Apply what holds between layers: R11 and R14."""
    pairs = list(zip(standings, chosen, strict=True))
    texts = [(s.layer.artifact, o) for s, o in pairs if s.is_content]
    makers = [
        s.layer.artifact
        for s, o in pairs
        if _reaching(s, o, asked.book) or not (s.is_content or o.ids)
    ]
    content = [(artifact, name) for artifact, option in texts for name in option.ids]
    return [*r11_clash(texts, asked.book), *r14_extra_terms(content, makers, asked.book)]


def r11_clash(texts: Sequence[tuple[str, Option]], book: LicenseBook) -> list[Reason]:
    """Deny share-alike licenses (or share-alike and NC) without a common outbound license.

    Where statements conflict, every reading is asked: one that clashes alone makes it a question
    for evidence, as does a clash between readings of which not all are allowed.
    """
    artifacts = frozenset(artifact for artifact, _ in texts)
    every = [name for _, option in texts for name in option.ids]
    if not _is_clash(every, book):
        return []
    kinds = list(dict.fromkeys(option.readings for _, option in texts if option.readings))
    if prod(len(kind) for kind in kinds) > MOST_COMBINATIONS:
        return [Reason("SA_CLASH", DENY, artifacts)]
    clashes = []
    for picks in product(*kinds):
        pick = dict(zip(kinds, picks, strict=True))
        read = [name for _, o in texts for name in pick.get(o.readings, o.ids)]
        clashes.append(_is_clash(read, book))
    is_allowed = all(worst(o.reasons) == ALLOW for _, o in texts if o.readings)
    if all(clashes) or (is_allowed and not any(clashes)):
        return [Reason("SA_CLASH", DENY, artifacts)]
    return [Reason("SA_CLASH", REVIEW, artifacts, is_final=True)]


def _is_clash(ids: Sequence[str], book: LicenseBook) -> bool:
    """Tell whether content licenses have no common outbound license."""
    entries = [entry for entry in map(book.get, ids) if entry]
    lists = [set(entry.share_alike) for entry in entries if entry.share_alike]
    if not lists:
        return False
    common = set.intersection(*lists)
    if any(not entry.commercial for entry in entries):
        targets = {name: book.get(name) for name in common}
        common = {name for name, entry in targets.items() if entry and not entry.commercial}
    return not common


def r14_extra_terms(
    content: Sequence[tuple[str, str]], makers: Sequence[str], book: LicenseBook
) -> list[Reason]:
    """Send share-alike text that a generator's terms reach to a person."""
    entries = [(artifact, book.get(name)) for artifact, name in content]
    shared = [artifact for artifact, e in entries if e and e.share_alike]
    return [review("SA_EXTRA_TERMS", *shared, *makers)] if shared and makers else []
