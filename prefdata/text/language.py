"""Is it Japanese? Empty, untranslated, partly untranslated, another language, broken encoding."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from prefdata.text import latin, script
from prefdata.text.bitext import Bitext
from prefdata.text.leftovers import partially_untranslated, without_labels
from prefdata.text.mojibake import broken_sequences, lone_surrogates, lost_characters
from prefdata.text.seen import Seen

_NOISE = re.compile(r"[\s\"'“”‘’「」『』.,!?:;*_◇…—–-]+")
BLANK = "\ufeff\u200b \t\r\n\x0b\x0c\u3000\u00a0\x00"
# Eight characters and more without kana within one sentence; before its end mark they are found fast.
_SENTENCE_END = re.compile("[。！？!?\n]")
_NO_KANA = re.compile("(?:^|(?<=[、，]))[^ぁ-ゖァ-ヺｦ-ﾟ]{8,200}$")
_END_WITHOUT_KANA = re.compile(rf"[。！？!?\n](?<=[^。！？!?\n{script.KANA}]{{8}}.)", re.DOTALL)
_USUAL = frozenset(["kana", "half_kana", "han"])
# A JSON object or list, a query, a call, a statement, a command line, comma-separated rows. Prose must not
# pass: "let me know if it's ok", "[24M] I met [24F]", "red and/or blue".
_DATA = re.compile(
    r"\{.*\}\Z|\[\s*(?:[\[{\"]|-?\d+(?:\.\d+)?,).*\]\Z"
    r"|(?:SELECT|INSERT|UPDATE|DELETE|CREATE|ALTER|DROP)\b.*\b(?:FROM|INTO|SET|TABLE|VALUES|VIEW|INDEX)\b"
    r"|(?:[\w.]+ ?= ?)?[\w.]+\([^\n]*\);?\Z|(?:const|let|var) \w+ ?=|def \w+\(|function\b ?\w*\(|#include\b"
    r"|import [\w.]+;?\Z|from [\w.]+ import\b|class \w+(?:\([\w., ]*\))?:"
    r"|(?:\$ |sudo )?[a-z][\w./-]{0,30} (?=[^?!\n]*\Z)[^?!\n]*(?: --?[A-Za-z]| \| | && | > | [.~]{0,2}/\w)"
    r"|[^\s,.]+(?:,[^\s,][^\n,]*)+(?:\n[^\n,]+(?:,[^\n,]*)+)+\Z",
    re.DOTALL,
)
# Blanks before a comma or in a row between Japanese characters, by the first of them.
_SPACED, _WIDE_SPACED = (
    re.compile(
        f"{blank}(?:(?<=[ぁ-ヶ一-鿿].)[ \u3000]*[、。）」]|(?<=[ぁ-ヶ一-鿿、。].)[ \u3000]+(?=[ぁ-ヶ一-鿿]))"
    )
    for blank in " \u3000"
)
_WIDE_WORD = re.compile("[Ａ-Ｚａ-ｖｘ-ｚ]{3}")
_PHRASE = 6  # Japanese letters that show a sentence around English labels
_SENTENCE = 10  # Japanese letters that are a translated part, beside one that was left
# What Japanese signs end in; Chinese puts the verb first: 禁止拍照.
_SIGN_ENDS: Final = (
    "禁止", "厳禁", "禁煙", "注意", "不可", "不要", "無料", "有料", "専用", "優先", "以外", "休業", "営業", "営業中", "準備中",
    "使用中", "故障中", "工事中", "満席", "満室", "完売", "完備", "終了", "中止", "徐行", "受付", "歓迎", "限定", "無用",
)  # fmt: skip
_SIGN_LENGTH: Final = 11
_ROMAJI = re.compile(
    r"(?:(?:[kgsztdnhbpmrwjf]|[sc]h|ts|[kgnhbpmr]y|y)?[aiueoāīūēō]{1,2}n?(?![aiueo])|(?:[kgsztdnhbpmrwjf]|[sc]h|ts|[kgnhbpmr]y|y)?[aiueoāūō])+"
)


def check(text: Bitext) -> Iterator[Seen]:
    """Yield what is wrong with the language of the target.

    >>> from prefdata.text.assess import problems
    >>> problems("Wash your hands.", "　")
    ('empty_output',)
    >>> problems("Wash your hands.", "请洗手。")
    ('off_target_language',)
    >>> problems("Wash your hands.", "手を洗っ繝代Φ螻て。")
    ('mojibake',)
    >>> [seen.code for seen in check(Bitext("Turn on the fan.", "ﾌｧﾝをつけます。"))]
    ['needs_normalization']
    >>> problems("The factory in Shenzhen closed.", "深圳の工場は閉鎖された。")
    ()
    """
    if not text.target.strip(BLANK):
        if text.is_native or text.source.strip():
            yield Seen("empty_output")
        return
    lost = lost_characters(text.japanese.text, text.source)
    if lost:
        yield Seen("mojibake", measured=float(lost))
    is_usual = text.is_usual
    is_wide = not is_usual and script.WIDE.search(text.target) is not None
    is_half = not is_usual and "half_kana" in text.scripts
    if is_wide or is_half or _is_spaced(text.target):
        yield Seen("needs_normalization")
    if not is_usual:
        yield from _unusual(text)
    if not script.has_kana(text.japanese.text):
        yield from _without_kana(text)
    else:
        yield from _chinese_inside(text)
    narrow = _narrow(text) if is_wide else text
    if narrow.latin_words:
        yield from untranslated(narrow)


def _is_spaced(target: str) -> bool:
    is_spaced = " " in target and _SPACED.search(target)
    return bool(is_spaced or ("\u3000" in target and _WIDE_SPACED.search(target)))


def _narrow(text: Bitext) -> Bitext:
    """Return the turn with its target in one width, if that has words of full-width letters.

    >>> _narrow(Bitext("", "\\uff23\\uff21\\uff34")).target
    'CAT'
    """
    if not _WIDE_WORD.search(text.japanese.text):
        return text
    source = None if text.is_native else text.source
    return Bitext(source, text.normal_japanese, text.role, text.kind)


def _unusual(text: Bitext) -> Iterator[Seen]:
    """Yield broken characters and scripts that Japanese does not have, unless the source has them."""
    if text.scripts <= _USUAL:
        return
    target, source = text.target, text.source
    broken = broken_sequences(target)
    if broken and broken > broken_sequences(source):
        yield Seen("mojibake", measured=float(broken))
    if "surrogate" in text.scripts:
        yield Seen("mojibake", "surrogates", float(lone_surrogates(target)))
    kanji = script.foreign_kanji(text.japanese.text, source)
    if kanji:
        yield Seen("off_target_language", "kanji", float(len(kanji)), "".join(kanji[:20]))
    letters = script.foreign_letters(text.japanese.text, source)
    if letters:
        yield Seen("off_target_language", "script", float(len(letters)), " ".join(letters)[:40])


def untranslated(text: Bitext) -> Iterator[Seen]:
    """Yield copies, English instead of Japanese, and English within Japanese.

    >>> from prefdata.text.assess import problems
    >>> problems("Kindness costs nothing.", "Kindness costs nothing.")
    ('untranslated',)
    >>> problems("Run `git status`.", "`git status` を実行します。")
    ()
    """
    if _is_data(text):
        return
    target, words = text.japanese.text, text.latin_words
    letters = text.japanese_letters + sum(map(len, words))
    share = text.japanese_letters / letters if letters else 1.0
    lower = latin.lower_case_words(words)
    if _is_foreign(words):
        if _is_foreign(sorted({*words}.difference(latin.words(text.source)))):
            band = "latin" if text.japanese_letters else "latin_only"
            yield Seen("off_target_language", band, float(latin.foreign_words(words)))
        return
    if not text.japanese_letters and not text.english.has_code:
        new = latin.new_words(target, text.source)
        romaji = [w for w in new if len(w) <= 16 and _ROMAJI.fullmatch(w.lower())]
        if len(romaji) >= 3 and len(romaji) > latin.function_words(words):
            yield Seen("off_target_language", "romaji", float(len(romaji)), " ".join(romaji)[:40])
            return
    if share < 0.3 and _is_english(text, lower):
        share = _prose_share(text, share)
        yield Seen("untranslated", "share", share)
        if share < 0.3 and text.japanese_letters < _SENTENCE:
            return
    yield from partially_untranslated(text, lower)


def _prose_share(text: Bitext, share: float) -> float:
    """Return the Japanese share without menu paths, error messages and quoted labels."""
    if text.japanese_letters < _PHRASE:
        return share
    prose = without_labels(text.japanese.text)
    return script.japanese_share(prose) if prose != text.japanese.text else share


def _is_english(text: Bitext, lower: list[str]) -> bool:
    """Tell English sentences from names, formulas and terms that are right as they are."""
    replies = latin.reply_words(text.latin_words)
    if text.is_native:
        return replies >= 3
    copied = _NOISE.sub("", text.japanese.text).lower() == _NOISE.sub("", text.english.text).lower()
    if text.english_words <= 3:
        return not text.japanese_letters and (replies >= 1 or (copied and len(lower) >= 2))
    functions = latin.function_words(text.latin_words)
    if copied and text.target.isupper():
        return functions >= 2
    return len(lower) >= 3 and (functions >= 1 or copied)


def _is_data(text: Bitext) -> bool:
    """Tell whether code or data without a fence stands as in the source."""
    source = text.source.strip()
    return text.target.strip() == source and _DATA.match(source) is not None


def _is_foreign(words: list[str]) -> bool:
    foreign = latin.foreign_words(words)
    return foreign >= 2 and foreign > latin.function_words(words)


def _without_kana(text: Bitext) -> Iterator[Seen]:
    """A text of kanji alone is Chinese if it has Chinese grammar, or is a long sentence."""
    target, source = text.japanese.text, text.source
    if "han" not in text.scripts and "foreign_han" not in text.scripts:
        return
    words = script.chinese_words(target, source)
    if not script.has_han(source):
        words += script.plain_chinese_words(target)
    if words:
        yield Seen("off_target_language", "words", float(len(words)), " ".join(words))
    if script.has_han(source):
        return
    share = script.chinese_share(target)
    if share:
        yield Seen("off_target_language", "chinese", share)
    length = float(script.kanji_only_length(target))
    if "，" in target:
        yield Seen("off_target_language", "comma", length)
    elif "。" in target and not _is_sign(target):
        yield Seen("off_target_language", "no_kana", length)


def _is_sign(target: str) -> bool:
    """Tell whether most sentences are those of Japanese signs, and all short.

    >>> _is_sign("禁煙。撮影禁止。"), _is_sign("小心地滑。注意安全。")
    (True, False)
    """
    sentences = [sentence for sentence in target.split("。") if sentence.strip()]
    short = [s for s in sentences if len(s) <= _SIGN_LENGTH and s.rstrip().endswith(_SIGN_ENDS)]
    return max(map(len, sentences)) <= _SIGN_LENGTH and len(short) > len(sentences) / 2


def _chinese_inside(text: Bitext) -> Iterator[Seen]:
    target, source = text.japanese.text, text.source
    may_have_words = not script.CHINESE_BEGINNINGS.isdisjoint(text.target_terms)
    words = script.chinese_words(target, source) if may_have_words else []
    if words:
        yield Seen("off_target_language", "words", float(len(words)), " ".join(words))
    if not _END_WITHOUT_KANA.search(target + "\n"):
        return
    for run in _runs_without_kana(target):
        share = script.chinese_share(run)
        if share >= 0.2 and run.strip() not in source:
            yield Seen("off_target_language", "sentence", share, run[:40])
            return


def _runs_without_kana(target: str) -> Iterator[str]:
    """Yield what ends a sentence without kana: the whole of it, or what follows a comma."""
    for sentence in _SENTENCE_END.split(target):
        yield from _NO_KANA.findall(sentence)
