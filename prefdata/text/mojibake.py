"""Broken encodings: UTF-8 read as Latin-1 or cp1252, or as Shift_JIS, and replacement characters."""

from __future__ import annotations

import re
from typing import Final

# UTF-8 bytes of kana and punctuation (E3 81.., E3 82.., E3 83..) and kanji (E4..E9) read as cp1252.
_LATIN = re.compile("Ã[\x80-\xbf]|[ãâåäæçèé][\x80-\xbf‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ€]")
# The same bytes read as Shift_JIS: 縺 (E3 81), 繧 (E3 82), 繝 (E3 83), 蜿, 譁, 螟 …
_SJIS = re.compile("[縺繧繝][\\x00-\\uffff]|[蜿譁譛譌譬螟螳蜑蜷菴莉鬮荳蟄邨邱][\\uff61-\\uff9f]")
_REPLACEMENT: Final = "�"
_LOST = re.compile(r"(?<=[ぁ-んァ-ヶ一-龠])\?{4,60}(?=[。、ぁ-んァ-ヶ一-龠])")
_QUICK = re.compile("[Ããâ縺繧繝\ufffd蜿譁螟]|æ[\x80-\xbf]")


def broken_sequences(text: str) -> int:
    r"""Count sequences that only a wrong decoding produces.

    >>> broken_sequences("繝代Φ螻"), broken_sequences("S\u00e3o Paulo")
    (1, 0)
    """
    if not _QUICK.search(text):
        return 0
    found = len(_LATIN.findall(text)) + len(_SJIS.findall(text))
    return found + text.count(_REPLACEMENT)


def lost_characters(target: str, source: str) -> int:
    """Count runs of question marks that stand for Japanese an encoding could not hold.

    >>> lost_characters("ドアを閉めて????。", "Close the door."), lost_characters("何????", "What????")
    (1, 0)
    """
    return len(_LOST.findall(target)) if "????" in target and "???" not in source else 0


def lone_surrogates(text: str) -> int:
    """Count code points that are half a character."""
    if text.isascii():
        return 0
    return sum("\ud800" <= c <= "\udfff" for c in text)
