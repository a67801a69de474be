"""`prefdata diff`: what came, went and changed between two releases, and why."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from prefdata.cli.main import run
from prefdata.core.finding import Drop, Finding
from prefdata.publish.compare import compare
from prefdata.store.arrow import encode_drops
from prefdata.store.dataset import DROPPED, MANIFEST
from prefdata.store.files import read_json, write_json
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


def dropped_by_publish() -> list[tuple[list[Any], str]]:
    """Records that publish drops the one with the number 1 for, and the reason to be told."""
    one = a_record(1, "同じ質問です。")
    return [
        ([a_record(0, "同じ質問です。"), one], "publish: duplicate_exact"),
        (
            [a_record(0, "同じ質問です。", answers=("いいえ。", "はい。")), one],
            "publish: contradicting_labels",
        ),
    ]


@pytest.mark.parametrize(("records", "why"), dropped_by_publish())
@pytest.mark.parametrize("builds", ["beside", "gone"])
def test_what_publish_itself_dropped_is_named(
    publish: Run, records: list[Any], why: str, builds: str
) -> None:
    before = publish([a_record(1, "同じ質問です。"), a_record(7)], splits=WHOLE)
    after = publish([*records, a_record(7)], splits=WHOLE)
    if builds == "gone":
        for release in (before, after):
            shutil.rmtree(release.parent / "01-gate-0")

    assert changes(before, after)["removed", why] == 1
    assert changes(after, before)["added", why] == 1


def test_an_older_release_in_the_same_folder_has_its_own_steps(publish: Run) -> None:
    gone = a_record("gone")
    before = publish([a_record(1), gone], splits=WHOLE)
    after = publish([a_record(1)], splits=WHOLE)
    older = after.parent / "release-00000000"
    shutil.copytree(before, older)
    kept = [{**step, "key": "of the older one"} for step in read_json(older / MANIFEST)["steps"]]
    write_json(older / MANIFEST, read_json(older / MANIFEST) | {"steps": kept})
    drop = Drop(gone, (Finding("refusal", "chosen", action="drop"),))
    write_shard(after.parent / "01-gate-0" / DROPPED / shard_name(0), encode_drops([drop]))

    assert changes(older, after) == {("removed", "gate: refusal"): 1}


def test_without_the_build_the_reasons_that_grew_are_named(publish: Run) -> None:
    before = publish([a_record(1), a_record(2)], splits=WHOLE)
    after = publish([a_record(1)], splits=WHOLE)
    counts = {"example/native": {"kept": 1, "dropped": 1, "reasons": {"refusal": 1}}}
    told = read_json(after / MANIFEST)
    told["steps"][0]["counts"]["sources"] = counts
    write_json(after / MANIFEST, told)
    shutil.rmtree(after.parent / "01-gate-0")

    assert changes(before, after) == {("removed", "gate: refusal"): 1}


def test_rows_of_a_language_that_is_left_out_go_for_that(publish: Run) -> None:
    records = [a_record(1, english=("What?", "Yes.", "No."))]
    both = publish(records, splits=WHOLE, languages=["ja", "en"])

    found = changes(both, publish(records, splits=WHOLE))
    assert found == {("removed", "settings of publish"): 1}


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
