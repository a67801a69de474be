"""Spans that are not prose: code, URLs, addresses, tags, LaTeX, handles, citations.

They are taken out of both texts before any ratio. Without that, "Japanese share below 0.30" hits
0.8 % of good translations; with it, none (8,242 human-rated WMT24 segments).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Final, NamedTuple

from prefdata.text.patterns import has_one

# Stands for a masked span within a sentence; a symbol, so it counts as no letter and no word.
HOLE: Final = "◇"

_CODE: Final = ("`", "~~~")
# Kinds of spans in the order they are tried: a sign that each holds, the characters it may begin with, and its
# pattern from the second one on: where a class of characters stands first, `re` passes over all others fast.
# For that, patterns of which a text holds no sign are left out: addresses begin with any letter.
_SPANS: Final[dict[str, tuple[tuple[str, ...], str, str]]] = {
    "block": (
        _CODE,
        "`~",
        r"(?P<fence>(?<=`)``|(?<=~)~~)[^\n]{0,40}\n.*?(?:\n[ \t]*(?P=fence)(?:(?<=`)`|(?<=~)~)|\Z)",
    ),
    "stray": (_CODE, "`", "``"),
    "code": (_CODE, "`", r"`[^\n]{1,300}?``|(?<=`)[^`\n]{1,300}`"),
    "latex": (
        ("$", "\\"),
        r"$\\",
        r"(?<=\$)\$[^$]{1,2000}\$\$"
        r"|(?<=\\)(?:\([^\n]{1,500}?\\\)|\[.{1,1000}?\\\]"
        r"|begin\{(?P<env>\w{1,20}\*?)\}.{0,1000}?\\end\{(?P=env)\})"
        r"|(?<=\$)(?<![\w$\\]\$)(?=[^\s$])[^$\n]{1,200}(?<=[^\s\\])\$(?![\d$])",
    ),
    "email": (
        ("@",),
        r"\w.%+\-",
        r"(?<![\w.%+-]{2})[\w.%+-]{0,63}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,5}",
    ),
    "url": (
        ("://", "：//", "www."),
        "hfw",
        r"(?:(?<=h)ttps?[:：]//|(?<=f)tp://|(?<=w)ww\.)[!#-;=?-Z_a-z~\[\]\\]+",
    ),
    "citation": (("[", "［"), r"\[［", r"[0-9０-９]{1,3}(?:\s?[,、，]\s?[0-9０-９]{1,3})*[\]］]"),
    "tag": (("<",), "<", r"/?[A-Za-z][A-Za-z0-9-]{0,20}(?:\s[^<>]{0,300})?/?>"),
    "digits": ((), "0-9", r"\d{39,}"),
    "handle": (("@",), "@", r"(?<![\w@]@)\w{2,30}"),
}
_SIGNS: Final = ("`", "<", "@", "\\", "[", "~", "［", "//", "www.")
_TWO_DIGITS = re.compile("[0-9][0-9]")
_LATEX_SIGN = re.compile(r"[\\^_={}]|^\$[A-Za-z](?:'|[0-9])?\$$")
_URL_TAIL = ".,;:!?)]}'\"*"
_DIGITS = re.compile(r"[0-9０-９]{1,3}")
_NO_SPANS: Final[Mapping[str, list[str]]] = MappingProxyType({})


class Masked(NamedTuple):
    """A text with `HOLE` for every span, and the spans by kind, in order.

    `citations` holds the numbers of each ``[n]`` marker: ``[1, 2]`` is one, ``[1][2]`` are two.
    """

    text: str
    spans: Mapping[str, list[str]] = _NO_SPANS
    citations: tuple[tuple[int, ...], ...] = ()

    def of(self, kind: str) -> list[str]:
        """Return the spans of one kind."""
        return self.spans.get(kind, [])

    @property
    def has_code(self) -> bool:
        """Tell whether the text holds code, inline or in blocks."""
        return "block" in self.spans or "code" in self.spans


def mask(text: str) -> Masked:
    """Take everything out that is not prose.

    >>> mask("Run `ls -l` or see https://example.com/a. [2]").text
    'Run ◇ or see ◇. ◇'
    >>> mask("Wait ~ here // or there").text
    'Wait ~ here // or there'
    """
    has_number = _may_have_long_number(text)
    if not (has_number or has_one(text, _SIGNS) or text.count("$") > 1):
        return Masked(text)
    spans: dict[str, list[str]] = {}
    numbers: list[tuple[int, ...]] = []

    def replace(match: re.Match[str]) -> str:
        kind = str(match.lastgroup)  # the outer one of nested groups
        span = match.group()
        if kind == "latex" and not _is_latex(span):
            return span
        if kind == "citation":
            numbers.append(tuple(int(n) for n in _DIGITS.findall(span)))
        tail = ""
        if kind == "url":
            kept = span.rstrip(_URL_TAIL)
            tail, span = span[len(kept) :], kept
        spans.setdefault(kind, []).append(span)
        return ("\n" + HOLE if kind == "block" else HOLE) + tail

    kinds = [kind for kind, (signs, _, _) in _SPANS.items() if has_one(text, signs)]
    if has_number:
        kinds.append("digits")
    masked = _pattern(tuple(kinds)).sub(replace, text) if kinds else text
    return Masked(masked, spans, tuple(numbers))


def _may_have_long_number(text: str) -> bool:
    """Tell whether a text may hold forty digits in a row: two of them are among every twentieth character."""
    return _TWO_DIGITS.search(text[::20]) is not None


@cache
def _pattern(kinds: tuple[str, ...]) -> re.Pattern[str]:
    """Return the pattern of some kinds of spans, each a named group."""
    firsts = "".join(_SPANS[kind][1] for kind in kinds)
    spans = "|".join(f"(?P<{kind}>(?<=[{_SPANS[kind][1]}])(?:{_SPANS[kind][2]}))" for kind in kinds)
    return re.compile(f"[{firsts}](?:{spans})", re.DOTALL | re.ASCII)


def _is_latex(span: str) -> bool:
    """Tell a formula from two prices: ``$5 and $6`` is prose."""
    return not span.startswith("$") or span.startswith("$$") or bool(_LATEX_SIGN.search(span))
