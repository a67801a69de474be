"""Which script a text is in: counts of letters, Chinese-only kanji, Hangul and the rest."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import Final

from prefdata.text.lexicon import JAPANESE

KANA = "ぁ-ゖゝゞァ-ヺーヽヾｦ-ﾟ"
HAN = "一-鿿㐀-䶿\uf900-\ufaff々〆𠀀-𪛟"
_JAPANESE = re.compile(f"[{KANA}{HAN}][{KANA}{HAN}]*+")  # `re` finds one fast, and a run slowly
_KANA = re.compile(f"[{KANA}]")
_HIRAGANA = re.compile("[ぁ-ゖ]+")
_HAN = re.compile(f"[{HAN}]")
_HAN_RUN = re.compile(f"[{HAN}]+")
_LATIN = re.compile("[A-Za-zÀ-ɏＡ-Ｚａ-ｚ]+")
_HANGUL = re.compile("[가-힣ᄀ-ᇿㄱ-ㆎ]+")
_OTHER = re.compile(r"[Ѐ-ӿ]{3,}|[֐-׿؀-ۿݐ-ݿऀ-෿฀-๿຀-໿Ⴀ-ჿ]{2,}")
_BEYOND_JIS = re.compile("[一-鿿㐀-䶿\uf900-\ufaff]")

# Kanji that Japanese writes though cp932 lacks them: the jōyō additions of 2010 and common names.
ALLOWED: Final = frozenset(
    "剝塡頰𠮟嚙吞填頬叱噛呑䰗髙﨑神祥福﨟彅煇靑濵瀨俱萊簞蔣驒鷗摑瘦繫蠟醬攢掻焰潑瀆"
    "圳鄂湘皖邨翊昊璟睿堃玥珺琰曄韋"  # Chinese places and names that Japanese writes as they are
)

# Simplified forms that cp932 has, but no Japanese text of today.
_SIMPLIFIED: Final = frozenset("气从么")

# Words of Chinese that Japanese does not write so; single characters for texts without kana.
_CHINESE_WORD = re.compile(
    "不過[，、]|但是|因為|因为|如果|可以[用在做看讓让]|什麼|什么|怎麼|怎么|這個|这个|這些|这些|我們|我们|你們|你们|他們|他们"
    "|沒有|没有|還是|还是|已經|已经|應該|应该|雖然|虽然|然後[，、再]|然后|並且|并且|或者[是在説说]|以及[，其在]|就是說|就是说"
    "|数据(?!え)|描述|信息(?!筋)|例如[，：]|首先[，、]|其次[，、]|另外[，、]"
    "|孩子[們们们的面都會会]|媽媽|妈妈|爸爸|喜歡|喜欢|非常好|為了|为了|您好|謝謝|谢谢|請問|请问"
)
# What each of its alternatives begins with.
CHINESE_BEGINNINGS: Final = JAPANESE.add(re.findall(r"(?:^|\|)([^|\[(]+)", _CHINESE_WORD.pattern))
# Words that stand in a Chinese text without kana; in Japanese they meet by chance (今天皇, 不要な).
_PLAIN_CHINESE = re.compile(
    "明天|今天|昨天|後天(?!性)|忘記|忘记|喜歡|喜欢|知道|可以|需要你|時候|时候|東西|东西|朋友|謝謝|谢谢|早上|晚上"
    "|下午|上午|沒有|没有|不是|不會|不会|不能|還有|还有|這裡|这里|那裡|那里|哪裡|哪里|多少|一個|一个|一些|很多|帶|給我|给我"
)
_CHINESE_CHARACTER = re.compile(
    "[的了是在我你他她它们們這这那有和就也很吗嗎呢吧没沒說说您會会要對对把被讓让給给]"
)


class _Scripts(dict[str, str]):
    """The script of a character, empty for any that Japanese may hold; found once and remembered."""

    def __missing__(self, character: str) -> str:
        found = next((name for name, regex in _SCRIPTS if regex.match(character)), "")
        if found == "han" and _is_foreign(character):
            found = "foreign_han"
        self[character] = found
        return found


_SCRIPTS: Final = (
    ("surrogate", re.compile("[\ud800-\udfff]")),
    # Signs of a wrong decoding; some are letters of other languages, so it is looked at closer.
    ("broken", re.compile("[\ufffd\x80-\x9fÃãâåäæç縺繧繝蜿譁螟]")),
    ("half_kana", re.compile("[ｦ-ﾟ]")),
    ("kana", re.compile(f"[{KANA}]")),
    ("han", re.compile(f"[{HAN}]")),
    ("hangul", re.compile("[가-힣ᄀ-ᇿㄱ-ㆎ]")),
    ("other", re.compile("[Ѐ-ӿ֐-׿؀-ۿݐ-ݿऀ-෿฀-๿຀-໿Ⴀ-ჿ]")),
)
_SCRIPT = _Scripts()
# What cp932 has, but is no usual Japanese.
_NOT_PLAIN = re.compile(f"[\x80-\x9f縺繧繝蜿譁螟ｦ-ﾟЀ-ӿ{''.join(sorted(_SIMPLIFIED))}]")
# Full-width letters (but w, a laugh) and digits, half-width marks.
WIDE: Final = re.compile("[Ａ-Ｚａ-ｖｘ-ｚ０-９｡-･]")
_PLAIN: Final = {
    (kana, han): frozenset(["kana"] * kana + ["han"] * han)
    for kana in (False, True)
    for han in (False, True)
}


def scripts(text: str) -> frozenset[str]:
    """Return the scripts of a text: kana, half_kana, han, foreign_han, hangul, broken, surrogate, other.

    Latin letters, digits and marks are none.

    >>> sorted(scripts("空は时々 dark")), sorted(scripts("ｱ"))
    (['foreign_han', 'han', 'kana'], ['half_kana'])
    """
    if is_usual(text) or _is_plain(text):
        return usual_scripts(text)
    return frozenset(map(_SCRIPT.__getitem__, set(text))) - {""}


def usual_scripts(text: str) -> frozenset[str]:
    """Return the scripts of a usual text: kana and han, one of them, or none."""
    return _PLAIN[_KANA.search(text) is not None, _HAN.search(text) is not None]


def is_usual(text: str) -> bool:
    """Tell whether a text is plain and has no `WIDE` character, which one fast look tells of most.

    >>> is_usual("空は dark です。"), is_usual("空は时々"), is_usual("３時")
    (True, False, False)
    """
    return _unusual().search(text) is None


@cache
def _unusual() -> re.Pattern[str]:
    """Return the pattern of one character outside cp932, or one that cp932 has and is not usual."""
    pairs = b"\n".join(bytes((a, b)) for a in range(0x81, 0xFD) for b in range(0x40, 0xFD))
    known = {*pairs.decode("cp932", "ignore"), *map(chr, range(128)), "〜", "−"}
    usual = [c for c in sorted(known) if not (_NOT_PLAIN.match(c) or WIDE.match(c))]
    return re.compile(f"[^{re.escape(''.join(usual))}]")


def _is_plain(text: str) -> bool:
    """Tell whether a text holds nothing but kana, kanji of cp932, ASCII and marks; most do."""
    try:
        text.encode("cp932")
    except UnicodeEncodeError:
        return False
    return _NOT_PLAIN.search(text) is None


def japanese_letters(text: str) -> int:
    """Count kana and kanji."""
    return sum(map(len, _JAPANESE.findall(text)))


def latin_letters(text: str) -> int:
    """Count Latin letters, full-width ones too."""
    return sum(map(len, _LATIN.findall(text)))


def japanese_share(text: str) -> float:
    """Return the share of letters that are Japanese; 1.0 for a text without letters.

    >>> japanese_share("Wi-Fiの設定")
    0.42857142857142855
    """
    japanese, latin = japanese_letters(text), latin_letters(text)
    return japanese / (japanese + latin) if japanese + latin else 1.0


def hiragana_share(text: str) -> float:
    """Return hiragana as a share of Japanese letters; 1.0 for a text without any."""
    japanese = japanese_letters(text)
    return sum(map(len, _HIRAGANA.findall(text))) / japanese if japanese else 1.0


def kanji(text: str) -> int:
    """Count kanji."""
    return sum(map(len, _HAN_RUN.findall(text)))


def has_kana(text: str) -> bool:
    """Tell whether the text holds kana of any width."""
    return not text.isascii() and _KANA.search(text) is not None


def has_han(text: str) -> bool:
    """Tell whether the text holds a kanji."""
    return _HAN.search(text) is not None


@lru_cache(maxsize=16384)
def _is_foreign(character: str) -> bool:
    if character in ALLOWED or character in _SIMPLIFIED:
        return character in _SIMPLIFIED
    try:
        character.encode("cp932")
    except UnicodeEncodeError:
        return True
    return False


def foreign_kanji(target: str, source: str = "") -> list[str]:
    """Return kanji that Japanese does not use (not in cp932, not allowed) and the source lacks.

    >>> foreign_kanji("空気は时々乾いている。")
    ['时']
    """
    return [c for c in _BEYOND_JIS.findall(target) if _is_foreign(c) and c not in source]


def foreign_letters(target: str, source: str = "") -> list[str]:
    """Return runs of Hangul, Cyrillic, Hebrew, Arabic, Thai, … that the source lacks."""
    runs = _HANGUL.findall(target) + _OTHER.findall(target)
    return [run for run in runs if run not in source]


def chinese_words(target: str, source: str = "") -> list[str]:
    """Return words that are Chinese and not Japanese, in characters that both use."""
    return [word for word in _CHINESE_WORD.findall(target) if word.rstrip("，、") not in source]


def plain_chinese_words(text: str) -> list[str]:
    """Return everyday Chinese words of a text that has no kana and eight kanji or more.

    >>> plain_chinese_words("明天不要忘記帶傘。"), plain_chinese_words("東京都庁舎南展望室")
    (['明天', '忘記', '帶'], [])
    """
    found = _PLAIN_CHINESE.findall(text)
    return found if len(found) >= 2 and not has_kana(text) else []


def chinese_share(text: str) -> float:
    """Return Chinese function characters as a share of kanji, for a text without kana.

    0.0 when there is kana, or fewer than five kanji: 東京都庁 and 了解。 are Japanese.
    """
    if has_kana(text):
        return 0.0
    kanji = len(_HAN.findall(text))
    return len(_CHINESE_CHARACTER.findall(text)) / kanji if kanji >= 5 else 0.0


def kanji_only_length(text: str) -> int:
    """Return the number of kanji of a text that has no kana, else 0."""
    return 0 if has_kana(text) else len(_HAN.findall(text))
