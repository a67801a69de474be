"""Word classes: one character for each word, made of MeCab's part of speech and inflection."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

# One character per class. Verbs and adjectives by inflection: a finite form may end a sentence.
_BY_POS: Final = {
    "名詞": "N", "代名詞": "P", "形状詞": "J", "連体詞": "T", "副詞": "A", "接続詞": "C", "感動詞": "I",
    "接頭辞": "H", "接尾辞": "S", "記号": "-", "空白": " ", "補助記号": "~", "動詞": "v", "形容詞": "v", "助動詞": "y",
    "助詞": "f",
}  # fmt: skip
_BY_SUB: Final = {
    ("補助記号", "句点"): ".", ("補助記号", "読点"): ",", ("補助記号", "括弧開"): "(", ("補助記号", "括弧閉"): ")",
    ("助詞", "格助詞"): "g", ("助詞", "係助詞"): "h", ("助詞", "接続助詞"): "q", ("助詞", "準体助詞"): "j",
    ("助詞", "終助詞"): "e",
}  # fmt: skip
PARTICLES: Final = frozenset("ghqfje")
SYMBOLS: Final = frozenset(".,()~- ")
CONTENT: Final = frozenset("NUPJTAVrEOISCH")


def of_left_ids(dictionary: str) -> Iterator[tuple[int, str, str]]:
    """Yield each left context id of MeCab's dictionary (a folder), its part of speech and class."""
    lines = (Path(dictionary) / "left-id.def").read_text(encoding="utf-8").splitlines()
    for number, feature in (line.split(" ", 1) for line in lines):
        fields = feature.split(",")
        yield int(number), fields[0], _class_of(fields)


def of_unknown() -> dict[str, str]:
    """Return the class of an unknown word by its part of speech."""
    return _BY_POS | {"名詞": "U"}


def _class_of(feature: list[str]) -> str:
    """Return the class of a left id.

    Verbs and adjectives: V finite, E imperative, O volitional, r other forms. Auxiliaries: M polite
    and finite (です, ます), w polite and not (まし, ませ), Q polite volitional (でしょう), d だ, t た,
    z finite ない or ぬ, x another finite one, O だろう, E imperative, y the rest, a な.
    """
    pos, sub, conjugation, form = feature[0], feature[1], feature[4], feature[5]
    if pos in ("動詞", "形容詞") or (pos == "接尾辞" and form != "*"):
        return _inflected(form, finite="V", other="r")
    if pos != "助動詞":
        return _BY_SUB.get((pos, sub)) or _BY_POS.get(pos, "~")
    if conjugation in ("助動詞-デス", "助動詞-マス"):
        mark = _inflected(form, finite="M", other="w")
        return {"O": "Q", "E": "w"}.get(mark, mark)
    if conjugation == "助動詞-ダ" and form.startswith("連体形"):
        return "a"
    finite = {
        "助動詞-ダ": "d",
        "助動詞-タ": "t",
        "助動詞-ナイ": "z",
        "助動詞-ヌ": "z",
        "文語助動詞-ズ": "z",
    }
    return _inflected(form, finite=finite.get(conjugation, "x"), other="y")


def _inflected(form: str, *, finite: str, other: str) -> str:
    if form.startswith(("終止形", "連体形")):
        return finite
    return {"命令形": "E", "意志推量形": "O"}.get(form, other)
