"""A reward model that reads both languages sees where translation lost the preference."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from prefdata.core.records import Message, Original
from prefdata.core.stage import Context
from tests.records import a_pair

pytestmark = pytest.mark.train


def said(role: str, text: str) -> tuple[Message, ...]:
    return (Message(role, text),)  # type: ignore[arg-type]


@pytest.mark.parametrize("action", ["flag", "drop"])
def test_a_pair_that_turned_round_in_translation_is_found(reward: Path, action: str) -> None:
    from prefdata.training.drift import PreferenceDrift

    kind, rude = (
        said("assistant", "ありがとうございます。丁寧に説明します"),
        said("assistant", "ばか黙れ知らん"),
    )
    prompt = said("user", "駅に行くには？1")
    good = Original("en", prompt, (kind, rude))

    def pair(name: str, chosen: tuple[Message, ...], rejected: tuple[Message, ...]) -> object:
        base = a_pair()
        first, second = base.completions
        completions = (replace(first, messages=chosen), replace(second, messages=rejected))
        return replace(base, id=name, prompt=prompt, completions=completions, original=good)

    turned, kept = pair("turned", rude, kind), pair("kept", kind, rude)
    native = replace(turned, id="native", original=None)  # type: ignore[type-var]
    config = PreferenceDrift.Config.from_tree({"reward": str(reward), "action": action})
    stage = PreferenceDrift(config, Context())

    outcome = stage([turned, kept, native])  # type: ignore[list-item]

    assert len(outcome.kept) + len(outcome.dropped) == 3
    if action == "drop":
        assert [(d.record.id, d.reasons) for d in outcome.dropped] == [
            ("turned", ("preference_drift",))
        ]
    else:
        codes = {
            r.id: [f.code for f in r.findings if f.code == "preference_drift"] for r in outcome.kept
        }
        assert codes == {"turned": ["preference_drift"], "kept": [], "native": []}
