"""Pieces of prompts and chat templates, and speaker turns that the source does not have."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from prefdata.text.bitext import Bitext
from prefdata.text.seen import Seen

_TOKEN = re.compile(
    r"<\|[^|<>\n]{1,40}\|>|<\|im_(?:start|end)|\[/?INST\]|<</?SYS>>|</?s>|<(?:eos|bos|pad|unk|EOS|BOS)>|<0x[0-9A-F]{2}>"
    r"|<(?:start|end)_of_turn>|⟦\w{0,8}⟧?|<extra_id_\d+>|<(?:tgt|src|2ja|ja_JP|jpn_Jpan|eng_Latn)>|▁{2,}|\[(?:PAD|SEP|CLS|MASK)\]"
    r"|</?(?:source|target|text|translation|translated|input|output|start|end|japanese|english|ja|en|jp|原文|訳文|翻訳)(?:_text|_ja)?>",
)
_LABEL = re.compile(
    r"(?m)^[ \t\u3000]*(?:#{1,4}[ \u3000]*|[*【\[「<]{1,2})?"
    r"(?:日本語訳|日本語|英語|英文|和訳|原文|訳文|翻訳文?|翻訳結果|翻訳対象|ソース|ターゲット|入力文?|出力文?|指示|応答|回答例|訳|例\d|Japanese(?: translation)?|English|Translation|Input|Output|Source|Target|Instruction|Response)"
    r"[*】\]」>]{0,2}[ \t]*[:：]|(?m:^[ \t]*#{1,4}[ \u3000]*(?:日本語訳|和訳|日本語|英語|英文|指示|入力|出力|応答|回答|翻訳|翻訳文|訳文|原文|Instruction|Input|Output|Response|Translation)[ \t]*:?$)"
)
_SOURCE_LABEL = re.compile(
    r"(?:english|japanese|translat\w*|original|source|target|input|output|instructions?|response|answer|example|prompt|text|language)\b[^\n]{0,20}[:\-|#]|#{1,4} ?\w",
    re.IGNORECASE,
)

_SPEAKER: Final = {
    "human": "human", "user": "human", "assistant": "assistant", "ai": "assistant", "bot": "assistant", "chatgpt": "assistant",
    "人間": "human", "ユーザー": "human", "ユーザ": "human", "ヒューマン": "human", "利用者": "human",
    "アシスタント": "assistant", "助手": "assistant", "システム": "system", "system": "system", "相談者": "human", "質問者": "human", "回答者": "assistant", "応答": "assistant", "モデル": "assistant", "model": "assistant",
}  # fmt: skip
_TURN = re.compile(
    r"(?:^|\n)[ \t\u3000]*(?:#{1,4}[ ]?|\*\*|\[|【|<\|?)?(Human|User|Assistant|AI|Bot|ChatGPT|System|Model|人間|ユーザー?|ヒューマン|利用者|アシスタント|助手|システム|相談者|質問者|回答者|応答|モデル)(?:\*\*|\]|】|\|?>)?[ \t]*[:：]",
    re.IGNORECASE,
)
_ANY_TURN = re.compile(r"(?:^|\n)[ \t]*(?:\*\*)?([A-Z][A-Za-z ]{0,20}|[Qq]|[Aa])(?:\*\*)?[ \t]*:")
_FRAME = re.compile(r"\n\n(Human|Assistant): ?")


def speakers(text: str) -> list[str]:
    """Return the speakers of a transcript, in order; markers in either language.

    >>> speakers("Human: hi\\n\\nAssistant: hello"), speakers("人間：やあ")
    (['human', 'assistant'], ['human'])
    """
    return [_SPEAKER[name.lower()] for name in _TURN.findall(text)]


def split_transcript(text: str) -> list[tuple[str, str]]:
    """Return (role, text) of each turn of a transcript in hh-rlhf's layout; empty if it is none."""
    parts = _FRAME.split(text if text.startswith("\n\n") else "\n\n" + text)
    if parts[0].strip():
        return []
    roles = {"Human": "user", "Assistant": "assistant"}
    return [
        (roles[name], turn.strip()) for name, turn in zip(parts[1::2], parts[2::2], strict=True)
    ]


def check(text: Bitext) -> Iterator[Seen]:
    """Yield template tokens, labels of the prompt, and turns too many."""
    target = text.target
    tokens = (
        [t for t in _TOKEN.findall(target) if t not in text.source] if _has_sign(target) else []
    )
    if tokens:
        yield Seen("template_artifact", "token", float(len(tokens)), " ".join(tokens)[:80])
    if ":" in target or "：" in target or "#" in target:
        label = _LABEL.search(target)
        if label and not (text.source and _SOURCE_LABEL.search(text.source)):
            yield Seen("template_artifact", "label", detail=label.group().strip())
        extra = len(speakers(target)) - _source_turns(text)
        if extra > 0:
            yield Seen("hallucinated_turn", measured=float(extra))


def _has_sign(target: str) -> bool:
    return "<" in target or "[" in target or "⟦" in target or "▁" in target


def _source_turns(text: Bitext) -> int:
    """Return how many turns the target may have: those of the source, however it writes them."""
    if text.is_native:
        return 0
    return max(len(speakers(text.source)), len(_ANY_TURN.findall(text.source)))
