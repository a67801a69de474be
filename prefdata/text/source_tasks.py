"""Tasks that live in English spelling, sound or grammar, seen in the source before any GPU time."""

from __future__ import annotations

from typing import Final

from prefdata.text.patterns import pattern

_KINDS: Final = (
    "rhyme", "limerick", "letters", "initial", "spelling", "wordplay", "sound", "confused", "grammar",
    "case",
)  # fmt: skip
_TASKS: Final = tuple((kind, pattern(f"language_task.{kind}")) for kind in _KINDS)
_PROGRAMMING: Final = pattern("language_task.programming")
_INNOCENT: Final = pattern("language_task.innocent")
_LITERATURE: Final = pattern("language_task.literature")


def language_task(source: str) -> str:
    """Return the kind of task if it has no meaning after translation, else an empty string.

    >>> language_task("What rhymes with orange?"), language_task("He cast a spell on the frog.")
    ('rhyme', '')
    >>> language_task("Write a Python function that checks for palindromes.")
    ''
    """
    text = _instruction(source).lower().replace("’", "'")
    possible = [(name, task) for name, task in _TASKS if task.is_possible(text)]
    if not possible:
        return ""
    text = _INNOCENT.regex.sub(" ", text)
    for name, task in possible:
        if task.search(text) is None:
            continue
        if _PROGRAMMING.search(text) and name not in ("rhyme", "limerick"):
            return ""
        if not _LITERATURE.search(text):
            return name
    return ""


def _instruction(source: str) -> str:
    """Return the beginning and the end of a long text: what lies between is what the task is about."""
    return source if len(source) <= 700 else f"{source[:350]}\n{source[-250:]}"
