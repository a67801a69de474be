"""Faults of rows and of files: the former are counted, the latter stop with what, where and fix."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefdata.core.errors import InputError
from prefdata.core.finding import Skip
from prefdata.sources import reader
from prefdata.sources.files import SourceFile
from prefdata.sources.reader import Row, canonical, read_rows
from prefdata.sources.reasons import REASONS
from tests.sources.reading import lines, read, reasons, source

GOOD = b'{"prompt": "p", "chosen": "a", "rejected": "b"}\n'


def written(folder: Path, content: bytes, name: str = "rows.jsonl") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"prompt": "p", "chosen": "a", "rej', "source_bad_json"),
        (b'{"prompt": NaN, "chosen": "a", "rejected": "b"}', "source_bad_json"),
        (b"[" * 100_000, "source_bad_json"),
        (b'{"prompt": "\xff", "chosen": "a", "rejected": "b"}', "source_invalid_text"),
        (b'{"prompt": "\\ud800", "chosen": "a", "rejected": "b"}', "source_invalid_text"),
        (b'{"prompt": "\\u0000", "chosen": "a", "rejected": "b"}', "source_invalid_text"),
        (b'{"prompt": "p", "chosen": "a"}', "source_missing_column"),
        (b'{"prompt": "p", "chosen": "a", "rejected": null}', "source_missing_column"),
        (b'{"prompt": "p", "chosen": 7, "rejected": "b"}', "source_wrong_type"),
        (b'{"prompt": "p", "chosen": ["a"], "rejected": "b"}', "source_wrong_type"),
        (b'"a text"', "source_wrong_type"),
        (b"12", "source_wrong_type"),
    ],
)
def test_a_broken_row_is_counted_with_its_line_and_the_run_goes_on(
    tmp_path: Path, line: bytes, reason: str
) -> None:
    path = written(tmp_path, GOOD + line + b"\n" + GOOD.replace(b'"p"', b'"q"'))

    records, skips = read("jsonl", path=path)

    assert [record.prompt[0].content for record in records] == ["p", "q"]
    assert [(skip.row, skip.reason, skip.bad) for skip in skips] == [("rows.jsonl:2", reason, True)]


def test_a_row_may_speak_of_nul_without_holding_one(tmp_path: Path) -> None:
    row = {"prompt": "what is \\u0000 in JSON?", "chosen": "a", "rejected": "b"}

    records, skips = read("jsonl", path=lines(tmp_path / "rows.jsonl", [row]))

    assert len(records) == 1
    assert skips == []


def test_blank_lines_and_a_byte_order_mark_are_no_rows(tmp_path: Path) -> None:
    path = written(tmp_path, b"\xef\xbb\xbf" + GOOD + b"\n   \n" + GOOD.replace(b"p", b"q", 1))

    assert read("jsonl", path=path)[1][0].row == "rows.jsonl:4"


def test_details_of_skips_tell_no_content(tmp_path: Path) -> None:
    secret = "mallory@example.com"
    bad = [
        f'{{"prompt": "{secret}", "chosen": "{secret}", "rej'.encode(),
        json.dumps({"prompt": [{"role": secret, "content": secret}], "chosen": "a",
                    "rejected": "b"}).encode(),
        json.dumps({"prompt": secret, "chosen": {secret: secret}, "rejected": "b"}).encode(),
        json.dumps([secret]).encode(),
    ]  # fmt: skip

    _, skips = read("jsonl", path=written(tmp_path, b"\n".join(bad)))

    assert len(skips) == 4
    assert not any(secret in f"{skip.reason} {skip.detail} {skip.row}" for skip in skips)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("rows.jsonl", b"", "is empty"),
        ("rows.jsonl", b"\n  \n", "is empty"),
        ("rows.jsonl.gz", gzip.compress(b""), "is empty"),
        ("rows.jsonl.gz", GOOD, "not gzip data"),
        ("rows.jsonl", gzip.compress(GOOD), "gzip data"),
        ("rows.jsonl", b"PAR1....PAR1", "Parquet"),
        ("rows.parquet", GOOD, "not a whole Parquet file"),
        ("rows.parquet", b"", "not a whole Parquet file"),
        ("rows.parquet", b"PAR1" + b"\0" * 40 + b"PAR1", "not a whole Parquet file"),
    ],
)
def test_a_broken_file_stops_with_what_where_and_fix(
    tmp_path: Path, name: str, content: bytes, says: str
) -> None:
    path = written(tmp_path, content, name)

    with pytest.raises(InputError, match=says) as error:
        read("jsonl", path=path)

    assert error.value.exit_code == 2
    assert str(path) in error.value.where
    assert error.value.fix


def test_a_truncated_gz_gives_its_rows_and_then_names_the_line_reached(tmp_path: Path) -> None:
    rows = [{"prompt": f"p{n}", "chosen": "a" * 50, "rejected": "b" * n} for n in range(1, 2000)]
    whole = lines(tmp_path / "rows.jsonl.gz", rows).read_bytes()
    path = written(tmp_path, whole[: len(whole) // 2], "cut.jsonl.gz")
    found: list[Row | Skip] = []

    with pytest.raises(InputError, match="breaks off") as error:
        found.extend(read_rows([SourceFile(path, path.name, "local", "")]))

    assert 100 < len(found) < 1999
    assert all(isinstance(row, Row) for row in found)
    assert error.value.where == f"{path}:{len(found) + 1}"


def test_a_gz_with_a_flipped_byte_is_an_input_error(tmp_path: Path) -> None:
    data = bytearray(gzip.compress(GOOD * 5000, mtime=0))
    data[len(data) // 2] ^= 0xFF

    with pytest.raises(InputError, match="damaged"):
        read("jsonl", path=written(tmp_path, bytes(data), "rows.jsonl.gz"))


def test_a_parquet_file_cut_in_its_data_names_the_row_reached(tmp_path: Path) -> None:
    table = pa.table({name: [f"{name} {n}" for n in range(4000)] for name in
                      ("prompt", "chosen", "rejected")})  # fmt: skip
    path = tmp_path / "rows.parquet"
    pq.write_table(table, path, row_group_size=500, compression="zstd")
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 2000] = b"\xff" * 2000
    path.write_bytes(data)

    with pytest.raises(InputError, match="not a whole Parquet file") as error:
        read("jsonl", path=path)

    assert error.value.where.startswith(f"{path}:")


@pytest.mark.parametrize("path", ["missing.jsonl", "missing/", "*.jsonl", "rows.csv"])
def test_a_path_without_rows_is_an_input_error(tmp_path: Path, path: str) -> None:
    with pytest.raises(InputError, match="there is no such file"):
        read("jsonl", base=tmp_path, path=path)


def test_a_folder_without_rows_says_which_files_are_read(tmp_path: Path) -> None:
    written(tmp_path, b"a,b\n", "rows.csv")

    with pytest.raises(InputError, match="no file with rows") as error:
        read("jsonl", path=tmp_path)

    assert ".parquet" in error.value.fix


def test_one_large_document_is_not_read_as_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "MAX_LINE", 1000)

    with pytest.raises(InputError, match="not JSON Lines"):
        read("jsonl", path=written(tmp_path, b"[" + b" " * 2000 + b"]"))


def test_json_lines_and_parquet_give_the_same_records(tmp_path: Path) -> None:
    rows = [
        {"prompt": [{"role": "user", "content": f"質問{n}"}], "chosen": "はい", "rejected": "否"}
        for n in range(700)
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "rows.parquet")

    plain, _ = read("jsonl", path=lines(tmp_path / "rows.jsonl", rows), artifact="mine")
    packed, _ = read("jsonl", path=lines(tmp_path / "rows.jsonl.gz", rows), artifact="mine")
    columns, _ = read("jsonl", path=tmp_path / "rows.parquet", artifact="mine")

    assert [r.id for r in plain] == [r.id for r in packed] == [r.id for r in columns]
    assert [r.prompt for r in plain] == [r.prompt for r in columns]


@pytest.mark.parametrize(
    ("use", "name"),
    [
        ("hh_rlhf", "hh-rlhf.edge"),
        ("webgpt_comparisons", "webgpt_comparisons.hf-schema"),
        ("summarize_from_feedback", "summarize_from_feedback.comparisons.hf-schema"),
        ("summarize_from_feedback", "summarize_from_feedback.axis.hf-schema"),
        ("synthetic_instruct_gptj_pairwise", "synthetic-instruct-gptj-pairwise.hf-schema"),
    ],
)
def test_a_parquet_export_of_an_upstream_gives_the_same_records(
    fixtures: Path, tmp_path: Path, use: str, name: str
) -> None:
    path = fixtures / f"{name}.fixture.jsonl"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "0000.parquet")

    plain, left_out = read(use, path=path)
    exported, also = read(use, path=tmp_path / "0000.parquet")

    assert [r.id for r in plain] == [r.id for r in exported]
    assert reasons(left_out) == reasons(also)


def test_invalid_utf8_in_parquet_is_one_bad_row(tmp_path: Path) -> None:
    names = ("prompt", "chosen", "rejected")
    broken = pa.array([b"fine", b"\xff\xfe"]).view(pa.string())
    table = pa.table({name: broken if name == "chosen" else ["x", "y"] for name in names})
    pq.write_table(table, tmp_path / "rows.parquet")

    records, skips = read("jsonl", path=tmp_path / "rows.parquet")

    assert len(records) == 1
    assert [(s.row, s.reason) for s in skips] == [("rows.parquet:2", "source_invalid_text")]


def test_a_glob_reads_its_files_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name in ("b", "a", "c"):
        lines(tmp_path / f"part-{name}.jsonl", [{"prompt": name, "chosen": "x", "rejected": "y"}])

    records, _ = read("jsonl", base=tmp_path, path="part-[ab].jsonl")

    assert [record.prompt[0].content for record in records] == ["a", "b"]


def test_limit_reads_no_further(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD * 3 + b"broken\n")

    records, skips = read("jsonl", path=path, limit=3)

    assert len(records) == 3
    assert skips == []


def test_ids_of_a_local_file_hold_whatever_its_name_and_order(tmp_path: Path) -> None:
    rows = [{"prompt": f"p{n}", "chosen": "a", "rejected": "b"} for n in range(5)]
    one, _ = read("jsonl", path=lines(tmp_path / "one.jsonl", rows), artifact="mine")
    two, _ = read("jsonl", path=lines(tmp_path / "two.jsonl", rows[::-1]), artifact="mine")

    assert {r.id for r in one} == {r.id for r in two}
    assert {r.origin.revision for r in one} == {"local"}


def test_equal_rows_are_equal_records(tmp_path: Path) -> None:
    records, _ = read("jsonl", path=written(tmp_path, GOOD * 2))

    assert records[0] == records[1]


def test_the_content_key_follows_the_content(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD)
    keys = []
    for content in (GOOD, GOOD * 2, GOOD):
        path.write_bytes(content)
        built = source("jsonl", path=path)
        keys.append(type(built).content_key(built.config, built.upstream.context))

    assert keys[0] == keys[2] != keys[1]


def test_layers_carry_the_stated_revision_or_the_digest_of_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD)
    stated = "0123456789" * 4

    assert {layer.revision for layer in source("jsonl", path=path).layers()[0]} == {
        f"sha256:{reader.sha256(GOOD).hexdigest()}"
    }
    assert {
        layer.revision for layer in source("jsonl", path=path, revision=stated).layers()[0]
    } == {stated}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)


@given(json_values)
def test_the_digest_is_over_the_content_not_the_spelling(value: Any) -> None:
    for spelled in (json.dumps(value), json.dumps(value, indent=1, ensure_ascii=False)):
        assert canonical(json.loads(spelled)) == canonical(value)


def test_reading_a_large_packed_file_takes_constant_memory(tmp_path: Path) -> None:
    peaks = [_peak(tmp_path / f"{n}.jsonl.gz", n) for n in (500, 8_000)]

    assert peaks[1] < 1.5 * peaks[0] + 2**20


def _peak(path: Path, rows: int) -> int:
    """The most bytes that Python held while reading so many rows of 1 kB."""
    with gzip.open(path, "wt", compresslevel=1) as file:
        for n in range(rows):
            file.write(
                f'{{"prompt": "p{n}", "chosen": "{"a" * 500}", "rejected": "{"b" * 500}"}}\n'
            )
    tracemalloc.start()
    try:
        count = sum(1 for _ in source("jsonl", path=path).records())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == rows
    return peak


def test_every_reason_is_a_source_code_with_a_meaning() -> None:
    assert all(code.startswith("source_") and reason.meaning for code, reason in REASONS.items())


def test_reasons_of_skips_are_counted_once_a_row(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD + b"x\n" + b"y\n")

    assert reasons(read("jsonl", path=path)[1]) == {"source_bad_json": 2}


def test_the_readme_lists_exactly_the_reasons(root: Path) -> None:
    readme = (root / "prefdata/sources/README.md").read_text(encoding="utf-8")

    for code, reason in REASONS.items():
        assert f"| `{code}` | {'yes' if reason.bad else ''} | {reason.meaning} |" in readme
    assert readme.count("| `source_") == len(REASONS)
