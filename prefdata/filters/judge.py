"""Verdicts: what the text checks say of one turn, one transcript or one comparison."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TypeAlias

from prefdata import text as text_checks
from prefdata.core.finding import Finding
from prefdata.core.records import digest
from prefdata.filters import pairs, speaker
from prefdata.filters.view import Comparison, Turn
from prefdata.text.assess import Given, assess_all
from prefdata.text.limits import Limits, order
from prefdata.text.seen import Seen
from prefdata.text.source_tasks import language_task
from prefdata.text.template import speakers

Assessed: TypeAlias = Mapping[Given, tuple[Seen, ...]]


class Judge:
    """Runs the checks and lets one profile decide; holds no state of a record."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits

    def comparison(self, view: Comparison) -> list[Finding]:
        """Return all findings of a comparison, root causes first."""
        return self.comparisons([view])[0]

    def comparisons(self, views: Sequence[Comparison]) -> list[list[Finding]]:
        """Return the findings of each comparison; all their texts are assessed together."""
        known = assess_all(
            Given(turn.source, turn.target, turn.role, view.kind)
            for view in views
            for turns in (view.prompt, *view.completions)
            for turn in turns
        )
        return [by_cause(self._comparison(view, known)) for view in views]

    def _comparison(self, view: Comparison, known: Assessed) -> Iterator[Finding]:
        yield from self._turns(view.prompt, "prompt", view.kind, known)
        for n, completion in enumerate(view.completions):
            yield from self._turns(completion, f"completion_{n}", view.kind, known)
            for seen in speaker.check((*view.prompt, *completion)):
                yield self.finding(seen, f"completion_{n}", -1, view.kind)
        for seen in pairs.check(view):
            yield self.finding(seen, "pair", -1, view.kind)

    def _turns(
        self, turns: Sequence[Turn], side: str, kind: str, known: Assessed
    ) -> Iterator[Finding]:
        """Yield the findings of each turn of one side."""
        for n, turn in enumerate(turns):
            for seen in known[Given(turn.source, turn.target, turn.role, kind)]:
                yield self.finding(seen, side, n, kind, turn.role, is_native=turn.source is None)

    def finding(
        self,
        seen: Seen,
        side: str,
        turn: int,
        kind: str,
        role: str = "",
        *,
        is_native: bool = False,
    ) -> Finding:
        """Return a measurement with its limit and what the profile makes of it."""
        rule, _ = self.limits.judge(seen, kind, role, is_native=is_native)
        if rule is None:
            return Finding(
                seen.code, side, turn, seen.measured, None, seen.band, "none", seen.detail
            )
        action = rule.verdict_on(seen.measured)
        return Finding(
            seen.code, side, turn, seen.measured, rule.limit, seen.band, action, seen.detail
        )


def by_cause(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings with drops first, and within each action the root cause first."""
    places: Mapping[str, int] = order()
    ranks = {"drop": 0, "flag": 1, "repair": 2, "none": 3}
    return sorted(
        findings, key=lambda f: (ranks[f.action], places.get(f.code, 99), f.side, f.turn, f.band)
    )


def transcript_roles(source: str, target: str) -> Seen | None:
    """Compare the speakers of two transcripts: invented turns, or lost and swapped ones.

    >>> transcript_roles("\\n\\nHuman: Hi.", "\\n\\nHuman: やあ。")
    >>> transcript_roles("\\n\\nHuman: Hi.", "\\n\\n人間: やあ。").code
    'role_marker_mismatch'
    >>> transcript_roles("\\n\\nHuman: Hi.", "\\n\\nHuman: やあ。\\n\\nAssistant: どうも。").code
    'hallucinated_turn'
    """
    wanted, given = speakers(source), speakers(target)
    if wanted == given and _labels_kept(source, target):
        return None
    if len(given) > len(wanted):
        return Seen("hallucinated_turn", measured=float(len(given) - len(wanted)))
    if wanted == given:
        return Seen("role_marker_mismatch", detail="the labels were translated")
    return Seen(
        "role_marker_mismatch", detail=f"{' '.join(given) or 'none'} for {' '.join(wanted)}"
    )


def _labels_kept(source: str, target: str) -> bool:
    return all(source.count(label) <= target.count(label) for label in ("Human:", "Assistant:"))


def screen(turns: Sequence[Turn]) -> Iterator[tuple[int, Seen]]:
    """Yield tasks of users that have no meaning after translation; the English alone is read.

    >>> next(screen([Turn("user", "What rhymes with moon?", "")]))[1].code
    'language_dependent_task'
    >>> list(screen([Turn("user", "Who wrote this poem?", "")]))
    []
    """
    for n, turn in enumerate(turns):
        task = language_task(turn.source or "") if turn.role != "assistant" else ""
        if task:
            yield n, Seen("language_dependent_task", task)


@cache
def rules_digest() -> str:
    """Return a digest of all that decides a verdict: limits, word lists, code and dictionary.

    Code counts with its comments: to filter once too often costs minutes, and a digest of what the
    code means would differ between versions of Python.
    """
    own = Path(__file__).parent
    files = [
        own / f"{name}.py" for name in ("judge", "pairs", "screen", "speaker", "stage", "view")
    ]
    folder = Path(text_checks.__path__[0])
    files += sorted(p for p in folder.iterdir() if p.suffix in (".py", ".yaml", ".txt"))
    texts = (part for path in files for part in (path.name, path.read_text(encoding="utf-8")))
    return digest(*texts, version("fugashi"), version("unidic-lite"))
