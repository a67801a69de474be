"""`prefdata diff`: what came, went and changed between two releases, and why."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from prefdata.cli.main import run
from prefdata.core.finding import Drop, Finding
from prefdata.publish.compare import compare
from prefdata.store.arrow import encode_drops
from prefdata.store.dataset import DROPPED
from prefdata.store.shards import shard_name, write_shard
from tests.publish.conftest import a_record

Run = Callable[..., Path]
WHOLE = {"test": 0, "validation": 0}


def changes(a: Path, b: Path) -> dict[tuple[str, str], int]:
    return {(change, why): n for (change, _, why), n in compare(a, b).changes.items()}


def test_a_release_does_not_differ_from_itself(publish: Run) -> None:
    release = publish([a_record(n) for n in range(5)])

    found = compare(release, release)
    assert (found.same, dict(found.changes), found.steps) == (5, {}, {})


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        ([a_record(1), a_record(2), a_record(3)], {("added", "source"): 1}),
        ([a_record(1)], {("removed", "source"): 1}),
        ([a_record(1), a_record(2, answers=("うん。", "いいえ。"))], {("changed", "memory"): 1}),
        (
            [a_record(1), a_record(2, answers=("いいえ。", "はい。"))],
            {("changed", "preference turned round"): 1},
        ),
        ([a_record(1), a_record(2, license="Apache-2.0")], {("changed", "license"): 1}),
        ([a_record(1), a_record(2), a_record(9, source="example/b")], {("added", "source"): 1}),
    ],
)
def test_each_change_is_counted_with_its_cause(
    publish: Run, new: list[Any], expected: dict[tuple[str, str], int]
) -> None:
    before = publish([a_record(1), a_record(2)], splits=WHOLE)

    assert changes(before, publish(new, splits=WHOLE)) == expected


def test_changed_settings_are_named_with_both_values(publish: Run) -> None:
    records = [a_record(n) for n in range(3)]

    found = compare(publish(records, splits=WHOLE), publish(records, splits=WHOLE, margin=True))
    assert found.steps == {"publish": {"settings.margin": (False, True)}}


@pytest.mark.parametrize("answers", [("はい。", "いいえ。"), ("甲", "乙", "丙")])
def test_what_a_step_of_the_other_build_dropped_is_named(
    publish: Run, answers: tuple[str, ...]
) -> None:
    gone = a_record("gone", answers=answers)
    before = publish([a_record(1), gone], splits=WHOLE)
    after = publish([a_record(1)], splits=WHOLE)
    gate = after.parent / "01-gate-0"
    drop = Drop(gone, (Finding("refusal", "chosen", action="drop"),))
    write_shard(gate / DROPPED / shard_name(0), encode_drops([drop]))

    pairs = len(answers) * (len(answers) - 1) // 2
    assert changes(before, after) == {("removed", "gate: refusal"): pairs}
    assert changes(after, before) == {("added", "gate: refusal"): pairs}


def test_the_command_prints_json(publish: Run, capsys: pytest.CaptureFixture[str]) -> None:
    a, b = publish([a_record(1)], splits=WHOLE), publish([a_record(2)], splits=WHOLE)
    capsys.readouterr()

    assert run(["diff", str(a), str(b), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [(c["change"], c["records"]) for c in told["changes"]] == [("added", 1), ("removed", 1)]
    assert told["licenses"] == {"MIT": [1, 1]}


def test_a_folder_that_is_no_release_is_refused(publish: Run, tmp_path: Path) -> None:
    assert run(["diff", str(tmp_path), str(publish([a_record(1)]))]) == 2


def test_a_release_that_lacks_a_shard_is_refused_with_code_5(
    publish: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, torn = (publish([a_record(n) for n in range(3)], splits=WHOLE) for _ in range(2))
    next((torn / "pairs").iterdir()).unlink()

    assert run(["diff", str(whole), str(torn)]) == 5
    assert "train-00000-of-00001.parquet" in capsys.readouterr().err
