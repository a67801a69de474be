"""Tasks that live in English spelling, sound or grammar, seen in the source before any GPU time."""

from __future__ import annotations

import re
from collections.abc import Set
from typing import Final

from prefdata.text.lexicon import ENGLISH
from prefdata.text.patterns import pattern

_KINDS: Final = (
    "rhyme", "limerick", "letters", "initial", "spelling", "wordplay", "sound", "confused", "grammar",
    "grammar_choice", "case",
)  # fmt: skip
_TASKS: Final = tuple((kind.split("_")[0], pattern(f"language_task.{kind}")) for kind in _KINDS)
_PROGRAMMING: Final = pattern("language_task.programming")
_INNOCENT: Final = pattern("language_task.innocent")
_ASKED: Final = pattern("language_task.asked")
# A rhyme is lost wherever it stands; spelling and grammar only where the text asks about them.
_LOST_ANYWHERE: Final = frozenset(["rhyme", "limerick", "wordplay"])
# How 汉语 is pronounced is as good a question in Japanese as in English.
_OTHER_LANGUAGE: Final = re.compile(
    r"[\u0400-\u04ff\u0590-\u06ff\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]"
    r"|\bin (?:mandarin|chinese|japanese|korean|french|spanish|german|italian|portuguese|russian|latin)\b"
    r"|\b(?:mandarin|chinese|japanese|korean|french|spanish|german|italian) (?:word|name|verb|grammar)"
)
_LITERATURE: Final = pattern("language_task.literature")


def language_task(source: str, terms: Set[str] | None = None) -> str:
    """Return the kind of task if it has no meaning after translation, else an empty string.

    `terms` are the words of the lexicon that the source holds, where they are known already.

    >>> language_task("What rhymes with orange?"), language_task("He cast a spell on the frog.")
    ('rhyme', '')
    >>> language_task("Write a Python function that checks for palindromes.")
    ''
    """
    text = _instruction(source).lower().replace("’", "'")
    if terms is None:
        terms = ENGLISH.terms(text)
    found = _task(text, terms)
    if found and _INNOCENT.is_possible(text):
        text = _INNOCENT.regex.sub(" ", text)
        found = _task(text, terms)
    return found if found and not _survives(found, text) else ""


def _task(text: str, terms: Set[str]) -> str:
    return next((kind for kind, task in _TASKS if task.search(text, terms)), "")


def _survives(name: str, text: str) -> bool:
    """Tell whether a task of that kind keeps its meaning, or is none at all."""
    if name not in _LOST_ANYWHERE and not _ASKED.search(text):
        return True
    if name not in ("rhyme", "limerick") and _PROGRAMMING.search(text):
        return True
    is_foreign = name in ("spelling", "sound", "grammar") and _OTHER_LANGUAGE.search(text)
    return bool(is_foreign or _LITERATURE.search(text))


def _instruction(source: str) -> str:
    """Return the beginning and the end of a long text: what lies between is what the task is about."""
    return source if len(source) <= 700 else f"{source[:350]}\n{source[-250:]}"
