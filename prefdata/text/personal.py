"""Flags: personal data, and content tied to another country."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from prefdata.text import latin
from prefdata.text.bitext import Bitext
from prefdata.text.seen import Seen

_TERMS = Path(__file__).with_name("cultural_terms.txt")
_PERSONAL = re.compile(
    r"(?<![\w.%+-])[\w.%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,5}"
    r"|(?<![\d-])(?:\+?\d{1,3}[ .-])?\(?\d{2,4}\)?[ .-]\d{3,4}[ .-]\d{4}(?![\d-])|(?<!\d)\(\d{3}\) ?\d{3}-\d{4}(?!\d)"
    r"|(?<!\d)\d{3}-\d{2}-\d{4}(?!\d)|(?<!\d)(?:\d{4}[ -]){3}\d{4}(?!\d)|〒\s?\d{3}-\d{4}"
    r"|\b\d{1,5} (?:[A-Z][a-z]+ ){1,3}(?:Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Way|Place)\b\.?"
    r"|\b(?:license plate|plate number|registration)\b[^.\n]{0,25}\b[A-Z0-9]{2,4}[ -][A-Z0-9]{2,4}\b|\b(?:passport|social security|account) (?:number|no\.?)[^.\n]{0,12}\d{5,}"
)
# A telephone number, a long number, or a house number before a name.
_DIGITS = re.compile(r"\d(?:\d[ .)-]+\d{3}|\d{4}| [A-Z])")


def check(text: Bitext) -> Iterator[Seen]:
    """Yield flags that say something of the content, not of the translation."""
    for side in (text.source, text.target):
        if side and _may_be_personal(side) and _PERSONAL.search(side):
            yield Seen("pii_suspected")
            break
    if text.source:
        found = cultural_terms_in(text.source, text.source_vocabulary)
        if found:
            yield Seen(
                "cultural_fit",
                measured=float(len(found)),
                detail=", ".join(sorted(set(found)))[:80],
            )


def _may_be_personal(text: str) -> bool:
    return "@" in text or "plate" in text or _DIGITS.search(text) is not None


@cache
def cultural_terms() -> tuple[str, ...]:
    """Return the terms in ``cultural_terms.txt``; case counts, as in IRS and SAT."""
    lines = _TERMS.read_text(encoding="utf-8").splitlines()
    return tuple(line.strip() for line in lines if line.strip() and not line.startswith("#"))


@cache
def _terms_by_word() -> dict[str, list[str]]:
    """Return the terms by their first word in lower case."""
    found: dict[str, list[str]] = {}
    for term in cultural_terms():
        found.setdefault(latin.english_words(term.lower())[0], []).append(term)
    return found


def cultural_terms_in(text: str, words: frozenset[str]) -> list[str]:
    """Return the terms that stand in an English text as whole words; `words` are its own.

    >>> cultural_terms_in("Ask the IRS about your 401(k).", frozenset(["irs", "401"]))
    ['IRS', '401(k)']
    """
    by_word = _terms_by_word()
    there = [term for word in by_word.keys() & words for term in by_word[word] if term in text]
    found = (t for t in there if re.search(rf"(?<![\w$.,]){re.escape(t)}(?!\w)", text))
    return sorted(found, key=text.index)
