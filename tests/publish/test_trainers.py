"""The published views are what trainers read: TRL's formats, chat templates, two lines each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.publish.conftest import a_record

Run = Callable[..., Path]
WHOLE = {"test": 0, "validation": 0}


@pytest.fixture
def release(publish: Run) -> Path:
    return publish(
        [
            a_record(1),
            a_record(2, "こんにちは", "はい、どうぞ。", "続けて"),
            a_record("r", answers=("甲", "乙", "丙"), ranks=(1, 2, 3)),
        ],
        splits=WHOLE,
        sft=True,
    )


def rows(release: Path, config: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pq.read_table(release / config).to_pylist()
    return found


@pytest.mark.parametrize(
    ("config", "columns"),
    [("pairs", ("prompt", "chosen", "rejected")), ("unpaired", ("prompt", "completion"))],
)
def test_every_side_is_a_list_of_role_and_content_alone(
    release: Path, config: str, columns: tuple[str, ...]
) -> None:
    for row in rows(release, config):
        for column in columns:
            assert row[column]
            for message in row[column]:
                assert set(message) == {"role", "content"}
                assert message["role"] in ("system", "user", "assistant")


def test_a_prompt_ends_with_the_user_and_a_completion_is_the_assistants(release: Path) -> None:
    for row in rows(release, "pairs"):
        assert row["prompt"][-1]["role"] == "user"
        assert [m["role"] for m in (*row["chosen"], *row["rejected"])] == ["assistant"] * 2


def test_unpaired_is_pairs_taken_apart(release: Path) -> None:
    pairs = {row["id"]: row for row in rows(release, "pairs")}
    for row in rows(release, "unpaired"):
        pair = pairs[row["pair_id"]]
        assert row["label"] is True or row["label"] is False
        assert row["prompt"] == pair["prompt"]
        assert row["completion"] == pair["chosen" if row["label"] else "rejected"]


def test_a_conversation_for_sft_is_the_prompt_and_the_best_answer(release: Path) -> None:
    best = {row["id"]: row["prompt"] + row["chosen"] for row in rows(release, "pairs")}
    for row in rows(release, "sft"):
        assert row["messages"] in best.values()


def test_labels_join_turns_by_the_stated_template(publish: Run) -> None:
    template = {"user": "質問：", "assistant": "回答：", "separator": "\n"}
    release = publish([a_record(1, "あ", "い", "う")], splits=WHOLE, template=template)

    texts = {row["text"] for row in rows(release, "labels")}
    assert texts == {f"質問：あ\n回答：い\n質問：う\n回答：{end}" for end in ("はい。", "いいえ。")}
    assert "`質問：`" in (release / "README.md").read_text(encoding="utf-8")


@pytest.mark.train
def test_trls_own_functions_take_the_views_as_they_are(release: Path, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    data_utils = pytest.importorskip("trl.data_utils")

    def load(config: str) -> Any:
        cache = str(tmp_path / "cache")
        return datasets.load_dataset(str(release), config, split="train", cache_dir=cache)

    pairs, unpaired = load("pairs"), load("unpaired")
    assert all(data_utils.is_conversational(row) for row in (*pairs, *unpaired))
    kept = pairs.select_columns(["prompt", "chosen", "rejected"])
    assert data_utils.maybe_extract_prompt(kept[0]) == kept[0]
    apart = data_utils.unpair_preference_dataset(kept)

    def key(row: dict[str, Any]) -> str:
        return str((row["prompt"], row["completion"], row["label"]))

    few = {key(row) for row in unpaired}
    assert few <= {key(row) for row in apart}


@pytest.mark.train
@pytest.mark.parametrize(
    ("config", "columns"),
    [("pairs", ("prompt", "chosen", "rejected")), ("unpaired", ("prompt", "completion"))],
)
def test_trl_puts_the_views_through_a_chat_template(
    release: Path, config: str, columns: tuple[str, ...]
) -> None:
    data_utils = pytest.importorskip("trl.data_utils")
    for row in rows(release, config):
        sides = {name: row[name] for name in columns}
        told = data_utils.apply_chat_template(sides, a_tokenizer())
        assert told["prompt"].endswith("<|assistant|>")
        for name in columns[1:]:
            assert told[name] == row[name][0]["content"]


def a_tokenizer() -> Any:
    """A tokenizer with nothing but a chat template."""
    transformers = pytest.importorskip("transformers")
    tokenizers = pytest.importorskip("tokenizers")
    model = tokenizers.Tokenizer(tokenizers.models.WordLevel({"<unk>": 0}, unk_token="<unk>"))
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=model, unk_token="<unk>")
    tokenizer.chat_template = (
        "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{% endfor %}"
        "{% if add_generation_prompt %}<|assistant|>{% endif %}"
    )
    return tokenizer


@pytest.mark.train
def test_a_chat_template_takes_prompt_and_completion(release: Path) -> None:
    tokenizer = a_tokenizer()
    for row in rows(release, "pairs"):
        text = tokenizer.apply_chat_template(row["prompt"] + row["chosen"], tokenize=False)
        assert text.endswith(f"<|assistant|>{row['chosen'][0]['content']}")


@pytest.mark.train
@pytest.mark.parametrize(
    ("config", "trainer"),
    [("pairs", "DPOTrainer"), ("pairs", "RewardTrainer"), ("unpaired", "KTOTrainer")],
)
def test_two_lines_train_with_trl(
    release: Path, config: str, trainer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trl = pytest.importorskip("trl")
    datasets = pytest.importorskip("datasets")
    transformers = pytest.importorskip("transformers")
    monkeypatch.chdir(tmp_path)
    tokenizer = a_tokenizer()
    tokenizer.add_special_tokens({"eos_token": "</s>", "pad_token": "<pad>"})
    shape = {"vocab_size": 3, "hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1,
             "num_attention_heads": 1, "num_key_value_heads": 1}  # fmt: skip
    transformers.LlamaForCausalLM(transformers.LlamaConfig(**shape)).save_pretrained("MODEL")
    tokenizer.save_pretrained("MODEL")
    quick = {"use_cpu": True, "bf16": False, "report_to": "none", "max_steps": 1,
             "gradient_checkpointing": False}  # fmt: skip
    args = getattr(trl, trainer.replace("Trainer", "Config"))("out", **quick)

    data = datasets.load_dataset(str(release), config, cache_dir="cache")
    done = getattr(trl, trainer)("MODEL", train_dataset=data["train"], args=args).train()

    assert done.global_step == 1
