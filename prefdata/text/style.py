"""Reads it like Japanese? Mixed registers, piled-up pronouns, calques."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from prefdata.text.bitext import Bitext
from prefdata.text.lists import word_list
from prefdata.text.patterns import pattern
from prefdata.text.register import register_of
from prefdata.text.seen import Seen

PRONOUNS: Final = word_list("pronouns_ja")
_STEMS: Final = ("彼", "私", "あなた", "それ", "君", "わたし", "貴方", "我々")  # one in each
_OWN = re.compile(
    r"(彼女|彼ら|彼|私たち|私|あなた)(?:たち)?(?:は|が|も|に|を)、?(?:\1)(?:自身)?(?:の|に|を|が|は)"
)
_OF_OF = re.compile(
    r"(?:彼女|彼ら?|私|あなた|それ)の[^、。\n]{1,12}(?:を|に|で|は|が|と)、?(?:彼女|彼ら?|私|あなた|それ)の"
)
_ABLE: Final = 0.025  # times a character that することができる is a calque of every "can"
_CALQUE: Final = pattern("style.calque")
_ONE_PRONOUN: Final = tuple(
    map(
        re.compile,
        ("彼女(?!たち)", "彼(?![女氏ら方岸])", "あなた", "(?<!公)私(?![立的物用服鉄道語])"),
    )
)


def check(text: Bitext) -> Iterator[Seen]:
    """Yield register and pronoun measures of one speaker's text.

    >>> from prefdata.text.assess import problems
    >>> problems("It is easy. You pour. It is a jar. Then wait.", "簡単です。水を注ぎます。容器である。それから待つ。")
    ('register_inconsistent',)
    >>> problems('He said: "Go home. It is late." I did.', "彼は「帰れ。もう遅い」と言いました。帰りました。")
    ()
    >>> problems("She told her mother that she had lost her key at her home.", "彼女は彼女の母親に彼女が彼女の鍵を彼女の家でなくしたと彼女に言った。")
    ('translationese',)
    """
    words = text.words
    if words.classes.count(".") >= 2 or "\n" in text.target:
        register = register_of(words)
        if register.total >= 3 and register.mixture:
            band = "few" if register.total == 3 else "long" if register.total >= 6 else "several"
            yield Seen(
                "register_inconsistent",
                band,
                round(register.mixture, 4),
                f"{register.polite} polite, {register.plain} plain",
            )
    if not text.is_native:
        yield from _pronouns(text)
    calques = 0
    if not _CALQUE.words.isdisjoint(text.target_terms):
        calques = len(_CALQUE.regex.findall(text.japanese.text))
    able = text.target.count("ことができ")
    if able >= 3 and able >= _ABLE * len(text.target):
        calques += able
    if calques:
        yield Seen("translationese", "calque", float(calques))


def _pronouns(text: Bitext) -> Iterator[Seen]:
    prose, words = text.japanese.text, text.words
    counts = list(map(prose.count, _STEMS))
    most = sum(counts)
    if most < 2:
        return
    own = len(_OWN.findall(prose)) + len(_OF_OF.findall(prose))
    densest = _densest_sentence(text) if max(counts) >= 3 else 0.0
    if most < 6 and not (own or densest):
        return
    total = sum(map(PRONOUNS.__contains__, words.surfaces))
    if words.count >= 20 and total >= 6:  # five may be one good sentence: 彼は彼女を…、彼女は…
        yield Seen("translationese", "pronouns", round(100 * total / words.count, 2))
    if own and total >= 2:
        yield Seen("translationese", "own", float(own))
    if densest and total >= 2:
        yield Seen("translationese", "sentence", round(densest, 2))


def _densest_sentence(text: Bitext) -> float:
    """Return how often one pronoun stands in one sentence, per 100 characters; from three times up.

    Three different pronouns are a good sentence: 私は彼に、彼女が好きだと言った。
    """
    best = 0.0
    for sentence in text.target_sentences:
        times = max(len(found) for found in (p.findall(sentence) for p in _ONE_PRONOUN))
        if times >= 3:
            best = max(best, 100 * times / len(sentence))
    return best
