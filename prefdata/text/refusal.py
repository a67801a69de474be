"""The translator declines, or talks about its translation, or leaks its prompt."""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from typing import Final

from prefdata.text import latin
from prefdata.text.bitext import Bitext
from prefdata.text.patterns import pattern
from prefdata.text.seen import Seen

_DECLINES: Final = pattern("refusal.japanese")
_ORDINARY: Final = pattern("refusal.ordinary")
_APOLOGY: Final = pattern("refusal.apology")
_TRANSLATING: Final = pattern("refusal.translating")
_ENGLISH: Final = pattern("refusal.english")
_SOURCE_DECLINES: Final = pattern("refusal.source_declines")
_SOURCE_UNABLE: Final = pattern("refusal.source_unable")
_WARNS: Final = pattern("refusal.warns")
_SOURCE_WARNS: Final = pattern("refusal.source_warns")
_PREAMBLE: Final = pattern("meta.preamble")
_PREAMBLE_ENGLISH: Final = pattern("meta.preamble_english")
_ABOUT: Final = pattern("meta.about")
_NOTE: Final = pattern("meta.note")
_GLOSS: Final = pattern("meta.gloss")
_ALTERNATIVE: Final = pattern("meta.alternative")
_INLINE: Final = pattern("meta.inline_alternative")
_SOURCE_CHOICE: Final = pattern("meta.source_choice")
_ACKNOWLEDGED: Final = pattern("meta.acknowledged")
_SOURCE_AGREES: Final = pattern("meta.source_agrees")
_SENTENCE: Final = pattern("meta.english_sentence")
_BRACKET: Final = pattern("meta.bracket")
_IDIOM: Final = pattern("meta.idiom")
_TRANSLATION: Final = pattern("meta.translation")
_SOURCE_TRANSLATION: Final = pattern("meta.source_translation")
_EXPLAINED: Final = pattern("meta.explained")
_OPTIONS: Final = pattern("meta.options")
_CHOICE: Final = pattern("meta.choice")
_CLOSING: Final = pattern("meta.closing")
_SOURCE_CLOSES: Final = pattern("meta.source_closes")
_SOURCE_ABOUT: Final = pattern("meta.source_about")
_SOURCE_NOTE: Final = pattern("meta.source_note")
# "Sorry to bother you" declines nothing.
_POLITE = re.compile(
    r"sorry(?<=\bsorry) (?:to (?:bother|hear|trouble|interrupt|ask|keep|disturb)|for|about|if|i'm late)\b"
)


def check(text: Bitext) -> Iterator[Seen]:
    """Yield refusals and words about the translation that the source does not have."""
    if text.is_native:
        return
    yield from refusals(text)
    yield from commentary(text)


def refusals(text: Bitext) -> Iterator[Seen]:
    """Yield a refusal of the translator: an inability, and nothing declined in the source.

    >>> from prefdata.text.assess import problems
    >>> problems("The villain shot him.", "申し訳ありませんが、翻訳できません。")
    ('refusal', 'meta_commentary')
    >>> problems("Sorry, I can't help you.", "申し訳ありませんが、お手伝いできません。")
    ()
    """
    target, terms = text.japanese.text, text.target_terms
    found, warned = _declined(target, terms), _WARNS.search(target, terms)
    if not found and not warned and len(text.latin_words) < 5:
        return
    source = _POLITE.sub(" ", text.lower_source)
    if found and not _SOURCE_DECLINES.search(source):
        yield Seen("refusal", "japanese", detail=found.group()[:60])
    elif found and _TRANSLATING.search(found.group()) and "translat" not in source:
        yield Seen("refusal", "translation", detail=found.group()[:60])
    elif found and source.rstrip().endswith("?") and not _SOURCE_UNABLE.search(source):
        yield Seen("refusal", "question", detail=found.group()[:60])
    if warned and not _SOURCE_WARNS.search(source):
        yield Seen("refusal", "japanese", detail=warned.group()[:60])
    if len(text.latin_words) >= 5:
        english = _ENGLISH.search(target.replace("’", "'"))
        if english and not _ENGLISH.search(source):
            yield Seen("refusal", "english", detail=english.group())


def _declined(target: str, terms: Set[str]) -> re.Match[str] | None:
    """Return words that decline to translate, or with an apology to do anything else."""
    found = _DECLINES.search(target, terms)
    if found is None and not _APOLOGY.words.isdisjoint(terms):
        return _ORDINARY.search(target)
    return found


def commentary(text: Bitext) -> Iterator[Seen]:
    """Yield preambles, notes, alternatives, glosses and closing remarks.

    >>> from prefdata.text.assess import problems
    >>> problems("The soup is hot.", "以下は日本語訳です。\\n\\nスープは熱いです。")
    ('meta_commentary',)
    >>> problems("Here is the recipe.", "以下がレシピです。")
    ()
    """
    target, source, terms = text.target, text.lower_source, text.target_terms
    preamble = _PREAMBLE.search(target, terms)
    if preamble and not ("translat" in source or "japanese" in source or "version" in source):
        yield Seen("meta_commentary", "preamble", detail=preamble.group().strip()[:60])
    if _ACKNOWLEDGED.search(target) and not _SOURCE_AGREES.search(source):
        yield Seen("meta_commentary", "preamble", detail=target.lstrip()[:20])
    about = _ABOUT.search(target, terms) or (_GLOSS.search(target) if text.latin_words else None)
    about = about or _EXPLAINED.search(target) or _bracket(text)
    if text.latin_words and (idiom := _IDIOM.search(target)) and "(" not in source:
        yield Seen("meta_commentary", "about", detail=idiom.group())
    if about and not _SOURCE_ABOUT.search(source):
        yield Seen("meta_commentary", "about", detail=about.group()[:60])
    named = _TRANSLATION.search(target, terms)
    if named and not _SOURCE_TRANSLATION.search(source):
        yield Seen("meta_commentary", "about", detail=named.group()[:60])
    yield from _notes(text, target, source)
    if "```" in target and "```" not in text.source and not text.english.has_code:
        yield Seen("meta_commentary", "fence")
    if len(text.latin_words) >= 3:
        yield from _english_added(text)


def _bracket(text: Bitext) -> re.Match[str] | None:
    """Return brackets about the wording, if the target has more of them than the source."""
    opened = text.target.count("（") + text.target.count("(")
    return _BRACKET.search(text.target) if opened > text.source.count("(") else None


def _english_added(text: Bitext) -> Iterator[Seen]:
    """Yield English that the source does not have: a preamble, an explanation."""
    if _PREAMBLE_ENGLISH.search(text.target) and not _PREAMBLE_ENGLISH.search(text.source):
        yield Seen("meta_commentary", "english")
    sentence = _SENTENCE.search(text.japanese.text) if text.japanese_letters >= 3 else None
    if sentence and sentence[1].lower() not in text.lower_source:
        yield Seen("meta_commentary", "new_words", float(len(sentence[1].split())), sentence[1])
    new = latin.new_words(text.japanese.text, text.source)
    if latin.function_words(new) >= 2:
        yield Seen("meta_commentary", "new_words", float(len(new)), " ".join(new)[:80])


def _notes(text: Bitext, target: str, source: str) -> Iterator[Seen]:
    """Yield added notes, alternatives and offers of help."""
    terms = text.target_terms
    note = _NOTE.search(target, terms)
    if note and not _SOURCE_NOTE.search(source):
        yield Seen("meta_commentary", "note", detail=target[note.start() :].strip()[:60])
    may_offer = "\n" in target and "\n" not in source.strip()
    offered = may_offer and (_ALTERNATIVE.search(target) or _OPTIONS.search(target))
    if (offered and not _CHOICE.search(source)) or (
        _INLINE.search(target, terms) and not _SOURCE_CHOICE.search(source)
    ):
        yield Seen("meta_commentary", "alternatives")
    if _CLOSING.search(text.japanese.text[-120:], terms) and not _SOURCE_CLOSES.search(source):
        yield Seen("meta_commentary", "closing")
