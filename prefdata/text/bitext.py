"""One turn in two languages; everything that several rules measure is measured once."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Any, Final, Generic, TypeVar, overload

from prefdata.text import latin, length, script
from prefdata.text.digits import numerals
from prefdata.text.lexicon import ENGLISH, JAPANESE
from prefdata.text.masking import Masked, mask
from prefdata.text.mecab import Words, analyze
from prefdata.text.patterns import DIGITS, WIDE_DIGITS, has_digit, has_one

# What most texts hold that is not in normal form KC: without these, it is mostly found to be so fast.
_WIDE_MARKS: Final = tuple(zip("！？（）：，％～　", "!?():,%~ ", strict=True))
_ALL_WIDE: Final = (*_WIDE_MARKS, *zip(WIDE_DIGITS, DIGITS, strict=True))

T = TypeVar("T")


class measured(Generic[T]):  # noqa: N801  # used as a decorator
    """A property that is measured once; ``functools.cached_property`` takes a lock up to Python 3.11.

    A text has two dozen of them, and locks were a thirtieth of the time of all checks.
    """

    def __init__(self, function: Callable[[Any], T]) -> None:
        self._function = function
        self._name = function.__name__
        self.__doc__ = function.__doc__

    @overload
    def __get__(self, text: None, owner: type) -> measured[T]: ...
    @overload
    def __get__(self, text: object, owner: type) -> T: ...
    def __get__(self, text: object, owner: type) -> measured[T] | T:
        if text is None:
            return self
        found = text.__dict__[self._name] = self._function(text)
        return found


class Bitext:
    """A source text, its translation, and what is known about them.

    `source` is None for a text born in Japanese. `role` is ``user``, ``assistant``, ``system`` or
    empty where it is not known; `kind` the source kind (hh, webgpt, …); `finish_reason` the
    translator's own word, empty if unknown.
    """

    def __init__(
        self,
        source: str | None,
        target: str,
        role: str = "",
        kind: str = "",
        finish_reason: str = "",
    ) -> None:
        self.source = source or ""
        self.is_native = source is None
        self.target = target
        self.role = role
        self.kind = kind
        self.finish_reason = finish_reason

    @measured
    def english(self) -> Masked:
        """Return the source without code, URLs and the like."""
        return mask(self.source)

    @measured
    def japanese(self) -> Masked:
        """Return the target without code, URLs and the like."""
        return mask(self.target)

    @measured
    def source_terms(self) -> frozenset[str]:
        """Return which of the English words that rules look for the masked source holds."""
        return ENGLISH.terms(self.english.text)

    @measured
    def all_source_terms(self) -> frozenset[str]:
        """Return the same for the whole source, with what is code, an address and the like."""
        return ENGLISH.terms(self.source) if self.english.spans else self.source_terms

    @measured
    def target_terms(self) -> frozenset[str]:
        """Return which of the Japanese words that rules look for the target holds."""
        return JAPANESE.terms(self.target)

    @measured
    def words(self) -> Words:
        """Return the words of the masked target; the one MeCab pass."""
        return analyze(self.japanese.text)

    @measured
    def lower_english(self) -> str:
        """Return the masked source in lower case."""
        return self.english.text.lower()

    @measured
    def typed_english(self) -> str:
        """Return the masked source with the marks of a typewriter; see `latin.typed`."""
        return latin.typed(self.english.text)

    @measured
    def normal_japanese(self) -> str:
        """Return the masked target in Unicode's normal form KC: digits and units in one width."""
        text = self.japanese.text
        for wide, narrow in _WIDE_MARKS if self.is_usual else _ALL_WIDE:
            if wide in text:
                text = text.replace(wide, narrow)
        return unicodedata.normalize("NFKC", text)

    @measured
    def english_words(self) -> int:
        """Return the number of English words of the masked source."""
        return latin.count_english_words(self.typed_english)

    @measured
    def source_numerals(self) -> frozenset[str]:
        """Return the distinct runs of digits of the masked source."""
        return frozenset(numerals(self.english.text) if has_digit(self.english.text) else ())

    @measured
    def has_target_digits(self) -> bool:
        """Tell whether the target holds a digit, half or full width."""
        return has_digit(self.target) or (
            not self.is_usual and has_one(self.target, WIDE_DIGITS)  # no usual text has those
        )

    @measured
    def source_letters(self) -> int:
        """Return the number of characters of the masked source, white space left out."""
        return length.characters(self.typed_english)

    @measured
    def source_items(self) -> int:
        """Return the number of list items of the masked source."""
        return length.list_items(self.english.text)

    @measured
    def target_items(self) -> int:
        """Return the number of list items of the masked target."""
        return length.list_items(self.japanese.text)

    @measured
    def scripts(self) -> frozenset[str]:
        """Return which scripts the masked target holds; see `script.scripts`."""
        text = self.japanese.text
        return script.usual_scripts(text) if self.is_usual else script.scripts(text)

    @measured
    def is_usual(self) -> bool:
        """Tell whether the target, and so the masked target, is usual; see `script.is_usual`."""
        return script.is_usual(self.target)

    @measured
    def band(self) -> str:
        """Return the length band of the source."""
        return length.band_of(self.english_words)

    @measured
    def ratio(self) -> float:
        """Return Japanese characters per English character, both masked, white space left out.

        The center of human translations is 0.55; 99 % lie in 0.30-1.05 from 16 English words up.
        """
        english = self.source_letters
        return length.characters(self.japanese.text) / english if english else 0.0

    @measured
    def source_sentences(self) -> list[str]:
        """Return the sentences of the masked source."""
        return length.english_sentences(self.english.text)

    @measured
    def source_sentence_count(self) -> int:
        """Return the number of sentences of the masked source; most rules ask for no more."""
        return length.count_english_sentences(self.typed_english)

    @measured
    def target_sentences(self) -> list[str]:
        """Return the sentences of the masked target."""
        return length.japanese_sentences(self.japanese.text)

    @measured
    def japanese_letters(self) -> int:
        """Return the number of kana and kanji of the masked target."""
        return script.japanese_letters(self.japanese.text)

    @measured
    def kanji_share(self) -> float:
        """Return kanji as a share of the Japanese letters of the masked target."""
        return script.kanji(self.japanese.text) / max(self.japanese_letters, 1)

    @measured
    def latin_words(self) -> list[str]:
        """Return the Latin words of the masked target."""
        return latin.words(self.japanese.text)

    @measured
    def lower_source(self) -> str:
        """Return the source in lower case, curly apostrophes straight."""
        return self.source.lower().replace("’", "'")
