from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefdata.cli.main import run
from prefdata.core.errors import InputError
from prefdata.core.origin import Layer
from prefdata.core.stage import Context
from prefdata.translate.exchange import Selection, export_memory, exported, import_memory
from prefdata.translate.memory import Memory, memory_file
from prefdata.translate.memory_file import read_rows
from prefdata.translate.stage import Translate
from tests.translate.records import record

PAIRS = [
    record("1", ["Hello there.", "Hi.", "How are you?"], "Fine, thanks.", "Bad."),
    record("2", ["Hello there."], "Hi.", "Cut this one."),
]
FAILING = {"translator": {"use": "fake", "cut": ["Cut this"]}}


def build(cache: Path, **settings: object) -> object:
    config = Translate.Config.from_tree(settings or FAILING)  # type: ignore[arg-type]
    return Translate(config, Context(cache=cache))(PAIRS)


@pytest.mark.parametrize("name", ["m.jsonl", "m.jsonl.gz", "m.parquet"])
def test_a_memory_taken_elsewhere_gives_the_same_records_without_the_translator(
    tmp_path: Path, name: str
) -> None:
    first = build(tmp_path / "here")
    with Memory(memory_file(tmp_path / "here")) as memory:
        count = export_memory(memory, tmp_path / name)
    with Memory(memory_file(tmp_path / "there")) as memory:
        assert import_memory(memory, tmp_path / name) == count == 6

    config = Translate.Config.from_tree(FAILING)
    found = Translate.estimate(config, Context(cache=tmp_path / "there"), PAIRS)
    assert found["to_send"] == 0
    assert build(tmp_path / "there") == first


def test_an_exported_memory_is_a_file_for_the_translator_memory(tmp_path: Path) -> None:
    build(tmp_path / "here")
    with Memory(memory_file(tmp_path / "here")) as memory:
        export_memory(memory, tmp_path / "m.jsonl")

    outcome = build(
        tmp_path / "there", translator={"use": "memory", "path": str(tmp_path / "m.jsonl")}
    )

    assert [r.pair_key for r in outcome.kept] == [PAIRS[0].pair_key]  # type: ignore[attr-defined]
    assert [d.reasons for d in outcome.dropped] == [("not_in_memory",)]  # type: ignore[attr-defined]


def test_tmx_comes_back_as_it_left(tmp_path: Path) -> None:
    build(tmp_path / "here")
    with Memory(memory_file(tmp_path / "here")) as memory:
        count = export_memory(memory, tmp_path / "m.tmx")
        before = [row for row in exported(memory, Selection()) if row["target"] is not None]
    with Memory(memory_file(tmp_path / "there")) as memory:
        assert import_memory(memory, tmp_path / "m.tmx") == count == len(before) == 5
        assert list(exported(memory, Selection())) == before


@given(st.text(min_size=1).filter(str.strip), st.text(min_size=1))
def test_any_text_survives_tmx(
    tmp_path_factory: pytest.TempPathFactory, source: str, target: str
) -> None:
    from prefdata.translate.tmx import read_tmx, write_tmx

    path = tmp_path_factory.mktemp("tmx") / "m.tmx"
    row = {"role": "user", "source": source, "context": [source], "target": target,
           "translator": "a", "revision": "", "origin": "machine", "fingerprint": "f"}  # fmt: skip
    write_tmx(path, [row])

    [(_, back)] = list(read_tmx(path))
    assert {name: back[name] for name in ("source", "context", "target")} == {
        "source": source, "context": [source], "target": target,
    }  # fmt: skip


def test_a_persons_correction_wins_and_stands_in_the_layers(tmp_path: Path) -> None:
    build(tmp_path)
    config = Translate.Config.from_tree(FAILING)
    before = Translate.content_key(config, Context(cache=tmp_path))
    rows = [
        {"role": "assistant", "source": "Cut this one.", "context": ["Hello there."],
         "target": "これは切ってください。"},
    ]  # fmt: skip
    (tmp_path / "c.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    code = run(["memory", "import", str(tmp_path / "c.jsonl"), "--human", "Acme team",
                "--cache", str(tmp_path)])  # fmt: skip

    assert code == 0
    outcome = build(tmp_path)
    mended = outcome.kept[1]  # type: ignore[attr-defined]
    assert mended.rejected[0].content == "これは切ってください。"
    assert Layer("translator", "Acme team") in mended.origin.layers
    assert Layer("translator", "Acme team") not in outcome.kept[0].origin.layers  # type: ignore[attr-defined]
    assert Translate.content_key(config, Context(cache=tmp_path)) != before


def test_translations_without_a_maker_are_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "m.jsonl").write_text('{"role": "user", "source": "a", "target": "あ"}\n')

    with Memory(memory_file(tmp_path)) as memory, pytest.raises(InputError) as caught:
        import_memory(memory, tmp_path / "m.jsonl")

    assert "m.jsonl:1" in caught.value.where
    assert "--human" in caught.value.fix


@pytest.mark.parametrize(
    ("line", "part"),
    [("{", "not JSON"), ("[]", "not a JSON object"), ('{"role": "user"}', "source"),
     ('{"role": "judge", "source": "a", "target": "b"}', "role")],
)  # fmt: skip
def test_a_malformed_line_is_named(tmp_path: Path, line: str, part: str) -> None:
    (tmp_path / "m.jsonl").write_text('{"role": "user", "source": "a", "target": "b"}\n' + line)

    with Memory(memory_file(tmp_path)) as memory, pytest.raises(InputError, match=part) as caught:
        import_memory(memory, tmp_path / "m.jsonl", human="x")

    assert caught.value.where.endswith("m.jsonl:2")


def test_speakers_that_do_not_alternate_keep_their_roles(tmp_path: Path) -> None:
    from dataclasses import replace

    from prefdata.core.records import Message

    twice = replace(PAIRS[0], prompt=(Message("user", "One."), Message("user", "Two.")))
    config = Translate.Config.from_tree({"translator": {"use": "fake"}})
    Translate(config, Context(cache=tmp_path / "here"))([twice])
    with Memory(memory_file(tmp_path / "here")) as memory:
        export_memory(memory, tmp_path / "m.jsonl")
    with Memory(memory_file(tmp_path / "there")) as memory:
        import_memory(memory, tmp_path / "m.jsonl")

    found = Translate.estimate(config, Context(cache=tmp_path / "there"), [twice])
    assert found["to_send"] == 0


def test_stats_and_compaction_through_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    build(tmp_path)

    assert run(["memory", "stats", "--json", "--cache", str(tmp_path)]) == 0
    [maker] = json.loads(capsys.readouterr().out)["makers"]
    assert (maker["entries"], maker["translated"]) == (6, 5)
    assert run(["memory", "compact", "--cache", str(tmp_path)]) == 0
    assert build(tmp_path) == build(tmp_path / "fresh")
    assert run(["memory", "stats", "--cache", str(tmp_path / "none")]) == 2


def test_with_a_full_memory_a_model_on_a_gpu_is_neither_loaded_nor_needed(tmp_path: Path) -> None:
    first = build(tmp_path / "here")
    config = Translate.Config.from_tree({"translator": {"use": "vllm", "model": "acme/absent"}})
    stage = Translate(config, Context(cache=tmp_path / "there"))
    with Memory(memory_file(tmp_path / "here")) as memory:
        rows = [
            row | {"fingerprint": stage.fingerprint("hh")} for row in exported(memory, Selection())
        ]
    (tmp_path / "m.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with Memory(memory_file(tmp_path / "there")) as memory:
        import_memory(memory, tmp_path / "m.jsonl")

    again = stage(PAIRS)

    texts = [[(r.prompt, r.completions) for r in made.kept] for made in (first, again)]  # type: ignore[attr-defined]
    assert texts[0] == texts[1]
    assert [d.reasons for d in again.dropped] == [("truncated",)]


def test_half_a_character_in_a_file_is_shown_as_broken(tmp_path: Path) -> None:
    row = {"role": "user", "source": "Hi. \U0001f600", "target": "やあ\ud83d。\U0001f600"}
    path = tmp_path / "m.jsonl"
    path.write_text(json.dumps(row) + "\n", encoding="utf-8")
    ((_, found),) = read_rows(path)
    assert (found["source"], found["target"]) == ("Hi. \U0001f600", "やあ\ufffd。\U0001f600")
