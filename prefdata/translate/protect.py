"""Placeholders for what must come through a translation unchanged.

Fenced and inline code, URLs, e-mail addresses, LaTeX and HTML tags become ``⟦C1⟧``-like marks and
are put back afterwards; a mark that is lost or doubled is a failed attempt. ``[n]`` citations
stay in the text: Japanese word order moves them, and they are compared as multisets instead.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass

_FENCED = r"```[\s\S]*?```|~~~[\s\S]*?~~~"
_INLINE = r"``[^\n]{1,300}?``|`[^`\n]+`"
# Spans have a longest length: a megabyte of openers without an end would take hours.
_LATEX = (
    r"\$\$[\s\S]{1,2000}?\$\$|\\\[[\s\S]{1,2000}?\\\]|\\\([\s\S]{1,2000}?\\\)"
    r"|\\begin\{(?P<env>[a-z*]{1,30})\}[\s\S]{1,4000}?\\end\{(?P=env)\}"
    r"|(?<![\w$\\])\$(?=[^\s$])[^$\n]{0,200}?[\\^_{}=][^$\n]{0,200}?(?<![\s\\])\$(?![\d$])"
)
_URL = (
    r"(?:https?|ftp)://[^\s<>\"'`⟦⟧]*[^\s<>\"'`⟦⟧.,;:!?)\]}]"
    r"|www\.[\w.-]+\.\w+(?:/[\w./?=&%~#+-]*[\w/])?"
)
_EMAIL = r"(?<![\w.+-])[\w.+-]++@[\w-]+(?:\.[\w-]+)+"
_TAG = (
    r"</?[A-Za-z][A-Za-z0-9-]*(?:\s+[\w:-]+(?:\s*=\s*(?:\"[^\"]*\"|'[^']*'|[^\s\"'>]+))?)*\s*/?>"
    r"|<!--[\s\S]{0,4000}?-->"
)
# In the order of preference at one place; the letter of a kind stands in its marks.
_KINDS = {"F": _FENCED, "C": _INLINE, "M": _LATEX, "U": _URL, "E": _EMAIL, "T": _TAG}
_CODES = {
    "F": "code_altered",
    "C": "code_altered",
    "M": "markup_broken",
    "U": "url_altered",
    "E": "url_altered",
    "T": "markup_broken",
}
_SPANS = re.compile("|".join(f"(?P<{letter}>{pattern})" for letter, pattern in _KINDS.items()))
MARK = re.compile(r"⟦([FCMUET])(\d+)⟧")
# Models write the brackets and letters in other widths and put blanks inside.
_LOOSE_MARK = re.compile(
    r"[⟦\[【〚〖]{1,2}\s*([FCMUET\uff21-\uff3a])\s*([0-9\uff10-\uff19]+)\s*[⟧\]】〛〗]{1,2}"
)


@dataclass(frozen=True, slots=True)
class Protected:
    """A text with marks, and what each mark stands for."""

    text: str
    spans: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Restored:
    """An answer with the spans back in place; `lost` names marks lost, doubled or invented."""

    text: str
    lost: tuple[tuple[str, float | None, float | None, str], ...] = ()


def protect(text: str) -> Protected:
    """Return the text with marks; a text that holds such marks itself is left alone."""
    if not _SPANS.search(text) or MARK.search(text):
        return Protected(text)
    spans: list[tuple[str, str]] = []

    def mark(match: re.Match[str]) -> str:
        letter = next(letter for letter in _KINDS if match.group(letter) is not None)
        spans.append((f"⟦{letter}{len(spans) + 1}⟧", match.group()))
        return spans[-1][0]

    return Protected(_SPANS.sub(mark, text), tuple(spans))


def restore(protected: Protected, answer: str) -> Restored:
    """Put the spans back in an answer; every mark must be there exactly once."""
    if not protected.spans:
        return Restored(answer)
    known = dict(protected.spans)
    answer = _LOOSE_MARK.sub(lambda m: _tidy(m, known), answer)
    counts = Counter(match.group() for match in MARK.finditer(answer))
    lost = []
    for mark, span in protected.spans:
        count = counts[mark]
        if count != 1:
            code = _CODES[mark[1]]
            lost.append((code, float(count), 1.0, f"{mark} for {span[:40]!r}"))
    return Restored(MARK.sub(lambda m: known.get(m.group(), m.group()), answer), tuple(lost))


def _tidy(match: re.Match[str], known: dict[str, str]) -> str:
    """Return a mark in its own spelling where one like it was given, else the text as it is."""
    mark = "⟦" + unicodedata.normalize("NFKC", match.group(1) + match.group(2)) + "⟧"
    return mark if mark in known else match.group()
