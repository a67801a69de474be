"""The sums of a GPU's room, against figures reckoned by hand for calm3-22b-chat."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from prefdata.cli.main import run
from prefdata.core.stage import Context
from prefdata.translate.kv_room import MOST, Shape, kv_tokens, requests_that_fit
from prefdata.translate.stage import Translate
from prefdata.translate.vllm import DEFAULT_SEQS, Vllm
from tests.translate.records import record

CALM3: dict[str, Any] = {
    "hidden_size": 6144, "intermediate_size": 16384, "num_hidden_layers": 48,
    "num_attention_heads": 48, "num_key_value_heads": 48, "vocab_size": 65024,
    "tie_word_embeddings": False, "torch_dtype": "bfloat16",
}  # fmt: skip
H100, H200 = 78, 139  # GiB


def room(gib: float, quantization: str | None, kv: str, gpus: int = 1) -> int:
    shape = Shape.of(CALM3)
    assert shape
    weights = shape.weight_bytes("bfloat16", quantization)
    assert weights
    kv_bytes = shape.kv_bytes(kv)
    return kv_tokens(
        memory=gib * 2**30, utilization=0.92, weights=weights, kv_bytes=kv_bytes, gpus=gpus
    )


def test_calm3_has_the_size_that_its_card_tells() -> None:
    shape = Shape.of(CALM3)

    assert shape
    assert shape.parameters == pytest.approx(22.54e9, rel=0.001)
    assert shape.kv_bytes("bfloat16") == 1.125 * 2**20
    assert shape.kv_bytes("fp8") == 0.5625 * 2**20


@pytest.mark.parametrize(
    ("gib", "quantization", "kv", "tokens", "short", "long"),
    [
        (H100, None, "bfloat16", 25_000, 156, 66),
        (H100, None, "fp8", 50_000, 312, 133),
        (H100, "fp8", "fp8", 88_000, 551, 235),
        (H200, None, "bfloat16", 76_000, 475, 202),
    ],
)
def test_a_card_has_the_room_that_was_reckoned_by_hand(
    gib: float, quantization: str | None, kv: str, tokens: int, short: int, long: int
) -> None:
    found = room(gib, quantization, kv)

    assert found == pytest.approx(tokens, rel=0.005)
    assert requests_that_fit(found, 160) == pytest.approx(short, abs=1)
    assert requests_that_fit(found, 375) == pytest.approx(long, abs=1)


def test_two_cards_hold_more_than_twice_since_they_share_the_weights() -> None:
    assert room(H100, None, "bfloat16", gpus=2) > 2 * room(H100, None, "bfloat16")


def test_weights_that_do_not_fit_leave_no_room_and_one_request_at_least_is_tried() -> None:
    assert room(40, None, "bfloat16") == 0
    assert requests_that_fit(0, 160) == 1
    assert requests_that_fit(10**9, 160) == MOST


def test_grouped_heads_and_their_own_size_count() -> None:
    grouped = Shape.of({**CALM3, "num_key_value_heads": 8, "head_dim": 64})

    assert grouped
    assert grouped.kv_bytes("bfloat16") == 2 * 48 * 8 * 64 * 2


@pytest.mark.parametrize(
    "config", [{"hidden_size": 64}, {**CALM3, "num_experts": 8}, {**CALM3, "intermediate_size": 0}]
)
def test_what_a_config_does_not_tell_is_not_guessed(config: dict[str, Any]) -> None:
    shape = Shape.of(config)

    assert shape is None or shape.weight_bytes("bfloat16", None) is None


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A folder with the config of calm3 and no weights."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(CALM3))
    return folder


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"gpu_memory_gib": H100}, 156),
        ({"gpu_memory_gib": H100, "kv_cache_dtype": "fp8"}, 312),
        ({"gpu_memory_gib": H100, "kv_cache_dtype": "fp8", "quantization": "fp8"}, 551),
        ({"gpu_memory_gib": H100, "max_num_seqs": 64}, 64),
        ({"kv_cache_memory_bytes": 160 * 1_179_648 * 10}, 10),
        ({"gpu_memory_gib": H100, "quantization": "awq"}, None),
    ],
    ids=["bf16", "kv-fp8", "all-fp8", "explicit", "given-room", "open"],
)
def test_the_back_end_takes_what_fits_unless_told(
    tmp_path: Path, model: Path, settings: dict[str, Any], expected: int | None
) -> None:
    config, context = Vllm.Config(model="model", **settings), Context(base=tmp_path)

    found = Vllm.at_once(config, context, 160.0)
    translator = Vllm(config, context)
    translator.expect(160.0)

    assert found == (expected and pytest.approx(expected, abs=1))
    assert translator.arguments()["max_num_seqs"] == (found or DEFAULT_SEQS)


def test_a_plan_shows_what_a_request_holds_and_how_many_run_at_once(
    tmp_path: Path, model: Path
) -> None:
    translator = {"use": "vllm", "model": str(model), "gpu_memory_gib": H100}
    pairs = [record("1", ["word " * 40, "word " * 40, "And?"], "Fine, thanks.", "Bad.")]

    with_context, alone = (
        Translate.estimate(
            Translate.Config.from_tree({"translator": translator, "context": context}),
            Context(cache=tmp_path), pairs,
        )
        for context in ("history", "none")
    )  # fmt: skip

    assert with_context["tokens_each"] > alone["tokens_each"] > 0
    assert with_context["at_once"] == pytest.approx(25_000 / with_context["tokens_each"], rel=0.02)
    assert alone["at_once"] > with_context["at_once"]


def test_a_translator_without_a_model_here_has_no_batch_to_show(tmp_path: Path) -> None:
    config = Translate.Config.from_tree({"translator": {"use": "fake"}})

    found = Translate.estimate(config, Context(cache=tmp_path), [record("1", ["Hi"], "A.", "B.")])

    assert found["at_once"] is None


def test_doctor_shows_how_many_requests_fit(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    translator = "stages.translate.translator"
    told = [f"{translator}.model={model}", f"{translator}.gpu_memory_gib={H100}"]

    assert run(["doctor", "--json", "--set", told[0], "--set", told[1]]) == 0

    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    [batch] = [row for row in rows if row["what"] == "requests at once"]
    assert batch["found"] == "312 of 160 tokens, 133 of 375 tokens"


def test_data_parallel_in_one_process_is_refused_with_the_road_to_take() -> None:
    with pytest.raises(ValidationError, match="--engine ray"):
        Vllm.Config(model="m", engine={"data_parallel_size": 2})
