"""Records for the tests of the translation, built by hand."""

from __future__ import annotations

from collections.abc import Sequence

from prefdata.core.origin import Layer, Origin
from prefdata.core.records import (
    Completion,
    Conversation,
    Message,
    Preference,
    group_of,
    pair_key,
    record_id,
)

LAYER = Layer("source_text", "acme/pairs")


def talk(*texts: str) -> Conversation:
    """Turns that alternate, the user first."""
    roles = ("user", "assistant")
    return tuple(Message(roles[n % 2], text) for n, text in enumerate(texts))  # type: ignore[arg-type]


def record(
    row: str,
    prompt: Sequence[str],
    *completions: str,
    lang: str = "en",
    kind: str = "hh",
) -> Preference:
    """A pair, or with three and more completions a ranking; the first is the best."""
    turns = talk(*prompt)
    key = pair_key("acme/pairs", "local", row)
    return Preference(
        id=record_id(key, lang),
        pair_key=key,
        kind="pair" if len(completions) == 2 else "ranking",
        prompt=turns,
        completions=tuple(
            Completion((Message("assistant", text),), rank)
            for rank, text in enumerate(completions, 1)
        ),
        lang=lang,
        group=group_of(turns),
        origin=Origin("acme/pairs", kind, "local", row, "0" * 64, (LAYER,)),
    )
