"""One speaker's register over a whole dialogue; a single turn cannot show that it drifts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from prefdata.filters.view import Turn
from prefdata.text.masking import mask
from prefdata.text.mecab import analyze
from prefdata.text.register import Register, register_of
from prefdata.text.seen import Seen

_FEWEST = 5  # sentences with a register


def check(turns: Sequence[Turn]) -> Iterator[Seen]:
    """Yield how mixed the assistant's registers are over its turns, two or more of them.

    What users write may change its tone with the subject, and a dialogue born in Japanese as well.

    >>> said = ("はい。行きます。見ます。朝です。", "そうだ。見たぜ。")
    >>> turns = [Turn("assistant", "Yes.", text) for text in said]
    >>> [seen.measured for seen in check(turns)], list(check(turns[:1]))
    ([0.4], [])
    """
    answers = [turn.target for turn in turns if turn.role == "assistant" and turn.source]
    if len(answers) < 2:
        return
    found = [register_of(analyze(mask(answer).text)) for answer in answers]
    whole = Register(sum(r.polite for r in found), sum(r.plain for r in found))
    if whole.total >= _FEWEST and whole.mixture:
        detail = f"{whole.polite} polite, {whole.plain} plain, over {len(answers)} turns"
        yield Seen("register_inconsistent", "speaker", round(whole.mixture, 4), detail)
