"""Croissant metadata, judged by the reference implementation."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path

import pyarrow.parquet as pq
import pytest


@pytest.fixture
def described(built: Path) -> Path:
    return built / "release" / "croissant.json"


def test_the_reference_implementation_finds_no_fault(described: Path) -> None:
    mlcroissant = pytest.importorskip("mlcroissant")

    dataset = mlcroissant.Dataset(jsonld=str(described))

    issues = dataset.metadata.ctx.issues
    assert not issues.errors
    assert not issues.warnings
    assert "http://mlcommons.org/croissant/1.1" in dataset.metadata.conforms_to


@pytest.mark.parametrize("config", ["pairs", "unpaired", "labels", "rankings"])
def test_records_can_be_read_through_it(described: Path, config: str) -> None:
    mlcroissant = pytest.importorskip("mlcroissant")

    (row,) = islice(mlcroissant.Dataset(jsonld=str(described)).records(config), 1)

    assert len(row[f"{config}/id"]) >= 32
    if config == "pairs":
        assert row["pairs/prompt"][0]["pairs/prompt/role"] == b"user"


def test_the_texts_of_a_ranking_can_be_read_through_it(described: Path) -> None:
    mlcroissant = pytest.importorskip("mlcroissant")
    release = described.parent
    (own,) = pq.read_table(release / "rankings").slice(0, 1).to_pylist()

    rows = mlcroissant.Dataset(jsonld=str(described)).records("rankings")
    (row,) = (row for row in rows if row["rankings/id"] == own["id"].encode())

    texts = row["rankings/completions/content"]
    assert [text["rankings/completions/content/content"].decode() for text in texts] == [
        completion["content"][0]["content"] for completion in own["completions"]
    ]
    assert {text["rankings/completions/content/role"] for text in texts} == {b"assistant"}
    assert [c["rankings/completions/rank"] for c in row["rankings/completions"]] == [
        completion["rank"] for completion in own["completions"]
    ]


def test_files_stand_with_digests_and_sources_as_what_it_was_made_of(described: Path) -> None:
    tree = json.loads(described.read_text(encoding="utf-8"))

    files = [d for d in tree["distribution"] if d["@type"] == "cr:FileObject"]
    assert all(len(file["sha256"]) == 64 for file in files)
    assert tree["prov:wasDerivedFrom"]
    assert tree["license"]
