"""Flags: personal data, and content tied to another country."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

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
_SIGN = re.compile(
    r"@|\d{3}|〒|\bplate|Street|\bSt\b|Ave|Road|Rd\b|Lane|Drive|\bWay\b|Court|Place|Blvd"
)


def check(text: Bitext) -> Iterator[Seen]:
    """Yield flags that say something of the content, not of the translation."""
    for side in (text.source, text.target):
        if side and _SIGN.search(side) and _PERSONAL.search(side):
            yield Seen("pii_suspected")
            break
    if text.source:
        found = cultural_terms().findall(text.source)
        if found:
            yield Seen(
                "cultural_fit",
                measured=float(len(found)),
                detail=", ".join(sorted(set(found)))[:80],
            )


@cache
def cultural_terms() -> re.Pattern[str]:
    """Return one pattern of all terms in ``cultural_terms.txt``; case counts, as in IRS and SAT."""
    lines = _TERMS.read_text(encoding="utf-8").splitlines()
    terms = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    return re.compile(
        r"(?<![\w$])(?:" + "|".join(sorted(terms, key=len, reverse=True)) + r")(?!\w)"
    )
