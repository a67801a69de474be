from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from prefdata.core.errors import PrefdataError
from prefdata.core.finding import Outcome
from prefdata.core.origin import Layer
from prefdata.core.records import Preference
from prefdata.core.stage import Answer, Context, Event, Request
from prefdata.translate.fake import Fake
from prefdata.translate.ladder import Ladder
from prefdata.translate.memory import Memory, memory_file
from prefdata.translate.stage import Translate
from prefdata.translate.tree import Tree
from prefdata.translate.work import Window
from tests.translate.records import LAYER, record


def translated(
    tmp_path: Path, records: list[Preference], translator: dict[str, Any], **settings: Any
) -> Outcome:
    config = Translate.Config.from_tree({"translator": translator, **settings})
    return Translate(config, Context(base=tmp_path, cache=tmp_path / "cache"))(records)


def test_a_pair_is_rebuilt_with_the_same_roles_and_its_original_beside_it(tmp_path: Path) -> None:
    english = record("1", ["Hello", "Hi", "How are you?"], "Fine, thanks.", "Bad.")

    [made] = translated(tmp_path, [english], {"use": "fake"}).kept

    assert made.lang == "ja"
    assert [m.role for m in made.prompt] == ["user", "assistant", "user"]
    assert made.original is not None
    assert made.original.prompt == english.prompt
    assert made.original.completions == (english.chosen, english.rejected)
    assert made.pair_key == english.pair_key
    assert made.id != english.id
    assert made.translation
    assert made.origin.layers == (LAYER, Layer("translator", "prefdata/fake"))


def test_japanese_records_pass_through_untouched(tmp_path: Path) -> None:
    japanese = record("1", ["こんにちは"], "はい。", "いいえ。", lang="ja")

    assert translated(tmp_path, [japanese], {"use": "fake"}).kept == [japanese]


def test_what_a_file_does_not_hold_is_dropped_and_never_invented(tmp_path: Path) -> None:
    rows = [
        {"role": "user", "source": "Hello", "context": [], "target": "こんにちは"},
        {"role": "assistant", "source": "Hi.", "context": ["Hello"], "target": "どうも。",
         "translator": "acme/human", "revision": "2"},
    ]  # fmt: skip
    (tmp_path / "m.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    outcome = translated(
        tmp_path,
        [record("1", ["Hello"], "Hi.", "Go away."), record("2", ["Other"], "Hi.", "Ho.")],
        {"use": "memory", "path": "m.jsonl"},
    )

    assert outcome.kept == []
    assert [d.reasons for d in outcome.dropped] == [("not_in_memory",), ("not_in_memory",)]
    assert [d.findings[0].side for d in outcome.dropped] == ["rejected", "prompt"]


def test_a_failed_completion_leaves_its_ranking(tmp_path: Path) -> None:
    ranking = record("1", ["Which?"], "First one.", "Second thing.", "Third one.")

    [made] = translated(tmp_path, [ranking], {"use": "fake", "empty": ["Second"]}).kept

    assert [c.rank for c in made.completions] == [1, 3]
    assert made.original is not None
    assert [c[0].content for c in made.original.completions] == ["First one.", "Third one."]


@pytest.mark.parametrize("where", ["Which?", "First one."])
def test_a_failed_prompt_or_half_a_pair_drops_the_record(tmp_path: Path, where: str) -> None:
    pair = record("1", ["Which?"], "First one.", "Second thing.")

    outcome = translated(tmp_path, [pair], {"use": "fake", "cut": [where]})

    assert outcome.kept == []
    [drop] = outcome.dropped
    assert drop.reasons == ("truncated",)
    assert drop.record == pair


class Forgetful(Fake):
    """Answers its first request alone."""

    def translate(self, requests: Iterable[Request | None]) -> Iterator[Answer]:
        return islice(super().translate(requests), 1)


def test_a_translator_that_leaves_requests_unanswered_is_named(tmp_path: Path) -> None:
    tree, _ = Tree.of([record("1", ["Which?"], "First one.", "Second thing.")])
    context = Context(cache=tmp_path)
    with Memory(memory_file(tmp_path)) as memory:
        window = Window(
            list(tree),
            translator=Forgetful(Fake.Config(), context),
            memory=memory,
            maker=memory.maker("m", layer=None),
            ladder=Ladder(checks=False),
            report=lambda window: None,
        )
        with pytest.raises(PrefdataError, match="ended with 2 requests open") as caught:
            window.run()
        assert caught.value.where == "Forgetful"
        assert memory.stats()["nodes"] == 1


def test_a_second_run_takes_everything_from_the_memory(tmp_path: Path) -> None:
    pairs = [record("1", ["Hello", "Hi", "How?"], "So.", "Not so.")]
    first = translated(tmp_path, pairs, {"use": "fake"})

    config = Translate.Config.from_tree({"translator": {"use": "fake"}})
    context = Context(base=tmp_path, cache=tmp_path / "cache")
    found = Translate.estimate(config, context, pairs)

    assert found["hits"] == found["distinct"] == 5
    assert found["to_send"] == 0
    assert translated(tmp_path, pairs, {"use": "fake"}) == first


def test_progress_tells_records_nodes_hits_and_drops_by_reason(tmp_path: Path) -> None:
    seen: list[Event] = []
    config = Translate.Config.from_tree({"translator": {"use": "fake", "cut": ["bad"]}})
    stage = Translate(config, Context(cache=tmp_path, listen=seen.append, step="translate"))
    stage([record("1", ["Hello"], "Good one.", "A bad one."), record("2", ["Hi"], "Yes.", "No.")])

    last = seen[-1]
    assert (last.step, last.kind) == ("translate", "progress")
    assert last.data["nodes"] == last.data["of"] == 6
    assert last.data["records"] == 2
    assert last.data["retries"] == 2
    assert last.data["drops"] == {"truncated": 1}
    assert last.data["output_tokens"] > 0
    assert stage.facts["sent"] == 8


def test_a_changed_prompt_or_limit_makes_the_step_run_again(tmp_path: Path) -> None:
    from prefdata.translate.prompt import FILES, PROMPTS

    def key(prompt: str, **settings: Any) -> str:
        translator = {"use": "server", "model": "m", "base_url": "http://h/v1", "prompt": prompt}
        config = Translate.Config.from_tree({"translator": translator, **settings})
        return Translate.content_key(config, Context(base=tmp_path, cache=tmp_path / "cache"))

    folder = tmp_path / "mine"
    folder.mkdir()
    for name in FILES:
        (folder / name).write_bytes((PROMPTS / "v1" / name).read_bytes())

    assert key("mine") == key("v1")
    assert key("v1", profile="strict") != key("v1")
    text = (folder / "examples.yaml").read_text(encoding="utf-8")
    (tmp_path / "other").mkdir()
    for name in FILES:
        (tmp_path / "other" / name).write_bytes((folder / name).read_bytes())
    (tmp_path / "other" / "examples.yaml").write_text(text.replace("玉ねぎ", "たまねぎ"), "utf-8")
    assert key("other") != key("v1")
