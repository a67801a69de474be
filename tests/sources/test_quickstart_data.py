"""The shipped sample: its checksums, its translations by node, its third source."""

from __future__ import annotations

import importlib.util
import json
import re
from hashlib import sha256
from pathlib import Path
from types import ModuleType

import pytest

from prefdata.core.records import Preference
from tests.sources.reading import read, reasons


@pytest.fixture(scope="module")
def folder(root: Path) -> Path:
    return root / "data" / "quickstart"


@pytest.fixture(scope="module")
def convert(folder: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("convert", folder / "convert.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def nodes_of(records: list[Preference]) -> set[str]:
    """Role, text and context of every node of the records, as JSON."""
    found = set()
    for record in records:
        for completion in record.completions:
            turns = [{"role": m.role, "content": m.content}
                     for m in record.prompt + completion.messages]  # fmt: skip
            found.update(json.dumps(turns[: n + 1]) for n in range(len(turns)))
    return found


@pytest.mark.parametrize("place", ["data/quickstart", "tests/fixtures"])
def test_every_data_file_has_its_checksum_in_the_readme(root: Path, place: str) -> None:
    readme = (root / place / "README.md").read_text(encoding="utf-8")

    for path in sorted((root / place).glob("*.jsonl")):
        listed = re.search(rf"\| {re.escape(path.name)} \|.*?([0-9a-f]{{64}}) \|", readme)
        assert listed, f"{path.name} is not listed"
        assert listed[1] == sha256(path.read_bytes()).hexdigest(), path.name


def test_the_memory_is_what_the_converter_makes(
    folder: Path, convert: ModuleType, tmp_path: Path
) -> None:
    count = convert.convert(
        folder / "pairs.hh.jsonl", folder / "translations.jsonl", tmp_path / "memory.jsonl"
    )

    assert count == 294
    assert (tmp_path / "memory.jsonl").read_bytes() == (folder / "memory.jsonl").read_bytes()


def test_the_memory_has_exactly_the_nodes_of_the_pairs(folder: Path, convert: ModuleType) -> None:
    records, skips = read("hh_rlhf", path=folder / "pairs.hh.jsonl")
    memory = convert.read(folder / "memory.jsonl")
    known = {
        json.dumps([*node["context"], {"role": node["role"], "content": node["source"]}])
        for node in memory
    }

    assert reasons(skips) == {"source_empty_completion": 1}
    assert len(records) == 63
    assert nodes_of(records) < known
    assert len(known - nodes_of(records)) == 2, "the nodes of the row with an empty side"


def test_the_converter_takes_the_real_sample_too(
    shared_data: Path, convert: ModuleType, tmp_path: Path
) -> None:
    sample = shared_data / "hh-rlhf-ja"
    pairs = sample / "hh-rlhf.harmless-base.test.sample.jsonl"

    count = convert.convert(pairs, sample / "translations.jsonl", tmp_path / "memory.jsonl")

    records, skips = read("hh_rlhf", path=pairs)
    assert (len(records), skips) == (64, [])
    assert count == len(nodes_of(records)) == 306


def test_a_translation_of_another_text_is_refused(folder: Path, convert: ModuleType) -> None:
    pairs, rows = (
        convert.read(folder / "pairs.hh.jsonl"),
        convert.read(folder / "translations.jsonl"),
    )
    rows[0] = {**rows[0], "en": "something else"}

    with pytest.raises(ValueError, match="not the pair's text"):
        list(convert.nodes(pairs, rows))


def test_the_third_source_declares_no_license(folder: Path) -> None:
    records, skips = read("jsonl", path=folder / "undisclosed.ja.jsonl", lang="ja")

    assert len(records) == 6
    assert skips == []
    assert {r.origin.source for r in records} == {"undeclared:undisclosed.ja.jsonl"}
