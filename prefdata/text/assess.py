"""All text checks over one turn: measurements, and what a profile makes of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Final

from prefdata.text import (
    language,
    markup,
    personal,
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
from prefdata.text.seen import Seen
from prefdata.text.source_tasks import language_task

CHECKS: Final[tuple[Callable[[Bitext], Iterator[Seen]], ...]] = (
    language.check,
    template.check,
    refusal.check,
    repetition.check,
    markup.check,
    quantities.check,
    wholeness.check,
    speech_act.check,
    style.check,
    personal.check,
)


@lru_cache(maxsize=8192)
def assess(
    source: str | None, target: str, role: str = "", kind: str = "", finish_reason: str = ""
) -> tuple[Seen, ...]:
    """Run every check over one turn and return what was seen, root causes first.

    Args:
        source: the English text, None for a text born in Japanese.
        target: the Japanese text.
        role: ``user``, ``assistant``, ``system``, or empty where it is not known.
        kind: the source kind: hh, webgpt, synthetic, summarize, …
        finish_reason: the translator's own word (``stop``, ``length``), empty if unknown.
    """
    text = Bitext(source, target, role, kind, finish_reason)
    checks = CHECKS if target.strip(BLANK) else CHECKS[:1]
    seen = [one for check in checks for one in check(text)]
    if source and role != "assistant" and not text.english.citations:
        task = language_task(source, text.source_vocabulary)
        if task:
            seen.append(Seen("language_dependent_task", task))
    places = order()
    return tuple(sorted(seen, key=lambda one: places[one.code]))


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
        rule, is_crossed = limits.judge(seen, kind, role)
        if rule is not None and is_crossed and rule.action == "drop":
            found[seen.code] = None
    return tuple(found)
