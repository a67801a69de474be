"""Other limits over what a filter step stored: built-in rules, scorers' rules, source kinds."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from prefdata.core.errors import UsageError
from prefdata.core.finding import Finding
from prefdata.core.records import Preference
from prefdata.filters.what_if import what_if
from prefdata.store.arrow import encode, encode_drops
from prefdata.store.dataset import DROPPED, MANIFEST
from prefdata.store.shards import shard_name, write_shard
from tests.records import a_pair

ENGLISH = ("How many carp?", "Three carp.", "None at all.")
JAPANESE = ("鯉は何匹？", "三匹です。", "一匹もいません。")


def scored(
    value: float, *, row: str, band: str = "chrf", code: str = "mistranslation"
) -> Preference:
    """Return a record with a measurement that crossed nothing."""

    finding = Finding(code, "chosen", 0, value, 25.0, band, "none")
    return replace(a_pair(*JAPANESE, english=ENGLISH, row=row), findings=(finding,))


def step(folder: Path, records: list[Preference], *filters: dict[str, Any]) -> Path:
    """Write a finished filter step that kept these records."""
    write_shard(folder / shard_name(0), encode(records))
    (folder / DROPPED).mkdir()
    write_shard(folder / DROPPED / shard_name(0), encode_drops([]))
    settings = {"profile": "default", "thresholds": {}, "filters": filters}
    manifest = {"use": "filter", "kind": "preferences", "settings": settings}
    (folder / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    return folder


CHRF = {"use": "back_translation", "model": "m", "lowest": 25.0, "action": "flag"}
COSINE = {"use": "embedding", "model": "m", "lowest": 0.6, "lead": 0.05, "action": "flag"}


def test_the_limit_of_a_scorer_moves_like_any_other(tmp_path: Path) -> None:
    low, high = scored(28.0, row="1"), scored(60.0, row="2")
    folder = step(tmp_path, [low, high], CHRF)
    assert what_if(folder, ["mistranslation.chrf=30"]).newly_dropped == []
    found = what_if(folder, ["mistranslation.chrf=30", "mistranslation=drop"])
    assert found.newly_dropped == [low.id]
    found = what_if(folder, ["mistranslation=drop", "mistranslation.chrf+=40"])
    assert found.newly_dropped == [low.id, high.id]


def test_a_lead_above_its_limit_drops_if_asked_for(tmp_path: Path) -> None:
    records = [scored(v, row=str(v), band="cosine", code="flaw_repaired") for v in (0.01, 0.2)]
    folder = step(tmp_path, records, COSINE)
    assert what_if(folder, ["flaw_repaired.cosine=drop"]).newly_dropped == [records[1].id]


def test_without_the_scorer_there_is_no_such_rule(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no rule 'mistranslation\.chrf'"):
        what_if(step(tmp_path, [scored(28.0, row="1")]), ["mistranslation.chrf=30"])


def test_a_completion_that_was_lost_is_not_judged_again(tmp_path: Path) -> None:

    lost = Finding("url_altered", "completion_3", 0, 2.0, 1.0, "lost", "flag")
    record = replace(a_pair(*JAPANESE, english=ENGLISH), findings=(lost,))
    assert what_if(step(tmp_path, [record]), ["url_altered=1"]).newly_dropped == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("number_mismatch=nan", "neither a number nor an action"),
        ("webgtp/number_mismatch=3", "no record here is of the kind 'webgtp'"),
    ],
)
def test_what_means_nothing_is_refused(change: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=told):
        what_if(step(tmp_path, [a_pair(*JAPANESE, english=ENGLISH)]), [change])
