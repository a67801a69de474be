"""The public double: a translator for tests and dry runs, without a model."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import ClassVar

from pydantic import Field

from prefdata.config.settings import Settings
from prefdata.core.origin import Layer
from prefdata.core.records import digest
from prefdata.core.stage import Answer, Context, Request

_WORDS = ("朝", "駅前", "手紙", "庭先", "計算", "料理", "雨音", "本棚", "約束", "地図", "机", "光",
          "季節", "友人", "会議", "旅行")  # fmt: skip
_VERBS = ("比べ", "選び", "並べ", "調べ", "運び", "眺め", "数え", "覚え")
_IN_A_SENTENCE = 4


class Fake:
    """Writes Japanese-looking nonsense: the same for the same turn, its length, its marks.

    Nothing it writes is a translation. It keeps placeholders and ends as the source ends, so that
    a pipeline runs through; `refuse`, `cut`, `empty` and `copy_source` make it fail on purpose.
    """

    version = 1
    checked: ClassVar[bool] = True

    class Config(Settings):
        """Settings of the fake translator; the lists name parts of sources where it fails."""

        refuse: tuple[str, ...] = Field(default=(), description="sources that it refuses")
        cut: tuple[str, ...] = Field(default=(), description="sources whose answer it cuts off")
        empty: tuple[str, ...] = Field(default=(), description="sources without an answer")
        copy_source: tuple[str, ...] = Field(default=(), description="sources that it hands back")
        recovers: bool = Field(default=False, description="whether a second attempt succeeds")

    def __init__(self, config: Config, context: Context) -> None:
        self.config = config
        self.fingerprint = digest("fake", config.model_dump_json())
        self.layer: Layer | None = Layer("translator", "prefdata/fake")

    def translate(self, requests: Iterable[Request | None]) -> Iterator[Answer]:
        """Answer each request at once."""
        for request in requests:
            if request is not None:
                text, reason = self._answer(request)
                yield Answer(request.key, text, reason, None, len(text))

    def _answer(self, request: Request) -> tuple[str, str]:
        config, source = self.config, request.text
        if not (config.recovers and request.attempt):
            if _any(config.refuse, source):
                return "申し訳ありませんが、その文章の翻訳はできません。", "stop"
            if _any(config.cut, source):
                return invented(source)[: len(source) // 4 + 1].rstrip("。") + "、", "length"
            if _any(config.empty, source):
                return "", "stop"
            if _any(config.copy_source, source):
                return source, "stop"
        return invented(source), "stop"


def _any(parts: tuple[str, ...], source: str) -> bool:
    return any(part in source for part in parts)


def invented(source: str) -> str:
    """Return Japanese-looking text for a source: line by line, about 0.55 of its length."""
    return "\n".join(_line(line) if line.strip() else "" for line in source.split("\n"))


_KEPT = re.compile(r"⟦[A-Z]\d+⟧|\[\d+(?:, ?\d+)*\]|\$?\d[\d,.:/%]*\d%?|\d%?")
_BULLET = re.compile(r"\s*(?:[-*+]|\d+[.)]|#{1,6}|>)\s+")


def _line(line: str) -> str:
    """Return one line: its bullet, nonsense of its length, its numbers and marks, its ending."""
    bullet = _BULLET.match(line)
    rest = line[bullet.end() :] if bullet else line
    kept = "、".join(match.group() for match in _KEPT.finditer(rest))
    seed = int.from_bytes(blake2b(line.encode("utf-8", "replace"), digest_size=8).digest(), "big")
    wanted = len(_KEPT.sub("", rest)) * 0.5
    clauses: list[str] = []
    while sum(map(len, clauses)) < wanted - 6:
        seed = seed * 6364136223846793005 + 1442695040888963407 & (1 << 64) - 1
        clause = f"{_WORDS[seed >> 50 & 15]}と{_WORDS[seed >> 56 & 15]}を{_VERBS[seed >> 40 & 7]}"
        is_last = len(clauses) % _IN_A_SENTENCE == _IN_A_SENTENCE - 1
        clauses.append(clause + ("ます。" if is_last else "、"))
    text = "".join(clauses) + kept + (kept and "、") + f"{_WORDS[seed >> 50 & 15]}を"
    end = rest.rstrip()[-1:]
    return f"{bullet.group() if bullet else ''}{text}{_ENDINGS.get(end, '見てください')}"


_ENDINGS = {"?": "見ますか？", ".": "見てください。", "!": "見てください！"}
