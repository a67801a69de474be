"""What is kept and what is dropped, by reason code: the pairs of ``rules.yaml``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from prefdata.text.assess import Given, assess, assess_all, problems

_RULES: dict[str, dict[str, Any]] = yaml.safe_load(
    Path(__file__).with_name("rules.yaml").read_text(encoding="utf-8")
)
_CHANGED = [(code, *row) for code, rows in _RULES.items() for row in rows.get("changed", ())]
_DROPPED = [(code, *row) for code, rows in _RULES.items() for row in rows.get("dropped", ())]
_KEPT = [row for rows in _RULES.values() for row in rows.get("kept", ())]


@pytest.mark.parametrize(("code", "source", "good", "bad"), _CHANGED)
def test_the_fault_is_dropped_for_its_reason_and_the_translation_kept(
    code: str, source: str, good: str, bad: str
) -> None:
    assert problems(source, good) == ()
    assert code in problems(source, bad)


@pytest.mark.parametrize(("code", "source", "target"), _DROPPED)
def test_the_fault_is_dropped_for_its_reason(code: str, source: str, target: str) -> None:
    assert code in problems(source, target)


@pytest.mark.parametrize(("source", "target"), _KEPT)
def test_a_good_translation_is_kept(source: str, target: str) -> None:
    assert problems(source, target) == ()


def test_many_texts_together_are_judged_as_each_alone() -> None:
    turns = [Given(source, target, role) for source, target in _KEPT for role in ("", "user")]
    turns += [Given(source, bad, "user", "hh") for _, source, _, bad in _CHANGED]
    turns += [Given("Hello.", ""), Given(None, "はい。"), Given(None, "")]
    assert assess_all([*turns, *turns]) == {given: assess(*given) for given in turns}
