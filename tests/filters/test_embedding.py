"""The embedding filter with the real sentence-transformers, over a model that the test builds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from prefdata.core.errors import InputError
from prefdata.core.finding import Finding
from prefdata.core.origin import Layer
from prefdata.core.records import Preference
from prefdata.core.stage import Context
from prefdata.filters.stage import FilterStage
from tests.records import a_pair

pytestmark = pytest.mark.train

# One direction for each meaning, in both languages; everything else has none.
MEANINGS = [
    ("dog", "犬"), ("cat", "猫"), ("garden", "庭"), ("sleeps", "眠"), ("where", "どこ"),
    ("rain", "雨"), ("tomorrow", "明日"), ("train", "電車"), ("late", "遅れ"), ("nine", "九"),
    ("six", "六"), ("times", "かける"), ("fifty-four", "五十四"), ("fifty-six", "五十六"),
]  # fmt: skip


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a bilingual model of fourteen meanings."""
    import numpy as np
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer, models, normalizers

    words = [("<unk>", -20.0), *((word, -1.0) for pair in MEANINGS for word in pair)]
    tokenizer = Tokenizer(models.Unigram(words, unk_id=0))
    tokenizer.normalizer = normalizers.Lowercase()
    vectors = np.full((len(words), len(MEANINGS) + 1), 0.0, np.float32)
    vectors[0, -1] = 0.01  # what is not known says next to nothing
    for n in range(len(MEANINGS)):
        vectors[1 + 2 * n : 3 + 2 * n, n] = 1.0
    folder = tmp_path_factory.mktemp("model")
    SentenceTransformer(modules=[StaticEmbedding(tokenizer, vectors)]).save(str(folder))
    return folder


def scored(model: Path, *records: Preference, **settings: Any) -> list[tuple[Finding, ...]]:
    part = {"use": "embedding", "model": str(model), **settings}
    stage = FilterStage(FilterStage.Config.from_tree({"filters": [part]}), Context())
    return [
        tuple(f for f in findings if f.band == "cosine") for _, findings in stage.judged(records)
    ]


ENGLISH = ("Where is the dog?", "The dog sleeps in the garden.", "The cat sleeps in the rain.")
GOOD = ("犬はどこですか？", "犬は庭で眠っています。", "猫は雨の中で眠っています。")


def test_true_translations_lie_where_their_sources_lie(model: Path) -> None:
    (found,) = scored(model, a_pair(*GOOD, english=ENGLISH))
    assert {(f.code, f.side) for f in found} == {
        ("mistranslation", side) for side in ("prompt", "chosen", "rejected")
    }
    assert all(f.measured is not None and f.measured > 0.95 for f in found)
    assert {f.action for f in found} == {"none"}


def test_completions_that_were_swapped_lie_nearer_to_each_others_sources(model: Path) -> None:
    (found,) = scored(model, a_pair(GOOD[0], GOOD[2], GOOD[1], english=ENGLISH))
    leads = {f.side: f for f in found if f.code == "flaw_repaired"}
    assert set(leads) == {"chosen", "rejected"}
    assert {f.action for f in leads.values()} == {"flag"}
    assert all(f.measured is not None and f.measured > 0.5 for f in leads.values())


def test_a_mended_answer_lies_nearer_to_the_right_one(model: Path) -> None:
    english = ("Nine times six?", "Nine times six is fifty-four.", "Nine times six is fifty-six.")
    mended = ("九かける六は？", "九かける六は五十四です。", "九かける六は五十四。")
    kept = (*mended[:2], "九かける六は五十六です。")
    found, clean = scored(
        model, a_pair(*mended, english=english), a_pair(*kept, english=english, row="2")
    )
    assert [f.side for f in found if f.code == "flaw_repaired"] == ["rejected"]
    assert [f for f in clean if f.code == "flaw_repaired"] == []


def test_an_unrelated_text_and_an_answered_prompt_are_found(model: Path) -> None:
    pair = a_pair("明日は電車が遅れます。", GOOD[1], "電車が遅れました。", english=ENGLISH)
    (found,) = scored(model, pair, action="drop")
    assert {f.side for f in found if f.action == "drop"} == {"prompt", "rejected"}


def test_a_batch_gives_what_single_records_give(model: Path) -> None:
    records = [
        a_pair(*GOOD, english=ENGLISH),
        a_pair(row="2"),  # native: nothing to compare
        a_pair(GOOD[0], GOOD[2], GOOD[1], english=ENGLISH, row="3"),
    ]
    together = scored(model, *records, batch_size=2)
    assert together == [scored(model, record)[0] for record in records]
    assert [len(found) for found in together] == [3, 0, 5]


def test_the_model_stands_in_the_lineage_as_a_judge(model: Path) -> None:
    tree = {"filters": [{"use": "embedding", "model": "BAAI/bge-m3", "revision": "r"}]}
    layers = FilterStage.layers(FilterStage.Config.from_tree(tree), Context())
    assert layers == [Layer("judge", "BAAI/bge-m3", "r")]


def test_a_model_that_is_not_there_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot load the model"):
        scored(tmp_path / "none", a_pair())
