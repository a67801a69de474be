"""Is it all there, and nothing else? Length, truncation, omission, addition."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from prefdata.text import length, markup
from prefdata.text.bitext import Bitext
from prefdata.text.lexicon import ENGLISH
from prefdata.text.lists import word_list
from prefdata.text.register import final_words
from prefdata.text.seen import Seen

_CLOSERS = " \t\r\n\u3000」』）)】］]\"'”’*_◇♪☆★♡❤~～`>"
_BLANK_OR_HOLE: Final = " \t\r\n\u3000\u00a0◇"
_FINAL = re.compile(r"[。．！？!?.…:：;；ｗw笑\u2600-\u27bf\U0001f300-\U0001faff]")
_SOURCE_FINAL: Final = (".", "!", "?", "…")
# The length ratio that no good translation of several sentences reaches, by band.
TOO_LONG = {"1-3": 3.0, "4-7": 1.9, "8-15": 1.3, "16-30": 1.15, "31-80": 1.05, "81+": 0.9}
_OPEN: Final = tuple("、,，・「『（(")
_BARE_ITEM = re.compile(r"\n[ \t]*(?:[-*•・]|\d{1,3}[.)．）])\Z")
# Four words in Title Case and more, joined by small words and commas: a name.
_NAME_WORD: Final = r"[A-Z][\w'’-]{0,30},? (?:(?:of|for|and|the|on|in|&) ){0,3}"
_LONG_NAME = re.compile(rf"{_NAME_WORD}(?:{_NAME_WORD}){{2,11}}[A-Z][\w'’-]{{0,30}}")
_IN_LONG_NAME = re.compile(rf" {_NAME_WORD}{_NAME_WORD}[A-Z]")  # `re` finds its first blank fast
_FIELD = re.compile(r"(?m)^(SUBREDDIT|TITLE|POST|TL;DR|TLDR|EDIT|UPDATE):")
_FIELD_WORDS: Final = ENGLISH.add(["subreddit", "title", "post", "tl", "tldr", "edit", "update"])
_FIELD_IN_JAPANESE = {
    "SUBREDDIT": "SUBREDDIT|サブレディット",
    "TITLE": "TITLE|タイトル|題",
    "POST": "POST|投稿|本文",
    "TL;DR": "(?i:tl;?dr)|要約|まとめ|要するに|つまり|結論|一言|要は|短く言|ひと言|三行|3行|概要",
    "TLDR": "(?i:tl;?dr)|要約|まとめ|要するに|つまり|結論|一言|要は|短く言|ひと言|三行|3行|概要",
    "EDIT": "EDIT|編集|追記",
    "UPDATE": "UPDATE|更新|追記|続報|その後",
}
_SHORT_NAME = 10  # English letters that a short form would have
_MANY_MORE = 1.25  # times the sentences of the source
_SHRINKS = 1.33
_CLAUSE = re.compile(
    r"(?:\A|, )(?:(?:even )?if|unless|except|because|but|(?:al)?though|while|as long as|provided)\b"
)
_PARAGRAPH = re.compile(r"\n[ \t\u3000]*\n\s*")
_HANGING = word_list("hanging_ja")
_HANGING_ALWAYS = frozenset(["を", "へ", "や", "および", "または", "その", "この"])
_TELEGRAPHIC = frozenset(["あり", "なし", "済み", "待ち", "付き", "希望"])  # 写真あり
_FINITE = frozenset("VMQtzxOEde")


def check(text: Bitext) -> Iterator[Seen]:
    """Yield what is missing or too much.

    >>> from prefdata.text.assess import problems
    >>> problems("Salt is used to melt ice on roads.", "塩は道路の氷を溶かすために使われ、料理の味付けや食品の保存、アイスクリームを冷やすのにも役立ちます。")
    ('length_ratio_high',)
    >>> problems("Salt is used to melt ice on roads.", "塩は道路の氷を溶かすために使われます。")
    ()
    """
    if text.finish_reason == "length":
        yield Seen("truncated", "length")
    if text.is_native:
        return
    if text.english_words and text.target.strip():
        yield from _length(text)
        yield from truncated(text)
        yield from omission(text)
        yield from addition(text)


def _length(text: Bitext) -> Iterator[Seen]:
    # 経済産業省 says in five characters what English says in six words.
    is_terse = text.english_words < 16 and text.kanji_share > 0.55
    if text.band != "1-3" and not is_terse:
        yield Seen("length_ratio_low", text.band, round(_low_ratio(text), 4))
    if len(text.japanese.text) >= 25:
        yield Seen("length_ratio_high", text.band, round(text.ratio, 4))


def _low_ratio(text: Bitext) -> float:
    """Return the length ratio, long names counted as short; one sentence may shrink by a quarter.

    The Ministry of Land, Infrastructure, Transport and Tourism is 国土交通省. A sentence with a
    clause of its own that became one without a comma shrank by that clause.

    >>> from prefdata.text.assess import problems
    >>> english = "You may swim in the lake all day, unless the red flag is up or a storm is near."
    >>> problems(english, "湖では一日中泳いでかまいません。")
    ('length_ratio_low',)
    """
    source = text.english.text
    letters = text.source_letters
    ratio = text.ratio
    if _IN_LONG_NAME.search(source):
        names = _LONG_NAME.findall(source)
        spare = sum(max(length.characters(name) - _SHORT_NAME, 0) for name in names)
        ratio *= letters / (letters - min(spare, letters * 2 // 3))
    if text.source_sentence_count != 1 or text.english_words > 30:
        return ratio
    has_lost = "、" not in text.target and _CLAUSE.search(text.lower_english) is not None
    return ratio if has_lost else ratio * _SHRINKS


def truncated(text: Bitext) -> Iterator[Seen]:
    """Yield signs that the text stops early, unless the source does so itself.

    >>> from prefdata.text.assess import problems
    >>> problems("If it is broken, call the shop at once.", "壊れている場合は、")
    ('truncated',)
    >>> problems("Wait, I was going to", "待って、これから")
    ()
    """
    ended = text.english.text.rstrip(_BLANK_OR_HOLE).rstrip("\"'”’)]*_")
    if not ended.endswith(_SOURCE_FINAL):
        return
    bare = text.japanese.text.rstrip()
    if _BARE_ITEM.search(bare):
        yield Seen("truncated", "item", detail=bare[-10:])
    if text.japanese.citations and not text.english.has_code:
        bare = bare.rstrip("◇ \n\t\u3000")  # [2] says nothing of where the sentence ends
    end = bare.rstrip(_CLOSERS)
    if bare.endswith(_OPEN) or end.endswith(_OPEN):
        yield Seen("truncated", "comma", detail=bare[-10:])
    elif end and not _FINAL.match(end[-1]):
        yield from _unfinished(text, bare)
    unclosed = markup.unclosed_brackets(text.japanese.text)
    if unclosed and unclosed > markup.unclosed_brackets(text.english.text):
        yield Seen("truncated", "bracket", detail=bare[-10:])


def _unfinished(text: Bitext, bare: str) -> Iterator[Seen]:
    """Judge an end without 。: by the last word, and by how much of the source is there."""
    surfaces, classes = final_words(text.words)
    if not classes or bare.endswith(("」", "』", "◇")):
        return
    if _is_verse(bare, like=text.english.text):
        return
    last, mark = surfaces[-1], classes[-1]
    if last in _TELEGRAPHIC:
        return
    if last in _HANGING_ALWAYS or (last in _HANGING and text.english_words >= 4 and mark in "ghqf"):
        yield Seen("truncated", "particle", detail=bare[-10:])
    elif text.english_words >= 8 and not markup.ends_in_item(text.japanese.text):
        if mark not in _FINITE:
            yield Seen("truncated", "word", detail=bare[-10:])
        else:
            yield Seen("truncated", "no_stop", round(text.ratio, 4), bare[-10:])


def _is_verse(text: str, like: str) -> bool:
    """Tell whether the lines of a text all go without a full stop, as those of a song do.

    Three and more, or two where the source has two.

    >>> _is_verse("雨よ、雨よ\\n行かないで", like="Rain, rain,\\ndon't go."), _is_verse("雨が、", like="It")
    (True, False)
    """
    lines = [line.rstrip() for line in text.split("\n") if line.strip()]
    if len(lines) < 2 or any(line.endswith(("。", "．", ".", "！", "？")) for line in lines):
        return False
    is_couplet = (
        "。" not in text
        and "\n\n" not in text
        and sum(map(bool, map(str.strip, like.split("\n")))) == 2
    )
    return len(lines) >= 3 or is_couplet


def omission(text: Bitext) -> Iterator[Seen]:
    """Yield missing paragraphs, list items and sentences.

    >>> from prefdata.text.assess import problems
    >>> problems("It rained. The river rose. The bridge closed. Nobody came.", "雨が降った。")
    ('omission', 'length_ratio_low')
    >>> problems("It rained and the river rose. So the bridge closed.", "雨で川が増水し、橋は閉鎖された。")
    ()
    """
    source, target = text.english.text, text.japanese.text
    paragraphs = _paragraphs(source) if source.count("\n") >= 4 else 1  # three have two blank lines
    if paragraphs >= 3:
        share = _paragraphs(target) / paragraphs
        band = "paragraphs" if "\n" in target else "paragraphs_joined"
        if band == "paragraphs_joined" and len(text.target_sentences) < text.source_sentence_count:
            band = "paragraphs"
        if share < 1:
            yield Seen("omission", band, share if band == "paragraphs" else round(text.ratio, 4))
    if ":" in source and not _FIELD_WORDS.isdisjoint(text.source_terms):
        yield from _fields(source, target)
    items = text.source_items
    if items >= 3 and 0 < text.target_items < items:
        yield Seen("omission", "items", text.target_items / items)
    sentences, there = text.source_sentence_count, len(text.target_sentences)
    if sentences >= 3 and there < sentences:
        share = there / sentences
        band = "sentences" if share <= 0.67 and sentences >= 4 else "sentence"
        yield Seen("omission", band, round(text.ratio, 4), f"{there} of {sentences} sentences")


def _fields(source: str, target: str) -> Iterator[Seen]:
    """Yield fields of a post that are missing while others stand: TITLE, POST, TL;DR."""
    labels = _FIELD.findall(source)
    if len(labels) == 1:
        labels = [label for label in labels if label in ("TL;DR", "TLDR")]
    if not labels:
        return
    lost = [label for label in labels if not re.search(_FIELD_IN_JAPANESE[label], target)]
    if lost:
        yield Seen("omission", "items", 1 - len(lost) / len(labels), " ".join(lost))


def _paragraphs(text: str) -> int:
    return sum(1 for block in _PARAGRAPH.split(text) if block.strip())


def addition(text: Bitext) -> Iterator[Seen]:
    """Yield sentences too many, weighed by length.

    >>> from prefdata.text.assess import problems
    >>> problems("Salt melts ice.", "塩は氷を溶かします。海水が凍りにくいのもこのためです。冬の道路にまくこともあります。")
    ('addition',)
    >>> problems("He came, saw it, and left again.", "彼は来た。見た。そして帰った。")
    ()
    """
    sentences, there = text.source_sentence_count, len(text.target_sentences)
    if sentences and there > sentences:
        is_more = there >= sentences + 2 and there >= _MANY_MORE * sentences
        band = "sentences" if is_more else "sentence"
        share = round(text.ratio / TOO_LONG[text.band], 4)
        yield Seen("addition", band, share, f"{there} for {sentences} sentences")
    items = text.source_items
    if items and text.target_items >= items + 2:
        yield Seen("addition", "items", text.target_items / items)
