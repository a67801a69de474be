"""``judge``, ``drops``, ``calibrate`` and ``sheet``, run as a user runs them."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.running import prefdata


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("quality")
    done = prefdata("build", "quickstart", "--out", folder / "build", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder / "build"


def cases(path: Path, *rows: object) -> Path:
    lines = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


GOOD = {"id": "1", "en": "Kindness costs nothing.", "ja": "親切にするのにお金はかかりません。"}
BAD = {
    "id": "2",
    "en": "Kindness costs nothing.",
    "ja": "“Kindness costs nothing.”",
    "level": "segment",
}


def test_judge_prints_one_object_a_line_in_order(tmp_path: Path) -> None:
    done = prefdata("judge", cases(tmp_path / "c.jsonl", GOOD, BAD), "--json")
    assert done.returncode == 0
    assert [json.loads(line) for line in done.stdout.splitlines()] == [
        {"id": "1", "verdict": "keep", "reasons": [], "flags": [], "measured": {}},
        {
            "id": "2",
            "verdict": "reject",
            "reasons": ["untranslated"],
            "flags": [],
            "measured": {"untranslated": 0.0},
        },
    ]


def test_judge_names_malformed_lines_and_judges_the_others(tmp_path: Path) -> None:
    path = cases(
        tmp_path / "c.jsonl", GOOD, "{", '{"id": "3"}', "[]", {**BAD, "level": "pairs"}, BAD
    )
    done = prefdata("judge", path, "--json")
    assert done.returncode == 2
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == ["1", "2"]
    for number in (2, 3, 4, 5):
        assert f"c.jsonl:{number}" in done.stderr
    assert "did you mean 'pair'?" in done.stderr


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"en": 4}, "en is 4"),
        ({"id": True}, "id is True"),
        ({"level": "pair", "other_en": "No."}, "the pair lacks 'other_ja'"),
        ({"level": "pair", "other_en": "", "other_ja": "", "side": "choosen"}, "'chosen'"),
    ],
)
def test_judge_says_what_is_wrong_with_a_case(
    wrong: dict[str, object], told: str, tmp_path: Path
) -> None:
    done = prefdata("judge", cases(tmp_path / "c.jsonl", {**GOOD, **wrong}), "--json")
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr


def test_judge_repairs_unless_told_not_to(tmp_path: Path) -> None:
    case = {"id": "1", "en": "Let it cool.", "ja": "以下は日本語訳です。\n\n冷まします。"}
    path = cases(tmp_path / "c.jsonl", case)
    assert '"verdict": "keep"' in prefdata("judge", path, "--json").stdout
    assert '"meta_commentary"' in prefdata("judge", path, "--json", "--no-repair").stdout


def test_judge_gives_ids_back_as_they_are_half_characters_too(tmp_path: Path) -> None:
    path = tmp_path / "cases.jsonl"
    lines = [
        {"id": "\ud83dx", "en": "Hi.", "ja": "やあ\ud83d。"},
        {"id": 7, "en": "Hi.", "ja": "やあ。"},
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    command = [sys.executable, "-m", "prefdata", "judge", str(path)]  # to a stream that has bytes
    plain, listed = (
        subprocess.run([*command, *more], capture_output=True, check=True).stdout.decode("utf-8")
        for more in ((), ("--json",))
    )
    assert [json.loads(line)["id"] for line in listed.splitlines()] == ["\ud83dx", 7]
    assert "mojibake" in plain


def test_judge_gives_hostile_texts_a_verdict(tmp_path: Path) -> None:
    turns = [(f"\n\nHuman: Is it {n}?", f"\n\nHuman: {n}ですか？") for n in range(50)]
    english, japanese = ("".join(texts) for texts in zip(*turns, strict=True))
    lines = [
        {
            "id": "one turn of a megabyte",
            "en": "The cat sat. " * 40_000,
            "ja": "猫が座った。" * 60_000,
        },
        {"id": "fifty turns", "en": english, "ja": japanese, "level": "conversation"},
        {"id": "one character", "en": "x", "ja": "あ" * 1_000_000},
        {"id": "NUL", "en": "a\x00b", "ja": "\x00"},
        {"id": "line ends", "en": "a\r\nb\rc", "ja": "あ\r\nい\rう"},
        {"id": "emoji", "en": "😂", "ja": "😂"},
        {"id": "Hebrew", "en": "Hello.", "ja": "שלום"},
        {"id": "half-width", "en": "Camera.", "ja": "ｶﾒﾗ"},
        {"id": "fence", "en": "Use it.", "ja": "```\n使う"},
    ]
    path = tmp_path / "cases.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    done = prefdata("judge", path, "--json")
    assert done.returncode == 0
    found = {v["id"]: v["verdict"] for v in map(json.loads, done.stdout.splitlines())}
    assert found == {
        line["id"]: "keep"
        if line["id"] in ("fifty turns", "line ends", "emoji", "half-width")
        else "reject"
        for line in lines
    }


def test_a_table_breaks_no_code_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    riddle = {**GOOD, "id": "a long name of a case", "en": "Name three words that rhyme with moon."}
    number = {"id": "2", "en": "He paid 1,200 yen.", "ja": "彼は12,000円払った。"}
    path = cases(tmp_path / "c.jsonl", {**riddle, "ja": "月と韻を踏む言葉を三つ挙げて。"}, number)
    for columns in ("80", "30"):
        monkeypatch.setenv("COLUMNS", columns)
        shown = prefdata("judge", path).stdout
        assert "language_dependent_task" in shown
        assert "12000" in shown


def test_judge_of_a_missing_file_is_an_input_error(tmp_path: Path) -> None:
    done = prefdata("judge", tmp_path / "none.jsonl")
    assert done.returncode == 2
    assert "cannot read the cases" in done.stderr


def test_drops_tell_reason_value_limit_and_both_texts(build: Path) -> None:
    done = prefdata("drops", build, "--json", "--reason", "untranslated")
    (row,) = [json.loads(line) for line in done.stdout.splitlines()]
    assert (row["step"], row["side"], row["reasons"][0]) == ("filter", "rejected", "untranslated")
    assert (row["measured"], row["limit"]) == (0.0, 0.3)
    assert row["en"] == row["ja"] != ""


def test_drops_count_every_reason(build: Path) -> None:
    done = prefdata("drops", build)
    assert done.returncode == 0
    assert "source_empty_completion" in done.stdout
    assert "language_dependent_task" in done.stdout


def test_what_if_decides_again_from_what_is_stored(build: Path) -> None:
    same = json.loads(
        prefdata("drops", build, "--what-if", "length_ratio_high.81+=1.2", "--json").stdout
    )
    assert same["newly_kept"] == same["newly_dropped"] == []
    tighter = json.loads(
        prefdata("drops", build, "--what-if", "length_ratio_high+=-0.4", "--json").stdout
    )
    assert tighter["newly_dropped"]
    assert tighter["reasons"]["length_ratio_high"][1] > 0
    looser = json.loads(
        prefdata("drops", build, "--what-if", "number_mismatch=flag", "--json").stdout
    )
    assert len(looser["newly_kept"]) == 1
    assert looser["kept_after"] == looser["kept_before"] + 1


def test_what_if_stands_alone(build: Path) -> None:
    done = prefdata("drops", build, "--what-if", "refusal=flag", "--reason", "truncated")
    assert done.returncode == 2
    assert "leave --reason and --sample out" in done.stderr


def test_what_if_of_an_unknown_rule_names_the_nearest(build: Path) -> None:
    done = prefdata("drops", build, "--what-if", "truncted=1")
    assert done.returncode == 2
    assert "did you mean 'truncated'?" in done.stderr


def test_a_sample_is_the_same_every_time(build: Path) -> None:
    first, second = (prefdata("drops", build, "--sample", "1", "--json").stdout for _ in range(2))
    assert first == second
    assert len(first.splitlines()) == len(
        {json.loads(line)["reasons"][0] for line in first.splitlines()}
    )


def test_calibrate_puts_percentiles_beside_the_reference(build: Path) -> None:
    done = prefdata("calibrate", build, "--json")
    rows = {row["feature"]: row for row in map(json.loads, done.stdout.splitlines())}
    assert rows["length_ratio 31-80"]["human"] == [0.33, 0.55, 0.94]
    assert 0.4 < rows["length_ratio 31-80"]["own"][1] < 0.7
    assert rows["particles"]["texts"] > 100


def test_calibrate_compares_the_sides(build: Path) -> None:
    found = json.loads(prefdata("calibrate", build, "--drift", "--json").stdout)
    assert found["sides"]["chosen"]["dropped"] == 4
    assert found["margin"]["pairs"] == 52
    shown = prefdata("calibrate", build, "--drift").stdout
    assert "polite share" in shown
    assert "→" in shown


def test_a_correction_in_a_sheet_comes_back_in_the_next_build(build: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "drops.csv"
    assert prefdata("sheet", "export", build, sheet, "--reason", "untranslated").returncode == 0
    with sheet.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 1
    rows[0]["corrected"] = "昼に1回、夜に1回、潮が満ちます。"
    with sheet.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    cache = tmp_path / "cache"
    done = prefdata("sheet", "import", sheet, "--human", "a reader", "--cache", cache)
    assert "1 corrections by a reader" in done.stdout
    assert "a reader" in prefdata("memory", "stats", "--cache", cache).stdout


def filtered(build: Path) -> set[str]:
    """Return the ids of what the filter step of a build dropped."""
    rows = map(json.loads, prefdata("drops", build, "--json").stdout.splitlines())
    return {row["id"] for row in rows if row["step"] == "filter"}


@pytest.mark.slow
def test_a_persons_correction_brings_the_record_back_in_the_next_build(tmp_path: Path) -> None:
    where = ("data/build/quickstart", "d.csv", "--reason", "number_mismatch")
    assert prefdata("build", "quickstart", cwd=tmp_path).returncode == 0
    before = filtered(tmp_path / where[0])
    prefdata("sheet", "export", *where, cwd=tmp_path)
    with (tmp_path / "d.csv").open(encoding="utf-8-sig", newline="") as file:
        (row,) = (row for row in csv.DictReader(file) if "54,000" in row["ja"])
    row["corrected"] = row["ja"].replace("54,000", "5,400")
    with (tmp_path / "d.csv").open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, row)
        writer.writeheader()
        writer.writerow(row)
    done = prefdata("sheet", "import", "d.csv", "--human", "a reader", cwd=tmp_path)
    assert "Say under what terms a reader works" in done.stdout
    assert prefdata("build", "quickstart", cwd=tmp_path).returncode == 0
    assert filtered(tmp_path / where[0]) == before - {row["id"]}


def test_a_sheet_without_rows_says_which_reasons_there_are(build: Path, tmp_path: Path) -> None:
    done = prefdata("sheet", "export", build, tmp_path / "new" / "s.csv", "--reason", "truncted")
    assert done.returncode == 0
    assert "did you mean 'truncated'?" in done.stderr


def test_a_sample_has_as_many_rows_as_were_asked_for(build: Path, tmp_path: Path) -> None:
    done = prefdata("sheet", "export", build, tmp_path / "s.csv", "--sample", "9")
    assert done.stdout.startswith("9 rows")


def test_a_sheet_has_both_sides_of_a_pair_that_collapsed(build: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "pairs.csv"
    prefdata("sheet", "export", build, sheet, "--reason", "pair_collapsed")
    with sheet.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["side"] for row in rows] == ["chosen", "rejected"]
    assert rows[0]["en"] != rows[1]["en"]


def test_drops_fit_the_terminal_and_show_the_end_of_a_long_text(
    build: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rich.cells import cell_len

    monkeypatch.setenv("COLUMNS", "80")
    shown = prefdata("drops", build, "--reason", "truncated").stdout
    texts = [line for line in shown.splitlines() if line.startswith("    ")]
    assert max(map(cell_len, texts)) <= 80
    assert texts[-1].endswith("交換して、すべてを")
    monkeypatch.setenv("COLUMNS", "5")
    assert prefdata("drops", build, "--reason", "truncated").returncode == 0


def test_a_damaged_sheet_is_refused(tmp_path: Path) -> None:
    sheet = tmp_path / "s.csv"
    sheet.write_text("a,b\n1,2\n", encoding="utf-8")
    done = prefdata("sheet", "import", sheet, "--human", "me", "--cache", tmp_path / "cache")
    assert done.returncode == 2
    assert "the sheet lacks the columns" in done.stderr
