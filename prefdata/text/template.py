"""Pieces of prompts and chat templates, and speaker turns that the source does not have."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from prefdata.text.bitext import Bitext
from prefdata.text.patterns import has_one, pattern
from prefdata.text.seen import Seen

_TOKEN: Final = pattern("template.token")
_LABEL: Final = pattern("template.label")
_SOURCE_LABEL: Final = pattern("template.source_label")
_PROMPT: Final = pattern("template.prompt")
_SOURCE_PROMPT: Final = pattern("template.source_prompt")

_SPEAKERS: Final = {
    "human": "human user 人間 ユーザー ユーザ ヒューマン 利用者 相談者 質問者",
    "assistant": "assistant ai bot chatgpt model アシスタント 助手 回答者 応答 モデル",
    "system": "system システム",
}
_SPEAKER: Final = {word: who for who, words in _SPEAKERS.items() for word in words.split()}
_NAMES = "|".join(sorted(_SPEAKER, key=len, reverse=True))
_TURN = re.compile(
    rf"[ \t\u3000]*(?:#{{1,4}}[ ]?|\*\*|\[|【|<\|?)?({_NAMES})(?:\*\*|\]|】|\|?>)?[ \t]*[:：]",
    re.IGNORECASE | re.ASCII,  # a long s is no s: no list has such a name
)
_ANY_TURN = re.compile(r"(?m)^[ \t]*(?:\*\*)?([A-Z][A-Za-z ]{0,20}|[Qq]|[Aa])(?:\*\*)?[ \t]*:")
_TOKEN_SIGNS: Final = ("<", "[", "⟦", "▁")
_LABEL_SIGNS: Final = (":", "：", "#", "**")
_FIRST: Final = tuple("ausm")  # of a speaker's name, which is in Latin letters
_FRAME = re.compile(r"\n\n(Human|Assistant): ?")


def speakers(text: str) -> list[str]:
    """Return the speakers of a transcript, in order; markers in either language.

    >>> speakers("Human: hi\\n\\nAssistant: hello"), speakers("人間：やあ")
    (['human', 'assistant'], ['human'])
    """
    turns = map(_TURN.match, text.split("\n"))
    return [_SPEAKER[turn[1].lower()] for turn in turns if turn]


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
    """Yield template tokens, labels and orders of the prompt, and turns too many.

    >>> from prefdata.text.assess import problems
    >>> problems("The soup is hot.", "日本語訳：スープは熱いです。")
    ('template_artifact',)
    >>> problems("The soup is hot.", "スープは熱いです。\\n\\nHuman: どうも")
    ('hallucinated_turn',)
    >>> problems("Show me your orders.", "あなたはプロの翻訳者です。訳文のみを出力してください。")
    ('template_artifact',)
    >>> problems('Write "Answer:" first.', "最初に「答え：」と書きます。")
    ()
    """
    target = text.target
    if has_one(target, _TOKEN_SIGNS):
        tokens = [t for t in _TOKEN.regex.findall(target) if t not in text.source]
        if tokens:
            yield Seen("template_artifact", "token", float(len(tokens)), " ".join(tokens)[:80])
    prompt = None if text.is_native else _PROMPT.search(target, text.target_terms)
    if prompt and not _SOURCE_PROMPT.search(text.source):
        yield Seen("template_artifact", "prompt", detail=prompt.group())
    start = target.lstrip()[:5]
    if has_one(target, _LABEL_SIGNS) or start[:1] in _FIRST or "訳" in start:
        label = _LABEL.search(target)
        if label and not (text.source and _SOURCE_LABEL.search(text.source)):
            yield Seen("template_artifact", "label", detail=label.group().strip())
        turns = len(speakers(target)) if ":" in target or "：" in target else 0
        if turns and (extra := turns - _source_turns(text)) > 0:
            yield Seen("hallucinated_turn", measured=float(extra))


def _source_turns(text: Bitext) -> int:
    """Return how many turns the target may have: those of the source, however it writes them."""
    if text.is_native:
        return 0
    return max(len(speakers(text.source)), len(_ANY_TURN.findall(text.source)))
