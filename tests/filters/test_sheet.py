"""Sheets for a person: what stands in them, and what comes back from a spreadsheet."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest

from prefdata.core.errors import InputError
from prefdata.core.finding import Drop, Finding
from prefdata.core.records import Preference
from prefdata.filters.sheet import corrections, dropped_rows, write_sheet
from prefdata.store.arrow import encode_drops
from prefdata.store.dataset import DROPPED, MANIFEST
from prefdata.store.shards import shard_name, write_shard
from tests.records import a_pair

ENGLISH = ("- How many?", "=1+2", "42")
JAPANESE = ("- いくつ？", "=1+2", "四十二。")


def step(folder: Path, *drops: Drop, use: str = "filter") -> Path:
    (folder / DROPPED).mkdir(parents=True)
    write_shard(folder / DROPPED / shard_name(0), encode_drops(drops))
    manifest = {"use": use, "kind": "preferences"}
    (folder / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    return folder


def dropped(side: str, turn: int = 0, code: str = "truncated", **more: object) -> Drop:
    record = a_pair(*JAPANESE, english=ENGLISH, **more)
    return Drop(record, (Finding(code, side, turn, 1.0, 1.0),))


def read(sheet: Path) -> list[dict[str, str]]:
    with sheet.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def fill(sheet: Path, *texts: str, encoding: str = "utf-8-sig") -> None:
    """Write a sheet again as a spreadsheet does, with these corrections."""
    rows = [{**row, "corrected": text} for row, text in zip(read(sheet), texts, strict=True)]
    with sheet.open("w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, rows[0], quoting=csv.QUOTE_ALL)
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture
def sheet(tmp_path: Path) -> Path:
    folder = step(tmp_path / "step", dropped("prompt"), dropped("chosen"), dropped("rejected"))
    write_sheet(tmp_path / "s.csv", dropped_rows(folder))
    return tmp_path / "s.csv"


def test_no_text_is_a_formula_or_a_number(sheet: Path) -> None:
    assert [row["en"] for row in read(sheet)] == ["'- How many?", "'=1+2", "'42"]
    assert [row["ja"] for row in read(sheet)] == ["'- いくつ？", "'=1+2", "四十二。"]


def test_corrections_come_back_with_the_texts_as_they_were(sheet: Path) -> None:
    fill(sheet, "- 何個？", "'=1+2", "四十二")
    found = list(corrections(sheet))
    assert [(row["source"], row["target"]) for row in found] == [
        ("- How many?", "- 何個？"),
        ("=1+2", "=1+2"),
        ("42", "四十二"),
    ]
    assert found[1]["context"] == [{"role": "user", "content": "- How many?"}]


def test_a_turn_with_two_corrections_is_refused_and_with_equal_ones_taken_once(
    tmp_path: Path,
) -> None:
    both = dropped("prompt"), dropped("prompt", row="2")
    write_sheet(tmp_path / "s.csv", dropped_rows(step(tmp_path / "step", *both)))
    fill(tmp_path / "s.csv", "何個？", "何個？")
    assert len(list(corrections(tmp_path / "s.csv"))) == 1
    fill(tmp_path / "s.csv", "何個？", "いくつ？")
    with pytest.raises(InputError, match="another correction in line 2"):
        list(corrections(tmp_path / "s.csv"))


def test_a_sheet_with_corrections_is_not_written_over(sheet: Path) -> None:
    assert write_sheet(sheet, []) == 0
    assert read(sheet) == []


def test_corrections_are_not_lost_to_a_second_export(sheet: Path) -> None:
    fill(sheet, "何個？", "", "")
    with pytest.raises(InputError, match="holds corrections"):
        write_sheet(sheet, [])
    assert read(sheet)[0]["corrected"] == "何個？"


@pytest.mark.parametrize("name", ["en", "context", "role"])
def test_a_changed_text_is_told_with_its_line(name: str, sheet: Path) -> None:
    fill(sheet, "", "", "四十二")
    rows = read(sheet)
    rows[2][name] = rows[2][name][:-1]
    with sheet.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    with pytest.raises(InputError, match="is not what was exported") as caught:
        list(corrections(sheet))
    assert caught.value.where.endswith("s.csv:4")


def test_a_sheet_that_was_saved_in_another_encoding_is_told(sheet: Path) -> None:
    fill(sheet, "何個？", "", "", encoding="cp932")
    with pytest.raises(InputError, match="cannot read the sheet") as caught:
        list(corrections(sheet))
    assert caught.value.fix == "save it as CSV UTF-8"


def test_a_turn_of_a_megabyte_goes_out_and_comes_back(tmp_path: Path) -> None:
    record = a_pair(
        "長い。", "猫。" * 500_000, "犬。", english=("Long.", "Cat. " * 200_000, "Dog.")
    )
    drop = Drop(record, (Finding("truncated", "chosen", 0),))
    write_sheet(tmp_path / "s.csv", dropped_rows(step(tmp_path / "step", drop)))
    csv.field_size_limit(2**31 - 1)
    fill(tmp_path / "s.csv", "猫")
    (found,) = corrections(tmp_path / "s.csv")
    assert found["source"] == "Cat. " * 200_000


def test_a_drop_of_a_whole_side_has_every_turn_of_it(tmp_path: Path) -> None:
    folder = step(tmp_path, dropped("prompt", -1, "mistranslation"), dropped("rejected", -1))
    assert [row["side"] for row in dropped_rows(folder)] == ["prompt", "rejected"]


def test_what_could_not_be_translated_stands_there_without_japanese(tmp_path: Path) -> None:
    english: Preference = replace(a_pair(*ENGLISH), lang="en")
    drop = Drop(english, (Finding("refusal", "chosen", 0),))
    (row,) = dropped_rows(step(tmp_path, drop, use="translate"))
    assert (row["en"], row["ja"]) == ("=1+2", "")
    assert json.loads(row["context"]) == [["user", "- How many?"]]


def test_what_no_translation_can_save_is_not_in_the_sheet(tmp_path: Path) -> None:
    folder = step(tmp_path, dropped("pair", -1, "UNDISCLOSED"), use="license_gate")
    assert list(dropped_rows(folder)) == []


def test_a_reason_that_is_not_the_first_has_its_own_turn(tmp_path: Path) -> None:
    findings = (Finding("refusal", "prompt", 0), Finding("truncated", "rejected", 0))
    folder = step(tmp_path, Drop(a_pair(*JAPANESE, english=ENGLISH), findings))
    (row,) = dropped_rows(folder, "truncated")
    assert (row["reason"], row["side"]) == ("truncated", "rejected")
