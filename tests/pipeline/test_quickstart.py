"""The quick start, as its data's README describes it: what is planted is found, nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from running import prefdata

from prefdata.core.records import Preference
from prefdata.pipeline.build import Built, build_pipeline

# line of pairs.hh.jsonl: the code of what was planted there (data/quickstart/README.md)
PLANTED = {
    11: "refusal",
    12: "partially_untranslated",
    15: "pair_collapsed",
    23: "repetition_loop",
    25: "number_mismatch",
    26: "off_target_language",
    30: "truncated",
    40: "untranslated",
    50: "answered_instead",
    17: "language_dependent_task",
    51: "language_dependent_task",
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("quickstart")
    return build_pipeline("quickstart", out=folder / "out", cache=folder / "cache", workers=1)


@pytest.fixture(scope="module")
def lines(root: Path) -> dict[str, int]:
    """The line of the sample that a record's English prompt and answers come from."""
    rows = (root / "data/quickstart/pairs.hh.jsonl").read_text(encoding="utf-8").splitlines()
    return {"".join(json.loads(row).values()): line for line, row in enumerate(rows)}


def line_of(record: Preference, lines: dict[str, int]) -> int:
    assert record.original is not None
    texts = [m.content for c in record.original.completions for m in c]
    (found,) = {n for both, n in lines.items() if all(text in both for text in texts)}
    return found


def test_exactly_the_planted_failures_are_dropped_each_with_its_code(
    built: Built, lines: dict[str, int]
) -> None:
    step = built.plan.find("filter")
    assert step is not None

    dropped = {line_of(d["record"], lines): d["reasons"][0] for d in step.dataset().drops()}

    assert dropped == PLANTED


def test_the_preamble_is_taken_off_and_the_record_kept(built: Built, lines: dict[str, int]) -> None:
    step = built.plan.find("filter")
    assert step is not None
    kept = {line_of(r, lines): r for r in step.dataset().records() if r.original}

    mended = kept[16]

    assert "日本語訳" not in mended.chosen[0].content
    assert any(f.action == "repair" and f.side == "chosen" for f in mended.findings)
    assert any(f.code == "cultural_fit" and f.action == "flag" for f in kept[47].findings)


def test_the_source_without_a_license_is_kept_out_by_name(built: Built) -> None:
    gate = built.plan.find("license_gate")
    assert gate is not None
    drops = list(gate.dataset().drops())

    assert len(drops) == 6
    assert {tuple(d["reasons"]) for d in drops} == {("UNDISCLOSED",)}
    assert all("undisclosed.ja.jsonl" in d["detail"] for d in drops)


def test_in_every_step_and_source_what_came_in_is_kept_or_dropped(built: Built) -> None:
    for row in built.funnel():
        if row["use"] != "relabel":
            assert row["in"] == row["kept"] + row["dropped"], row["id"]
            assert row["dropped"] == sum(row["reasons"].values()), row["id"]
        assert row["kept"] == sum(own["kept"] for own in row["sources"].values())


def test_rankings_pass_translation_untouched(built: Built, root: Path) -> None:
    step = built.plan.find("translate")
    assert step is not None
    rankings = [r for r in step.dataset().records() if r.kind == "ranking"]
    rows = (root / "data/quickstart/rankings.ja.jsonl").read_text(encoding="utf-8").splitlines()

    assert len(rankings) == len(rows) == 16
    assert all(r.original is None and r.translation is None for r in rankings)
    assert [r.prompt[0].content for r in rankings] == [
        json.loads(row)["prompt"][0]["content"] for row in rows
    ]


def test_both_sides_of_a_pair_answer_the_same_japanese_prompt(built: Built) -> None:
    """Dialogues that go on from one another share every turn that they have in common."""
    step = built.plan.find("translate")
    assert step is not None
    seen: dict[tuple[str, ...], tuple[str, ...]] = {}
    for record in step.dataset().records():
        if record.original is None:
            continue
        english = tuple(m.content for m in record.original.prompt)
        japanese = tuple(m.content for m in record.prompt)
        for length in range(1, len(english) + 1):
            shared = seen.setdefault(english[:length], japanese[:length])
            assert shared == japanese[:length]


def test_a_second_run_does_nothing_and_says_so(tmp_path: Path) -> None:
    first = prefdata("build", "quickstart", cwd=tmp_path)
    second = prefdata("build", "quickstart", cwd=tmp_path)

    assert (first.returncode, second.returncode) == (0, 0)
    assert "nothing was run" in second.stdout
    assert "nothing was run" not in first.stdout


def test_under_permissive_only_the_sample_is_denied(tmp_path: Path) -> None:
    setting = "stages.license_gate.policy=permissive-only"

    done = prefdata("build", "quickstart", "--set", setting, cwd=tmp_path)

    assert done.returncode == 3
    assert "OUTPUT_TERMS" in done.stderr
    assert not (tmp_path / "data/build/quickstart/release").exists()


def test_plan_says_what_the_gate_keeps_out_and_runs_nothing(tmp_path: Path) -> None:
    done = prefdata("plan", "quickstart", "--json", cwd=tmp_path)

    found = json.loads(done.stdout)
    verdicts = {row["id"]: row["verdict"] for row in found["sources"]}
    assert done.returncode == found["exit_code"] == 0
    assert verdicts == {"pairs": "allow", "rankings": "allow", "undisclosed": "deny"}
    assert {row["id"]: row["records"] for row in found["sources"]}["pairs"] == 63
    assert found["translate"]["distinct"] == 292
    assert not any(step["done"] for step in found["steps"])
    assert not (tmp_path / "data/build").exists()


def test_the_seed_project_is_refused_by_name_before_any_work(root: Path, tmp_path: Path) -> None:
    pipeline = root / "pipelines" / "open_preference.yaml"

    planned = prefdata("plan", pipeline, "--json", cwd=tmp_path)
    built = prefdata("build", pipeline, cwd=tmp_path)

    rows = {row["id"]: row for row in json.loads(planned.stdout)["sources"]}
    assert (planned.returncode, built.returncode) == (3, 3)
    assert rows["hh_rlhf"]["verdict"] == "allow"
    for name in ("webgpt_comparisons", "synthetic_instruct_gptj_pairwise"):
        assert rows[name]["verdict"] == "deny"
        assert "UNDISCLOSED" in rows[name]["reasons"]
        assert name in built.stderr
    assert all(row["records"] is None for row in rows.values())  # no network in tests
    assert not (tmp_path / "data/build").exists()


def test_preview_takes_records_through_and_writes_nothing(tmp_path: Path) -> None:
    done = prefdata("preview", "quickstart", "-n", "1", "--json", cwd=tmp_path)

    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, done.stderr
    assert [row["source"] for row in rows] == ["pairs", "rankings", "undisclosed"]
    assert rows[0]["record"]["lang"] == "ja"
    assert rows[2]["reasons"] == ["UNDISCLOSED"]
    assert list(tmp_path.iterdir()) == []
