"""The public double: a translator for tests and dry runs, without a model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import ClassVar

from pydantic import Field

from prefdata.config.settings import Settings
from prefdata.core.origin import Layer
from prefdata.core.records import digest
from prefdata.core.stage import Answer, Context, Request

_STEMS = (
    "これは試しの訳文です",
    "話はここで次に進みます",
    "答えを順に書いておきます",
    "詳しいことはあとで述べます",
    "まず手順を確かめましょう",
    "例をひとつ挙げておきます",
    "理由は二つあると思います",
    "それは時と場合によります",
)
_WORDS = ("朝", "駅前", "手紙", "庭先", "計算", "料理", "雨音", "本棚", "約束", "地図", "机", "光",
          "季節", "友人", "会議", "旅行")  # fmt: skip


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


def _line(line: str) -> str:
    from prefdata.translate.protect import MARK

    marks = "".join(match.group() for match in MARK.finditer(line))
    seed = int.from_bytes(blake2b(line.encode("utf-8", "replace"), digest_size=8).digest(), "big")
    wanted = max(len(MARK.sub("", line)) * 0.55, 2)
    ending = "？" if line.rstrip().endswith("?") else "。"
    words: list[str] = []
    while sum(map(len, words)) < wanted:
        seed = seed * 6364136223846793005 + 1442695040888963407 & (1 << 64) - 1
        stem = _STEMS[seed >> 40 & 7]
        words.append(f"{_WORDS[seed >> 50 & 15]}と{_WORDS[seed >> 55 & 15]}、{stem}。")
    text = "".join(words).rstrip("。")
    if ending == "？":
        text += "か"
    return f"{text}{marks}{ending}"
