"""What a program fills in: {name}, {{ name }}, ${name}, %s, %(name)s, <<name>>."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from prefdata.text.bitext import Bitext
from prefdata.text.patterns import has_one
from prefdata.text.seen import Seen

_SIGNS: Final = ("{", "%", "<<")
# No argument of a formula: x_{i}, e^{x}.
_PLACEHOLDER = re.compile(
    r"\{(?<![\\\w}^].)(?:\{ ?\w[\w.-]{0,40} ?\}|\w[\w.-]{0,40})\}"
    r"|%(?<![\w%].)(?:\(\w{1,40}\)|\d\$)?[sd]\b|<<\w[\w.-]{0,40}>>"
)
_SPACE = re.compile(r"\s+")


def check(text: Bitext) -> Iterator[Seen]:
    """Yield placeholders that are gone, or translated: no program fills those in.

    >>> from prefdata.text.assess import problems
    >>> problems("Hi {first_name}, you owe %d yen.", "{名前}様、お支払いは%d円です。")
    ('markup_broken',)
    >>> problems("Hi {first_name}, you owe %d yen.", "{first_name}様、お支払いは%d円です。")
    ()
    """
    if text.is_native or not has_one(text.source, _SIGNS):
        return
    is_plain = text.english.spans.keys() <= {"tag"}  # which <<name>> looks like
    wanted = _PLACEHOLDER.findall(text.source if is_plain else text.english.text)
    there = _SPACE.sub("", text.target)
    missing = [p for p in dict.fromkeys(wanted) if _SPACE.sub("", p) not in there]
    if missing:
        yield Seen("markup_broken", "placeholder", float(len(missing)), " ".join(missing)[:80])
