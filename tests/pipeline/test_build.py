"""A pipeline built: keys, resumption, counts, workers, limits, locks."""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from prefdata.core.errors import ConfigError, GateFailed, InputError, IntegrityError, UsageError
from prefdata.pipeline.build import Built, build_pipeline
from prefdata.store.dataset import Dataset
from prefdata.store.shards import shard_name

TOWNS = ["Otaru", "Kobe", "Hagi", "Naha", "Sendai", "Nara", "Kochi", "Beppu", "Matsumoto", "Gifu"]

PIPELINE = """\
name: towns
shard_size: 3
sources:
  - use: jsonl
    id: towns
    path: towns.jsonl
    artifact: prefdata/quickstart
stages:
  - use: translate
    translator: {{use: memory, path: memory.jsonl}}
  - use: relabel
{more}"""


def row(town: str) -> dict[str, str]:
    return {
        "prompt": f"How do I get to {town}?",
        "chosen": f"Take the train to {town} station.",
        "rejected": f"No idea where {town} is.",
    }


def memory(town: str) -> Iterator[dict[str, object]]:
    asked = f"How do I get to {town}?"
    common = {"translator": "anthropic/claude", "revision": ""}
    yield {
        "role": "user",
        "source": asked,
        "context": [],
        "target": f"{town}への行き方は？",
        **common,
    }
    for source, target in [
        (f"Take the train to {town} station.", f"{town}駅まで電車に乗ってください。"),
        (f"No idea where {town} is.", f"{town}がどこかは知りません。"),
    ]:
        entry = {"role": "assistant", "source": source, "context": [asked], "target": target}
        yield {**entry, **common}


def write_lines(path: Path, rows: Iterator[object] | list[object]) -> None:
    text = "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows)
    path.write_text(text, encoding="utf-8")


@pytest.fixture
def towns(tmp_path: Path) -> Path:
    """A folder with a small pipeline over ten rows."""
    write_lines(tmp_path / "towns.jsonl", [row(town) for town in TOWNS])
    write_lines(tmp_path / "memory.jsonl", [e for town in TOWNS for e in memory(town)])
    (tmp_path / "towns.yaml").write_text(PIPELINE.format(more=""), encoding="utf-8")
    return tmp_path


def build(folder: Path, out: str = "out", **options: object) -> Built:
    options.setdefault("workers", 1)
    return build_pipeline(
        folder / "towns.yaml", out=folder / out, cache=folder / f"cache-{out}", **options  # type: ignore[arg-type]  # options of the call
    )  # fmt: skip


def shards(built: Built) -> dict[str, bytes]:
    """Return every Parquet file of a build by its place, whatever the folder is called."""
    return {
        str(path.relative_to(built.plan.out)): path.read_bytes()
        for path in sorted(built.plan.out.rglob("*.parquet"))
    }


def test_records_go_from_the_source_to_labels_in_shards(towns: Path) -> None:
    built = build(towns)

    assert [(r["id"], r["in"], r["kept"]) for r in built.funnel()] == [
        ("towns", 10, 10),
        ("translate", 10, 10),
        ("relabel", 10, 20),
    ]
    translated = built.plan.stages[0].dataset()
    assert len(translated.shards()) == 4
    first = next(translated.records())
    assert (first.lang, first.prompt[0].content) == ("ja", "Otaruへの行き方は？")
    assert first.original is not None
    assert first.original.prompt[0].content == "How do I get to Otaru?"
    for step in built.plan.steps:
        step.dataset().verify()


def test_a_second_build_runs_nothing(towns: Path) -> None:
    build(towns)

    assert build(towns).ran == ()


def test_a_changed_setting_runs_its_step_and_those_behind_it(towns: Path) -> None:
    build(towns)

    again = build(towns, overrides=["stages.translate.attempts=1"])

    assert [step.id for step in again.ran] == ["translate", "relabel"]


def test_a_changed_file_runs_everything_behind_it(towns: Path) -> None:
    build(towns)
    write_lines(towns / "towns.jsonl", [row(town) for town in TOWNS[:5]])

    assert [step.id for step in build(towns).ran] == ["towns", "translate", "relabel"]


def test_a_run_time_setting_changes_no_key(towns: Path) -> None:
    build(towns)

    assert build(towns, overrides=["stages.translate.tokens_per_second=9.0"]).ran == ()


def test_workers_do_not_change_a_byte(towns: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = shards(build(towns, "one", workers=1))
    monkeypatch.setattr("prefdata.engines.local.POOL_PAYS", 0.0)  # a pool from the second shard on

    assert shards(build(towns, "two", workers=2)) == one


def test_a_finished_shard_is_not_done_again(towns: Path) -> None:
    whole = build(towns)
    step = whole.plan.stages[1]
    before = shards(whole)
    (step.path / "manifest.json").unlink()
    (step.path / "part-00002.json").unlink()
    (step.path / shard_name(2)).write_bytes(b"torn")
    kept = (step.path / shard_name(1)).stat().st_mtime_ns

    again = build(towns)

    assert shards(again) == before
    assert (step.path / shard_name(1)).stat().st_mtime_ns == kept


def test_what_the_memory_file_lacks_is_a_drop_with_a_reason(towns: Path) -> None:
    write_lines(towns / "memory.jsonl", [e for town in TOWNS[:8] for e in memory(town)])

    translated = build(towns).plan.stages[0].dataset()

    assert translated.manifest["counts"]["reasons"] == {"not_in_memory": 2}
    drops = list(translated.drops())
    assert [drop["record"].prompt[0].content for drop in drops] == [
        f"How do I get to {town}?" for town in TOWNS[8:]
    ]


def test_a_limit_builds_beside_the_real_thing(towns: Path) -> None:
    build(towns)

    trial = build(towns, limit=4)

    assert trial.plan.out == towns / "out" / "trial"
    assert trial.funnel()[0]["kept"] == 4
    assert build(towns).ran == ()


def test_a_step_that_drops_more_than_it_may_stops_the_build(towns: Path) -> None:
    write_lines(towns / "memory.jsonl", [e for town in TOWNS[:5] for e in memory(town)])
    setting = "stages.translate.max_dropped=0.3"

    with pytest.raises(GateFailed, match=r"dropped 5 of 10 records.*max_dropped 30.0%"):
        build(towns, overrides=[setting])
    with pytest.raises(GateFailed):  # the second time too, without running it again
        build(towns, overrides=[setting])


def test_a_build_that_drops_everything_is_no_success(towns: Path) -> None:
    write_lines(towns / "memory.jsonl", list(memory("Tokyo")))

    with pytest.raises(GateFailed, match="dropped every record: not_in_memory 10"):
        build(towns)


def test_broken_rows_are_counted_and_too_many_stop_the_build(towns: Path) -> None:
    with (towns / "towns.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"prompt": "cut in ha\n')

    with pytest.raises(GateFailed, match="1 of 11 rows are broken") as caught:
        build(towns)
    assert "11" in caught.value.where
    built = build(towns, overrides=["max_bad_rows=0.1"])
    assert built.funnel()[0]["dropped"] == 1
    assert [drop["bad"] for drop in Dataset(built.plan.sources[0].path).drops()] == [True]


def test_two_builds_in_one_folder_exclude_each_other(towns: Path) -> None:
    build(towns)
    with (towns / "out" / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)

        with pytest.raises(UsageError, match="another build works in this folder"):
            build(towns)


@pytest.mark.parametrize("harm", ["deleted", "changed"])
def test_a_finished_step_without_its_shard_stops_the_build_and_is_named(
    towns: Path, harm: str
) -> None:
    built = build(towns)
    shard = built.plan.steps[1].artifact / shard_name(1)
    if harm == "deleted":
        shard.unlink()
    else:
        shard.write_bytes(shard.read_bytes() + b"x")

    with pytest.raises(IntegrityError, match=f"'translate' is not what was built: {shard.name}"):
        build(towns)
    shutil.rmtree(shard.parent)
    assert [step.id for step in build(towns).ran] == ["translate"]


def test_a_stage_that_cannot_read_what_it_is_given_is_refused_before_work(towns: Path) -> None:
    more = "  - use: translate\n    id: again\n    translator: fake\n"
    (towns / "towns.yaml").write_text(PIPELINE.format(more=more), encoding="utf-8")

    with pytest.raises(ConfigError, match="reads preferences but is given labels"):
        build(towns)
    assert not (towns / "out").exists()


def test_a_build_folder_that_cannot_be_written_says_so(towns: Path) -> None:
    (towns / "out").write_text("a file, not a folder")

    with pytest.raises(InputError, match="cannot write to the build folder"):
        build(towns)


def test_a_limit_below_one_is_refused(towns: Path) -> None:
    with pytest.raises(UsageError, match="--limit is 0"):
        build(towns, limit=0)


def test_a_pipeline_names_its_engine_which_decides_nothing_of_the_result(
    towns: Path, tmp_path: Path
) -> None:
    pipeline = towns / "towns.yaml"
    first = build_pipeline(pipeline, out=tmp_path / "b", cache=tmp_path / "c")
    text = pipeline.read_text(encoding="utf-8")
    pipeline.write_text(f"engine: {{use: local, workers: 2}}\n{text}", encoding="utf-8")

    again = build_pipeline(pipeline, out=tmp_path / "b", cache=tmp_path / "c")

    assert first.ran
    assert not again.ran
    with pytest.raises(ConfigError, match="unknown engine 'lokal'"):
        build_pipeline(pipeline, overrides=["engine.use=lokal"])
    with pytest.raises(ConfigError, match="worker"):
        build_pipeline(pipeline, overrides=["engine.worker=3"])
