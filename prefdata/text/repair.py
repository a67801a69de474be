"""Deterministic clean-up of a translation; what it takes away is never part of the meaning.

Each repair is recorded, and the cleaned text is judged afterwards like any other.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Final

Repair = tuple[str, str]  # code, what was done

_TOKENS = re.compile(
    r"<\|im_start\|>(?:system|user|assistant)?|<\|[a-z_]{1,30}\|>|</?s>|<(?:eos|bos|pad|unk)>|</?(?:source|target|translation|translated_text)>"
)
_LABEL = re.compile(
    r"\A\s*(?:\*\*|【|\[)?(?:日本語訳|和訳|訳文|翻訳(?:結果|文)?|Japanese translation|Translation)(?:\*\*|】|\])?\s*[:：]\s*"
)
_PREAMBLE = re.compile(
    r"\A\s*(?:(?:はい|承知(?:いた)?しました|かしこまりました|わかりました|もちろん(?:です)?)[、。！!]\s*)?"
    r"(?:(?:以下|下記|こちら|次)(?:は|が|に|の)[^。\n:：]{0,30}(?:日本語訳|和訳|翻訳(?:文|結果)?|訳文|訳)[^。\n:：]{0,12}(?:です|になります|となります|示します)?[。：:]"
    r"|Here(?:'s| is| are)[^\n]{0,40}translation[^\n]{0,30}:)[ \t]*\n+",
    re.IGNORECASE,
)
_FENCE = re.compile(r"\A\s*```[a-zA-Z]{0,12}[ \t]*\n((?:(?!```).)*?)\n?```\s*\Z", re.DOTALL)
_QUOTES: Final = {"「": "」", '"': '"', "“": "”", "『": "』", "'": "'"}
_HALF_KANA = re.compile("[｡-ﾟ]+")
_FULL_ASCII = re.compile("[Ａ-Ｚａ-ｚ０-９]+")
_SPACES = re.compile(r"(?<![ \t\u3000])[ \t\u3000]++(?=\n|\Z)")


def repair(source: str | None, target: str) -> tuple[str, tuple[Repair, ...]]:
    """Return the cleaned text and what was done to it; nothing for a clean one.

    >>> repair("Let it cool.", "以下は日本語訳です。\\n\\n冷まします。")
    ('冷まします。', (('meta_commentary', 'preamble'),))

    A text born in Japanese keeps what its author wrote around it: code fences, quotation marks.

    >>> repair(None, "```\\nprint(1)\\n```")
    ('```\\nprint(1)\\n```', ())
    """
    done: list[Repair] = []
    for code, name, step in _STEPS if source is not None else _NATIVE_STEPS:
        cleaned = step(source or "", target)
        if cleaned != target and cleaned.strip():
            done.append((code, name))
            target = cleaned
    return target, tuple(done)


def _line_ends(source: str, target: str) -> str:
    if "\r" in target or target.startswith("\ufeff"):
        target = target.lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    return _SPACES.sub("", target) if target[-1:] in " \t\u3000" else target


def _tokens(source: str, target: str) -> str:
    """Cut at a ChatML end token, take other tokens out."""
    if "<" not in target:
        return target
    end = target.find("<|im_end|>")
    cut = target[:end] if end > 0 and "<|im_end|>" not in source else target
    cleaned = _TOKENS.sub(lambda m: m.group() if m.group() in source else "", cut)
    return target if cleaned == target else cleaned.strip() or target


def _label(source: str, target: str) -> str:
    return (
        target
        if re.search(r"translation|japanese", source, re.IGNORECASE)
        else _LABEL.sub("", target)
    )


def _preamble(source: str, target: str) -> str:
    return (
        target
        if re.search(r"translat|japanese", source, re.IGNORECASE)
        else _PREAMBLE.sub("", target)
    )


def _fence(source: str, target: str) -> str:
    return target if "```" in source else _FENCE.sub(lambda m: m[1], target)


def _quotes(source: str, target: str) -> str:
    """Take quotation marks off that wrap the whole text and that the source does not have."""
    text = target.strip()
    close = _QUOTES.get(text[:1])
    if close is None or len(text) < 3 or not text.endswith(close):
        return target
    inner = text[1:-1]
    opened = text[0] in inner or close in inner
    return target if opened or source.strip()[:1] in "\"'“‘「『" else inner


def _half_kana(source: str, target: str) -> str:
    return _HALF_KANA.sub(lambda m: unicodedata.normalize("NFKC", m.group()), target)


def _full_ascii(source: str, target: str) -> str:
    if not _FULL_ASCII.search(target) or _FULL_ASCII.search(source):
        return target
    return _FULL_ASCII.sub(_narrow, target)


def _narrow(match: re.Match[str]) -> str:
    """Return full-width letters and digits as ASCII; wide w alone is a laugh."""
    text = match.group()
    return unicodedata.normalize("NFKC", text) if text.strip("ｗ") else text


_STEPS: Final[tuple[tuple[str, str, Callable[[str, str], str]], ...]] = (
    ("needs_normalization", "line ends and trailing spaces", _line_ends),
    ("template_artifact", "template tokens", _tokens),
    ("meta_commentary", "preamble", _preamble),
    ("template_artifact", "label", _label),
    ("meta_commentary", "code fence around the text", _fence),
    ("needs_normalization", "quotation marks around the text", _quotes),
    ("needs_normalization", "half-width kana", _half_kana),
    ("needs_normalization", "full-width letters and digits", _full_ascii),
)
# Without a source, what wraps a text may be its own.
_NATIVE_STEPS: Final = tuple(
    step for step in _STEPS if step[2] not in (_preamble, _label, _fence, _quotes)
)
