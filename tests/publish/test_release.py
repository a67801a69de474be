"""What people find in a release: columns, rows, files, and the ways in."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from prefdata.cli.main import run
from prefdata.core.errors import ConfigError, GateFailed, LicenseDenied
from prefdata.core.stage import Context
from prefdata.publish import views
from prefdata.publish.columns import conversation_digests, id_digests
from prefdata.publish.release import Publish
from prefdata.store.arrow import encode
from prefdata.store.files import sha256
from tests.publish.conftest import a_build, a_record

Run = Callable[..., Path]
ROW = ["source", "license", "lang", "group"]


def rows(release: Path, config: str) -> list[dict[str, Any]]:
    return pq.read_table(release / config).to_pylist() if (release / config).is_dir() else []


def manifest(release: Path) -> dict[str, Any]:
    return json.loads((release / "manifest.json").read_bytes())


def many(n: int) -> list[Any]:
    return [a_record(row, english=(f"Question {row}?", "Yes.", "No.")) for row in range(n)]


@pytest.mark.parametrize(
    ("config", "columns"),
    [
        ("pairs", ["prompt", "chosen", "rejected", "id", *ROW, "reasons_flagged"]),
        ("unpaired", ["prompt", "completion", "label", "id", "pair_id", *ROW]),
        ("labels", ["text", "label", "id", "pair_id", *ROW]),
        ("rankings", ["prompt", "completions", "id", *ROW]),
    ],
)
def test_a_view_has_the_columns_of_the_contract(
    publish: Run, config: str, columns: list[str]
) -> None:
    release = publish([*many(5), a_record("r", answers=("甲", "乙", "丙"))])

    assert pq.read_schema(next((release / config).iterdir())).names == columns


def test_labels_of_unpaired_are_bool_and_those_of_labels_are_one_and_zero(publish: Run) -> None:
    release = publish([a_record(1)])

    assert str(pq.read_table(release / "unpaired").schema.field("label").type) == "bool"
    assert str(pq.read_table(release / "labels").schema.field("label").type) == "int8"
    assert {(r["text"].splitlines()[-1], r["label"]) for r in rows(release, "labels")} == {
        ("assistant: はい。", 1),
        ("assistant: いいえ。", 0),
    }


def test_margin_stands_in_pairs_only_when_asked_for_and_is_never_null(publish: Run) -> None:
    records = [a_record(1, margin=2.0), a_record(2)]

    assert "margin" not in rows(publish(records), "pairs")[0]
    assert [r["margin"] for r in rows(publish(records, margin=True), "pairs")] == [2.0, 0.0]


def test_a_ranking_gives_all_pairs_and_stands_in_rankings_best_first(publish: Run) -> None:
    release = publish([a_record("r", answers=("甲", "乙", "丙", "丁"), ranks=(1, 2, 2, 4))])

    pairs = {
        (r["chosen"][0]["content"], r["rejected"][0]["content"]) for r in rows(release, "pairs")
    }
    assert pairs == {("甲", "乙"), ("甲", "丙"), ("甲", "丁"), ("乙", "丁"), ("丙", "丁")}
    (ranking,) = rows(release, "rankings")
    assert [c["rank"] for c in ranking["completions"]] == [1, 2, 2, 4]


def test_english_stands_beside_japanese_in_the_same_split(publish: Run) -> None:
    release = publish(many(60), languages=["ja", "en"], splits={"test": 0.3, "validation": 0.3})

    places: dict[str, set[str]] = {}
    for file in sorted((release / "pairs").iterdir()):
        for row in pq.read_table(file).to_pylist():
            places.setdefault(row["group"], set()).add(f"{file.name.split('-')[0]} {row['lang']}")
    assert "行の言語（`lang`）は ja、en" in (release / "README.md").read_text(encoding="utf-8")
    assert len(places) == 60
    assert all({p.split()[1] for p in own} == {"ja", "en"} for own in places.values())
    assert all(len({p.split()[0] for p in own}) == 1 for own in places.values())
    english = [r for r in rows(release, "labels") if r["lang"] == "en"]
    assert len(english) == 120
    assert {r["pair_id"] for r in english} == {
        r["id"] for r in rows(release, "pairs") if r["lang"] == "en"
    }


def test_exact_duplicates_are_left_out_of_every_view_and_counted(publish: Run) -> None:
    release = publish([a_record(1, "同じ？"), a_record(2, "同じ？"), a_record(3, "違う？")])

    assert [len(rows(release, c)) for c in ("pairs", "unpaired", "labels")] == [2, 4, 4]
    counts = manifest(release)["counts"]
    assert (counts["in"], counts["kept"], counts["dropped"]) == (3, 2, 1)
    assert counts["reasons"] == {"duplicate_exact": 1}


def test_pairs_that_contradict_each_other_are_both_left_out_unless_wanted(publish: Run) -> None:
    records = [
        a_record(1, "どちら？", answers=("甲", "乙")),
        a_record(2, "どちら？", answers=("乙", "甲")),
        a_record(3),
    ]

    release = publish(records)

    assert len(rows(release, "pairs")) == 1
    assert manifest(release)["counts"]["reasons"] == {"contradicting_labels": 2}
    assert len(rows(publish(records, contradictions="keep"), "pairs")) == 3


def test_a_row_that_was_read_twice_is_published_once_in_every_view(publish: Run) -> None:
    once, twice = ([a_record(1), a_record(2)], [a_record(1), a_record(2), a_record(1)])

    for config in ("pairs", "unpaired", "labels"):
        assert rows(publish(twice), config) == rows(publish(once), config)


def test_a_tie_is_in_no_view_and_counted(publish: Run) -> None:
    release = publish([a_record(1), a_record(2, ranks=(1, 1))], sft=True)

    assert [len(rows(release, c)) for c in ("pairs", "unpaired", "labels", "sft")] == [1, 2, 2, 1]
    assert manifest(release)["counts"]["reasons"] == {"source_tie": 1}


def test_turn_borders_and_roles_tell_texts_apart(publish: Run) -> None:
    release = publish(
        [a_record(1, "あ", "い", "うえ"), a_record(2, "あ", "いう", "え"), a_record(3, "あいうえ")]
    )

    assert len(rows(release, "pairs")) == 3


def test_unpaired_and_labels_are_ordered_by_the_digest_of_the_row_id(publish: Run) -> None:
    release = publish(many(300), splits={"test": 0, "validation": 0})

    ids = pq.read_table(release / "labels").column("id")
    keys = id_digests(ids).tolist()
    assert keys == sorted(keys)
    assert ids.to_pylist() == pq.read_table(release / "unpaired").column("id").to_pylist()


def test_pairs_keep_the_order_of_the_sources(publish: Run) -> None:
    records = many(50)
    release = publish(records, splits={"test": 0, "validation": 0})

    assert [r["id"] for r in rows(release, "pairs")] == [r.id for r in records]


@pytest.mark.parametrize("shards", [7, 1000])
def test_the_same_records_give_the_same_bytes_however_they_were_sharded(
    publish: Run, shards: int
) -> None:
    settings = {"languages": ["ja", "en"], "splits": {"test": 0.2, "validation": 0.2}}
    one = publish(many(100), shards=50, **settings)
    other = publish(many(100), shards=shards, **settings)

    def digests(release: Path) -> dict[str, str]:
        return {str(p.relative_to(release)): sha256(p) for p in release.rglob("*.parquet")}

    assert digests(one) == digests(other)


def test_shards_have_the_hubs_names_and_about_the_size_asked_for(publish: Run) -> None:
    records = [a_record(n, answers=("はい。" * 20, f"{n}" * 30)) for n in range(12_000)]
    release = publish(records, shard_size="10KB", splits={"test": 0, "validation": 0})

    names = sorted(path.name for path in (release / "pairs").iterdir())
    assert len(names) > 1
    assert names == [f"train-{n:05d}-of-{len(names):05d}.parquet" for n in range(len(names))]
    assert sum(len(pq.read_table(release / "pairs" / name)) for name in names) == 12_000


def test_files_carry_page_index_and_zstd(publish: Run) -> None:
    file = pq.ParquetFile(next((publish(many(5)) / "pairs").iterdir()))

    column = file.metadata.row_group(0).column(0)
    assert column.compression == "ZSTD"
    assert column.has_offset_index


def test_the_manifest_names_every_other_file_with_its_digest(publish: Run) -> None:
    release = publish(many(20))

    listed = {file["path"]: file for file in manifest(release)["files"]}
    there = {p.relative_to(release).as_posix() for p in release.rglob("*") if p.is_file()}
    assert there - {"manifest.json", "audit/SHA256SUMS"} == set(listed)
    assert all(sha256(release / name) == file["sha256"] for name, file in listed.items())


def test_flags_of_findings_stand_beside_the_pair(publish: Run) -> None:
    release = publish([a_record(1, flags=("cultural_fit", "pii_suspected", "cultural_fit"))])

    assert rows(release, "pairs")[0]["reasons_flagged"] == ["cultural_fit", "pii_suspected"]


def test_records_that_no_gate_has_seen_are_refused(publish: Run) -> None:
    with pytest.raises(LicenseDenied, match="without a license"):
        publish([a_record(1, license=None)])


def test_a_language_that_nothing_has_is_refused(publish: Run) -> None:
    with pytest.raises(GateFailed, match="no record has a text in en"):
        publish([a_record(1)], languages=["en"])


@pytest.mark.parametrize(
    "splits", [{"test": 100, "validation": 0.1}, {"test": 0.5, "validation": 0.5}]
)
def test_splits_that_cannot_be_are_refused(splits: dict[str, float]) -> None:
    with pytest.raises(ConfigError):
        Publish.plan(Publish.Config.from_tree({"splits": splits}), Context())


def test_a_pipeline_without_relabel_publishes_the_same_labels(tmp_path: Path) -> None:
    inputs = dict(a_build(tmp_path, many(40)))
    found = []
    for name in ("with", "without"):
        out = tmp_path / name
        out.mkdir()
        Publish(Publish.Config(), Context(pipeline="x", key="0" * 32)).run(inputs, out)
        found.append(rows(out, "labels"))
        inputs.pop("labels", None)
    assert found[0] == found[1]


@pytest.fixture
def release(publish: Run) -> Path:
    return publish(
        [*many(30), a_record("r", answers=("甲", "乙", "丙"))],
        splits={"test": 0.2, "validation": 0},
        margin=True,
        sft=True,
    )


@pytest.mark.parametrize("config", ["pairs", "unpaired", "labels", "rankings", "sft"])
def test_load_dataset_opens_every_config_with_the_features_of_the_head(
    release: Path, config: str, tmp_path: Path
) -> None:
    import datasets

    loaded = datasets.load_dataset(str(release), config, cache_dir=str(tmp_path / "cache"))

    head = yaml.safe_load((release / "README.md").read_text(encoding="utf-8").split("---\n")[1])
    (info,) = (i for i in head["dataset_info"] if i["config_name"] == config)
    split = info["splits"][0]
    assert loaded[split["name"]].features._to_yaml_list() == info["features"]
    assert {s["name"]: s["num_examples"] for s in info["splits"]} == {
        name: len(rows) for name, rows in loaded.items()
    }


def test_pandas_duckdb_and_polars_open_it(release: Path) -> None:
    import duckdb
    import pandas
    import polars

    n = len(rows(release, "labels"))
    assert len(pandas.read_parquet(release / "labels")) == n
    assert polars.scan_parquet(release / "labels" / "*.parquet").collect().height == n
    found = duckdb.sql(f"select count(*), sum(label) from '{release}/labels/*.parquet'").fetchall()
    assert found == [(n, n // 2)]


def test_row_digests_do_not_depend_on_their_neighbors() -> None:
    import pyarrow as pa

    ids = ["", "a", "0" * 32, "0" * 32 + "-1"]
    found = id_digests(pa.array(ids)).tolist()

    assert found == [id_digests(pa.array([text])).tolist()[0] for text in ids]
    assert len(set(found)) == 4
    assert f"{found[3]:016x}" == "343e5ec8deae2635"


@given(st.integers(0, 12), st.integers(0, 12))
def test_views_of_a_slice_are_those_of_its_rows(start: int, count: int) -> None:
    import pyarrow as pa

    turns = [("あ", "い", "う")[: 1 + n % 3 // 2 * 2] for n in range(12)]
    answers = [("甲", f"{n}", "丙")[: 2 + n % 2] for n in range(12)]
    table = encode([a_record(n, *turns[n], answers=answers[n]) for n in range(12)])
    piece = table.slice(start, count)
    rows = table.take(pa.array(range(12)[start : start + count], pa.int64()))

    found, expected = views.derive(piece), views.derive(rows)
    assert found.id == expected.id
    for view in (
        lambda t, d: views.pairs_view(t, d, margin=True),
        lambda t, d: views.rankings_view(t),
        lambda t, d: views.sft_view(t),
        views.labeled,
    ):
        assert view(piece, found).equals(view(rows, expected))
    digests = [conversation_digests(part.column("prompt")).tolist() for part in (piece, rows)]
    assert digests[0] == digests[1]


def test_show_has_two_lines_for_each_view_and_the_split_there_is(
    publish: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    release = publish(many(3), sft=True, splits={"test": 0, "validation": 0.9999})

    assert run(["show", str(release), "-n", "0"]) == 0
    told = capsys.readouterr().out
    for trainer in ("DPOTrainer", "KTOTrainer", "Trainer(classifier", "SFTTrainer"):
        assert trainer in told
    assert 'data["validation"]' in told
    assert "There is no split 'train'" in told


def test_show_finds_a_ranking_by_its_id(publish: Run, capsys: pytest.CaptureFixture[str]) -> None:
    release = publish([a_record("r", answers=("甲", "乙", "丙"))])
    (ranking,) = rows(release, "rankings")

    assert run(["show", str(release), ranking["id"][:12]]) == 0
    assert "[1] assistant: 甲" in capsys.readouterr().out
