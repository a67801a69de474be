"""All text checks over one turn: measurements, and what a profile makes of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from prefdata.text import (
    language,
    markup,
    personal,
    placeholders,
    quantities,
    refusal,
    repetition,
    speech_act,
    style,
    template,
    wholeness,
)
from prefdata.text.bitext import Bitext
from prefdata.text.language import BLANK
from prefdata.text.limits import Limits, order
from prefdata.text.mecab import analyze_all
from prefdata.text.seen import Seen
from prefdata.text.source_tasks import language_task

CHECKS: Final[tuple[Callable[[Bitext], Iterator[Seen]], ...]] = (
    language.check,
    template.check,
    refusal.check,
    repetition.check,
    markup.check,
    placeholders.check,
    quantities.check,
    wholeness.check,
    speech_act.check,
    style.check,
    personal.check,
)


_CHUNK: Final = 128  # texts


class Given(NamedTuple):
    """One turn to be assessed.

    `source` is the English text, None for a text born in Japanese; `role` is ``user``,
    ``assistant``, ``system`` or empty where it is not known; `kind` the source kind (hh, webgpt,
    synthetic, summarize, …); `finish_reason` the translator's own word (``stop``, ``length``),
    empty if unknown.
    """

    source: str | None
    target: str
    role: str = ""
    kind: str = ""
    finish_reason: str = ""


def assess_all(turns: Iterable[Given]) -> dict[Given, tuple[Seen, ...]]:
    """Run every check over many turns, equal ones once; what was seen, root causes first.

    MeCab and then each check go over a chunk of texts before the next one starts: their tables and
    patterns stay in the processor's cache, which saves a fifth of the time of going text by text.
    """
    distinct = list(dict.fromkeys(turns))
    found: dict[Given, tuple[Seen, ...]] = {}
    for start in range(0, len(distinct), _CHUNK):
        chunk = distinct[start : start + _CHUNK]
        found.update(zip(chunk, _assessed([Bitext(*given) for given in chunk]), strict=True))
    return found


def _assessed(texts: Sequence[Bitext]) -> Iterator[tuple[Seen, ...]]:
    seen: list[list[Seen]] = [[] for _ in texts]
    pairs = [pair for pair in zip(texts, seen, strict=True) if pair[0].target.strip(BLANK)]
    analyze_all([text.japanese.text for text, _ in pairs])  # remembered: `Bitext.words` finds them
    for check in CHECKS:
        for text, own in pairs:
            own.extend(check(text))
    places = order()
    for text, own in zip(texts, seen, strict=True):
        if not text.target.strip(BLANK):
            own.extend(CHECKS[0](text))
        if text.source and text.role != "assistant" and not text.english.citations:
            task = language_task(text.source, text.source_terms)
            if task:
                own.append(Seen("language_dependent_task", task))
        yield tuple(sorted(own, key=lambda one: places[one.code]))


@lru_cache(maxsize=8192)
def assess(
    source: str | None, target: str, role: str = "", kind: str = "", finish_reason: str = ""
) -> tuple[Seen, ...]:
    """Run every check over one turn; see `Given` for what is known of it."""
    given = Given(source, target, role, kind, finish_reason)
    return assess_all([given])[given]


@lru_cache(maxsize=8)
def _limits(profile: str) -> Limits:
    return Limits(profile)


def problems(
    source: str | None,
    target: str,
    *,
    role: str = "",
    kind: str = "",
    finish_reason: str = "",
    profile: str = "default",
) -> tuple[str, ...]:
    """Return the codes for which a profile drops this text, root cause first; empty if none.

    >>> problems("Kindness costs nothing.", "親切にするのにお金はかかりません。")
    ()
    >>> problems("Kindness costs nothing.", '"Kindness costs nothing."')
    ('untranslated',)
    """
    limits = _limits(profile)
    found: dict[str, None] = {}
    for seen in assess(source, target, role, kind, finish_reason):
        rule, is_crossed = limits.judge(seen, kind, role, is_native=source is None)
        if rule is not None and is_crossed and rule.action == "drop":
            found[seen.code] = None
    return tuple(found)
