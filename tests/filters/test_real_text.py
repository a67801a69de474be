"""Real machine translations, good on the whole: few may be lost."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

from prefdata.text.assess import problems

ROLES = {"user": "user", "agent": "assistant"}


def segments(folder: Path) -> Iterator[tuple[str, str, str]]:
    for path in sorted(folder.glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                texts = json.loads(line)["original_info"]["utterances"]
                for en, ja in zip(texts["en"], texts["machine_translated_ja"], strict=True):
                    yield ROLES[en["name"]], en["text"], ja["text"]


def test_at_most_three_in_a_hundred_of_the_instruction_ja_translations_are_dropped(
    shared_data: Path,
) -> None:
    found = [
        problems(en, ja, role=role, kind="hh")
        for role, en, ja in segments(shared_data / "instruction_ja")
    ]
    assert len(found) == 1904
    assert sum(map(bool, found)) <= 0.03 * len(found)


def test_careful_translations_of_hh_rlhf_are_kept(shared_data: Path) -> None:
    path = shared_data / "hh-rlhf-ja" / "translations.jsonl"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    dropped = [
        row["row"] for row in rows if problems(row["en"], row["ja"], role=row["role"], kind="hh")
    ]
    assert dropped == []
