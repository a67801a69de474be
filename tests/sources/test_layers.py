"""What sources announce of their layers is what the license registry knows."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from prefdata.core.origin import Layer
from prefdata.licensing.registry import Registry
from tests.sources.reading import source

DAY = date(2026, 11, 21)


@pytest.fixture(scope="module")
def registry(root: Path) -> Registry:
    return Registry((root / "licenses",))


def statuses(registry: Registry, use: str, **settings: Any) -> dict[tuple[str, str], str]:
    """The status of each role and artifact that a source announces."""
    layers = {layer for combination in source(use, **settings).layers() for layer in combination}
    return {(layer.role, layer.artifact): status_of(registry, layer) for layer in layers}


def status_of(registry: Registry, layer: Layer) -> str:
    assert registry.describe(layer.artifact), f"{layer.artifact} is not in the registry"
    first: str = registry.resolve(layer, DAY)[0]["status"]
    return first


def test_hh_rlhf_is_declared_at_the_commit_that_is_read(registry: Registry) -> None:
    combination = source("hh_rlhf").layers()[0]
    found = [registry.resolve(layer, DAY)[0] for layer in combination]

    assert [(case["role"], case["status"], case["license"]) for case in found] == [
        ("source_text", "declared", "MIT"),
        ("response", "declared", "MIT"),
        ("label", "declared", "MIT"),
    ]


def test_webgpt_answers_are_undisclosed_whatever_the_question(registry: Registry) -> None:
    found = statuses(registry, "webgpt_comparisons")

    assert found["response", "openai/webgpt_comparisons"] == "undisclosed"
    assert found["label", "openai/webgpt_comparisons"] == "undisclosed"
    assert found["source_text", "openai/webgpt_comparisons eli5"] == "undisclosed"
    assert found["source_text", "openai/webgpt_comparisons arc-easy"] == "declared"
    assert len(found) == 7


def test_synthetic_pairs_are_undisclosed_and_so_is_their_writer(registry: Registry) -> None:
    layers = source("synthetic_instruct_gptj_pairwise").layers()[0]
    cases = [case for layer in layers for case in registry.resolve(layer, DAY)]

    assert {case["status"] for case in cases} == {"undisclosed"}
    assert "response_model" in {case["role"] for case in cases}


def test_summaries_posts_and_articles_stand_apart(registry: Registry) -> None:
    own = "openai/summarize_from_feedback"

    assert statuses(registry, "summarize_from_feedback") == {
        ("source_text", f"{own} reddit_posts"): "conditional",
        ("source_text", f"{own} cnndm_articles"): "undisclosed",
        ("response", f"{own} human_reference"): "conditional",
        ("response", f"{own} labels_and_model_summaries"): "declared",
        ("label", f"{own} labels_and_model_summaries"): "declared",
    }


def test_every_model_of_the_real_verdicts_is_registered(
    registry: Registry, shared_data: Path
) -> None:
    found = statuses(
        registry,
        "verdicts",
        path=shared_data / "ja-vicuna-qa/pairwise*.jsonl",
        artifact="ku-nlp/ja-vicuna-qa-benchmark",
    )

    roles = [role for role, _ in found]
    assert roles.count("response_model") == 4
    assert roles.count("judge") == 1


def test_the_shipped_sample_is_declared_and_its_third_file_is_not(
    registry: Registry, root: Path
) -> None:
    folder = root / "data/quickstart"
    sample = statuses(
        registry, "hh_rlhf", path=folder / "pairs.hh.jsonl", artifact="prefdata/quickstart"
    )
    third = source("jsonl", path=folder / "undisclosed.ja.jsonl", lang="ja").layers()[0]

    assert set(sample.values()) == {"declared"}
    assert [registry.describe(layer.artifact) for layer in third] == [[], [], []]
    assert {registry.resolve(layer, DAY)[0]["status"] for layer in third} == {"undisclosed"}
