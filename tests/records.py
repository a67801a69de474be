"""Records for tests: one pair to change, and a Hypothesis strategy for all kinds."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from prefdata.core.finding import Finding
from prefdata.core.origin import Layer, Origin
from prefdata.core.records import (
    Completion,
    Message,
    Original,
    Preference,
    group_of,
    pair_key,
    record_id,
)

LAYERS = (Layer("label", "Anthropic/hh-rlhf"), Layer("source_text", "Anthropic/hh-rlhf", "a" * 40))


def say(*turns: str) -> tuple[Message, ...]:
    """Return turns as a conversation, the user first."""
    return tuple(Message(("user", "assistant")[n % 2], turn) for n, turn in enumerate(turns))


def answer(text: str) -> tuple[Message, ...]:
    """Return one assistant turn."""
    return (Message("assistant", text),)


def a_pair(
    prompt: str = "駅までの道を教えてください。",
    chosen: str = "この道をまっすぐ行くと、5分ほどで着きます。",
    rejected: str = "知りません。",
    *,
    row: str = "1",
    english: tuple[str, str, str] | None = None,
    **changes: Any,
) -> Preference:
    """Return a Japanese pair; with `english` (prompt, chosen, rejected), a translated one."""
    key = pair_key("test/source", "local", row)
    values: dict[str, Any] = {
        "id": record_id(key, "ja"),
        "pair_key": key,
        "kind": "pair",
        "prompt": say(prompt),
        "completions": (Completion(answer(chosen), 1), Completion(answer(rejected), 2)),
        "lang": "ja",
        "group": group_of(say(prompt)),
        "origin": Origin("test/source", "hh", "local", row, "d" * 64, LAYERS),
    }
    if english:
        first, good, bad = english
        values["original"] = Original("en", say(first), (answer(good), answer(bad)))
    return Preference(**values | changes)


texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
messages = st.builds(Message, st.sampled_from(["system", "user", "assistant"]), texts)
conversations = st.lists(messages, max_size=4).map(tuple)
scores = st.lists(st.tuples(texts, st.floats(allow_nan=False)), max_size=2).map(tuple)
completions = st.builds(Completion, conversations, st.integers(1, 5), scores)
findings = st.builds(
    Finding,
    st.sampled_from(["untranslated", "length_ratio_high"]),
    st.sampled_from(["prompt", "chosen", "pair"]),
    st.integers(-1, 3),
    st.none() | st.floats(allow_nan=False),
    st.none() | st.floats(allow_nan=False),
    st.sampled_from(["", "81+"]),
    st.sampled_from(["drop", "flag", "repair", "none"]),
    texts,
)
layers = st.lists(
    st.builds(Layer, st.sampled_from(["label", "response"]), texts, texts), max_size=3, unique=True
).map(lambda found: tuple(sorted(found)))
origins = st.builds(Origin, texts, texts, texts, texts, texts, layers, texts, texts)


@st.composite
def preferences(draw: st.DrawFn) -> Preference:
    """Draw a record of any kind."""
    answers = tuple(
        sorted(draw(st.lists(completions, min_size=2, max_size=4)), key=lambda c: c.rank)
    )
    original = st.builds(
        Original,
        texts,
        conversations,
        st.lists(conversations, min_size=len(answers), max_size=len(answers)).map(tuple),
    )
    return Preference(
        id=draw(texts),
        pair_key=draw(texts),
        kind="pair" if len(answers) == 2 else "ranking",
        prompt=draw(conversations),
        completions=answers,
        lang=draw(texts),
        group=draw(texts),
        origin=draw(origins),
        margin=draw(st.none() | st.floats(allow_nan=False)),
        pairing=draw(st.sampled_from(["all", "best_worst"])),
        original=draw(st.none() | original),
        translation=draw(st.none() | texts),
        findings=tuple(draw(st.lists(findings, max_size=3))),
        license=draw(st.none() | texts),
    )
