"""Flags: personal data, and content tied to another country."""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Final

from prefdata.text.bitext import Bitext
from prefdata.text.lexicon import ENGLISH, JAPANESE
from prefdata.text.lists import alternatives
from prefdata.text.patterns import WIDE_DIGITS, has_digit, has_one
from prefdata.text.seen import Seen

_TERMS = Path(__file__).with_name("cultural_terms.txt")
# git@host is no address, and user@example.com stands for one.
_ADDRESS = re.compile(
    r"(?<![\w.%+-])(?!git@|(?:user(?:name)?|name|you|someone|foo|test|e?mail)@(?:\w+\.)?example\.)[\w.%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,5}"
)
# Numbers of telephones, cards and the like, and houses in a street. All begin with one class of characters:
# `re` passes over the others fast.
_NUMBER = re.compile(
    r"(?=[\d+(〒])(?:"
    r"(?<![\d-])(?:\+?\d{1,3}[ .-])?\(?\d{2,4}\)?[ .-]\d{3,4}[ .-]\d{4}(?![\d-])|(?<!\d)\(\d{3}\) ?\d{3}-\d{4}(?!\d)"
    r"|(?<!\d)\+\d{1,3}(?:[ .-]\d{1,4}){3,5}(?!\d)"
    r"|(?<!\d)\d{3}-\d{2}-\d{4}(?!\d)|(?<!\d)(?:\d{4}[ -]){3}\d{4}(?!\d)|〒\s?\d{3}-\d{4}"
    r"|(?<!\d)0\d{1,3}\(\d{2,4}\)\d{4}(?!\d)|(?<!\d)0[789]0\d{8}(?!\d)"
    r"|\b\d{1,5} (?:[A-Z][a-z]+ ){1,3}(?:Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Way|Place)\b\.?)"
)
# A house and a number plate in Japan, each with a hyphen.
_PLACE = re.compile(
    r"[都道府県市区町村郡][^\s\d、。]{1,10}\d{1,4}(?:-\d{1,4}){2}(?!\d)|[一-鿿]{2,4} ?\d{2,3} ?[ぁ-ん] ?\d{2}-\d{2}(?!\d)"
)
_DOCUMENTS: Final = ("plate", "registration", "passport", "social security", "account", "番号")
_DOCUMENT = re.compile(
    r"\b(?:license plate|plate number|registration)\b[^.\n]{0,25}\b[A-Z0-9]{2,4}[ -][A-Z0-9]{2,4}\b"
    r"|\bplates?\b[^.\n]{0,15}\b(?=[A-Z]*\d)(?=\d*[A-Z])[A-Z0-9]{5,8}\b"
    r"|\b(?:passport|social security|account) (?:number|no\.?)[^.\n]{0,12}\d{5,}"
    r"|(?:口座|旅券|パスポート|免許証|保険証|在留カード)の?番号[^\d\n]{0,8}\d{5,}"
)
# A house by its block: 緑が丘三丁目十四番七号, 追分1482番地.
_N = "[0-9〇一二三四五六七八九十百]{1,5}"
_HOUSE = re.compile(
    rf"[都道府県市区町村郡][^\s、。]{{1,12}}?(?:{_N}丁目(?:の?{_N}番(?:地の?)?{_N}|{_N}番地)|{_N}番地)"
)
_MY_NUMBER = re.compile(r"(?:マイナンバー|個人番号)[^\d\n]{0,8}(\d{12})(?!\d)")
_DASHES: Final = "－‐‑–—―ーｰ−"
_DASH = re.compile(f"[{_DASHES}](?<=[0-9].)(?=[0-9])")
_PLAIN = str.maketrans("０１２３４５６７８９（）＠．", "0123456789()@.")
_KANJI_DIGITS = str.maketrans("〇一二三四五六七八九", "0123456789")
# One of these, or a digit, is in all that is personal; in ASCII one of the first.
_ASCII_SIGNS: Final = ("@", "plate", "registration")
_SIGNS: Final = (*_ASCII_SIGNS, "〇", "＠", "丁目", "番地")
_TARGET_SIGNS: Final = JAPANESE.add(_SIGNS)


def _like_a_number(opening: str, closing: str, dash: str, digit: str = r"\d") -> re.Pattern[str]:
    """Return the pattern of numbers of telephones, houses, plates and other long ones, with these marks."""
    return re.compile(
        rf"{digit}(?:{digit}(?:[ .{closing}{dash}]+{digit}{{3}}|[{dash}]{digit}{{2}}|[{opening}]{digit}{{2}})"
        rf"|{digit}{{4}}| [A-Z][a-z]+ [A-Z]|[{dash}]{digit}{{1,4}}[{dash}]{digit})"
    )


# With every mark, for texts as they are; those whose digits are ASCII are passed over twice as fast. And for a
# text with plain marks.
_DIGITS: Final = {
    is_ascii: _like_a_number("(（", ")）", f"{_DASHES}-", "[0-9]" if is_ascii else r"\d")
    for is_ascii in (False, True)
}
_PLAIN_DIGITS = _like_a_number("(", ")", "-")
# A name before a number: Porsche 911, and page 911.
_NAMED = re.compile(r"(?:\w[, ] ?[A-Z][A-Za-z]+|\b(?:page|room|flight|route|bus|model|year)) $")
_LAW: Final = ENGLISH.add(
    ["law", "laws", "legal", "legally", "illegal", "statute", "attorney", "senate", "tax"]
)
_STATES: Final = (
    "Alabama", "Alaska", "Arizona", "Arkansas", "California", "Colorado", "Connecticut", "Delaware", "Florida",
    "Georgia", "Hawaii", "Idaho", "Illinois", "Indiana", "Iowa", "Kansas", "Kentucky", "Louisiana", "Maine", "Maryland",
    "Massachusetts", "Michigan", "Minnesota", "Mississippi", "Missouri", "Montana", "Nebraska", "Nevada",
    "New (?:Hampshire|Jersey|Mexico|York)", "North (?:Carolina|Dakota)", "South (?:Carolina|Dakota)", "Ohio", "Oklahoma",
    "Oregon", "Pennsylvania", "Rhode Island", "Tennessee", "Texas", "Utah", "Vermont", "West Virginia", "Virginia",
    "Washington", "Wisconsin", "Wyoming",
)  # fmt: skip
_STATE = re.compile(alternatives(_STATES) + r"\b")


def check(text: Bitext) -> Iterator[Seen]:
    """Yield flags that say something of the content, not of the translation.

    >>> [seen.code for seen in check(Bitext("Call 911.", "911に電話して。"))]
    ['cultural_fit']
    >>> [seen.code for seen in check(Bitext(None, "０９０－４８２１－７７３６にかけて。"))]
    ['pii_suspected']
    >>> [seen.code for seen in check(Bitext(None, "okada.m＠brightmail.netまで。"))]
    ['pii_suspected']
    >>> [seen.code for seen in check(Bitext("My Porsche 911 is red.", "私のポルシェ911は赤い。"))]
    []
    """
    is_ascii = text.source.isascii()
    has_source_digits = has_digit(text.source) or (
        not is_ascii and has_one(text.source, WIDE_DIGITS)
    )
    source_sign = has_one(text.source, _ASCII_SIGNS if is_ascii else _SIGNS)
    target_sign = not _TARGET_SIGNS.isdisjoint(text.target_terms)
    if (
        (has_source_digits or source_sign) and _is_personal(text.source, source_sign, is_ascii)
    ) or (
        (text.has_target_digits or target_sign)
        and _is_personal(text.target, target_sign, text.is_usual)
    ):
        yield Seen("pii_suspected")
    if text.source:
        words = text.source_terms
        if has_source_digits:
            words = words.union(text.source_numerals)
        found = cultural_terms_in(text.source, words)
        if found:
            yield Seen(
                "cultural_fit",
                measured=float(len(found)),
                detail=", ".join(sorted(set(found)))[:80],
            )


def _is_personal(text: str, has_sign: bool, is_usual: bool) -> bool:
    """Tell whether a text with a digit or a sign holds personal data.

    `is_usual` texts have no wide digits, nor any but those of ASCII.
    """
    if has_sign or not is_usual:
        text = _with_ascii_digits(text)
    if not (has_sign or _DIGITS[is_usual].search(text)):
        return False
    if has_digit(text):
        text = _DASH.sub("-", text.replace("（", "(").replace("）", ")"))
    if "@" in text and _ADDRESS.search(text):
        return True
    if ("丁目" in text or "番地" in text) and _HOUSE.search(text):
        return True
    return _may_be_personal(text) and (
        _NUMBER.search(text) is not None
        or ("-" in text and not text.isascii() and _PLACE.search(text) is not None)
        or (has_one(text, _DOCUMENTS) and _DOCUMENT.search(text) is not None)
        or _has_my_number(text)
    )


def _with_ascii_digits(text: str) -> str:
    """Return a text with wide digits and such as ASCII; 〇九〇 as 090."""
    if "〇" in text:
        text = text.translate(_KANJI_DIGITS)
    if "＠" in text or (not text.isascii() and has_one(text, WIDE_DIGITS)):
        text = text.translate(_PLAIN)
    return text


def _has_my_number(text: str) -> bool:
    """Tell whether a text holds a person's number with the right check digit."""
    found = _MY_NUMBER.search(text) if "番号" in text or "マイナンバー" in text else None
    return found is not None and is_my_number(found[1])


def is_my_number(digits: str) -> bool:
    """Tell whether the last of twelve digits checks the others (Order 85 of 2014, article 5).

    >>> is_my_number("518247093612"), is_my_number("123456789012")
    (True, False)
    """
    weights = (*range(2, 8), *range(2, 7))
    total = sum(int(d) * w for d, w in zip(reversed(digits[:-1]), weights, strict=True))
    return int(digits[-1]) == (0 if total % 11 <= 1 else 11 - total % 11)


def _may_be_personal(text: str) -> bool:
    if "@" in text or "plate" in text or "registration" in text:
        return True
    return has_digit(text) and _PLAIN_DIGITS.search(text) is not None


def _beginning_of(term: str) -> str:
    found: list[str] = re.findall("[a-z]+|[0-9]+", term.lower())
    return found[0]


@cache
def cultural_terms() -> tuple[str, ...]:
    """Return the terms in ``cultural_terms.txt``; case counts, as in IRS and SAT."""
    lines = _TERMS.read_text(encoding="utf-8").splitlines()
    return tuple(line.strip() for line in lines if line.strip() and not line.startswith("#"))


# The terms by their first word in lower case, or first figure.
_BY_BEGINNING: Final = {
    beginning: list(terms)
    for beginning, terms in groupby(sorted(cultural_terms(), key=_beginning_of), key=_beginning_of)
}
_BEGINNINGS: Final = ENGLISH.add(_BY_BEGINNING)


def cultural_terms_in(text: str, words: Set[str]) -> list[str]:
    """Return the terms that stand in an English text as whole words.

    `words` are the words of the lexicon that the text holds, and its figures. A state of the United States counts where the text speaks of law or tax.

    >>> cultural_terms_in("Ask the IRS about your 401(k).", frozenset(["irs", "401"]))
    ['IRS', '401(k)']
    >>> cultural_terms_in("It is legal in Oregon.", frozenset(["it", "is", "legal", "in", "oregon"]))
    ['Oregon']
    >>> cultural_terms_in("She drives an old Porsche 911.", frozenset(["porsche", "911"]))
    []
    """
    begun = _BEGINNINGS & words
    if not begun and _LAW.isdisjoint(words):  # as most texts
        return []
    there = [term for word in begun for term in _BY_BEGINNING[word] if term in text]
    found = [term for term in there if _stands_in(text, term)]
    if not _LAW.isdisjoint(words):
        found += _STATE.findall(text)
    return sorted(found, key=text.index) if found else found


def _stands_in(text: str, term: str) -> bool:
    """Tell whether a term is a word of the text; a bare number must not be part of a name."""
    bare = re.escape(term)  # first, for `re` to find it fast
    for match in re.finditer(rf"{bare}(?<![\w$.,]{bare})(?!\w)", text):
        if not (term.isdigit() and _NAMED.search(text[max(0, match.start() - 30) : match.start()])):
            return True
    return False
