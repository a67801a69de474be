"""What may go wrong while a release is made or after: said plainly, nothing half-written kept."""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from prefdata.cli.main import run
from prefdata.core.errors import InputError, IntegrityError
from prefdata.core.stage import Context
from prefdata.licensing.audit import seal
from prefdata.licensing.verify import verify
from prefdata.publish.card import card_of, code, fenced, markdown
from prefdata.publish.release import Publish
from prefdata.store.files import write_json
from prefdata.store.shards import shard_name
from tests.publish.conftest import a_build, a_record

Run = Callable[..., Path]
HOSTILE = (
    "| a | b |\n|---|\n# 見出し\n```text\n````\n<b>太字</b> [x](javascript:alert(1)) `code` $x$ \\"
)


def test_markdown_in_the_data_does_not_break_the_card(publish: Run) -> None:
    release = publish(
        [a_record(n, HOSTILE, answers=(f"{HOSTILE}{n}", "---\nlicense: mit\n---"),
                  source="example/a|b`c") for n in range(3)]
    )  # fmt: skip
    card = (release / "README.md").read_text(encoding="utf-8")

    head, body = card.split("---\n", 2)[1:]
    assert yaml.safe_load(head)["license"] == "other"
    inside, fence = False, ""
    for line in body.splitlines():
        if not inside and line.startswith("```"):
            inside, fence = True, line[: len(line) - len(line.lstrip("`"))]
        elif inside and line == fence:
            inside = False
        elif not inside:
            assert not line.startswith("# 見出し")
            assert "<b>" not in line
    assert not inside
    assert "\n## English\n" in body


@pytest.mark.parametrize("text", ["a`b", "``", "`", "a|b", " x ", "``` ````"])
def test_inline_code_holds_any_text(text: str) -> None:
    shown = code(text)

    ticks = shown[: len(shown) - len(shown.lstrip("`"))]
    assert shown.endswith(ticks)
    assert ticks not in shown[len(ticks) : -len(ticks)].replace(ticks + "`", "")


def test_a_fence_is_longer_than_any_in_its_text() -> None:
    assert fenced("a\n````\nb").startswith("`````text\n")
    assert markdown("# *a* <b> | [c](d)\n- e") == r"\# \*a\* \<b\> \| \[c\](d) - e"


def test_a_full_disk_is_said_plainly(
    publish: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pyarrow.parquet

    class Full(pyarrow.parquet.ParquetWriter):  # type: ignore[misc]  # pyarrow has no types
        def write_table(self, *args: object, **more: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pyarrow.parquet, "ParquetWriter", Full)
    with pytest.raises(InputError, match="No space left on device") as caught:
        publish([a_record(1)])
    assert "--out" in caught.value.fix


def test_a_folder_that_cannot_be_written_to_is_said_plainly(tmp_path: Path) -> None:
    inputs = a_build(tmp_path, [a_record(1)])
    out = tmp_path / "not" / "there"

    with pytest.raises(InputError, match="cannot write the release"):
        Publish(Publish.Config(), Context(pipeline="x", key="0" * 32)).run(inputs, out)


def test_a_shard_that_is_no_parquet_is_named(tmp_path: Path) -> None:
    inputs = a_build(tmp_path, [a_record(1)])
    (inputs["pairs"].path / shard_name(0)).write_bytes(b"PAR1 torn")
    out = tmp_path / "out"
    out.mkdir()

    with pytest.raises(IntegrityError, match="not a readable Parquet file"):
        Publish(Publish.Config(), Context(pipeline="x", key="0" * 32)).run(inputs, out)


def test_names_with_spaces_and_japanese_are_names_like_others(tmp_path: Path) -> None:
    inputs = a_build(tmp_path / "作業 フォルダ", [a_record(1, source="例/データ 一")])
    out = tmp_path / "作業 フォルダ" / "公開"
    out.mkdir()
    Publish(Publish.Config(), Context(pipeline="日本語 の名", key="0" * 32)).run(inputs, out)

    assert "日本語 の名" in (out / "README.md").read_text(encoding="utf-8")


def test_the_card_shows_the_prompts_of_published_kinds_alone(publish: Run) -> None:
    prompts = {kind: {"digest": kind * 8, "system": f"{kind} を訳す"} for kind in ("hh", "default")}
    manifest = json.loads((publish([a_record(1)]) / "manifest.json").read_bytes())
    manifest["data"] = []
    manifest["translator"] = {"model": "m", "revision": "r", "use": "server", "prompt": "v1",
                              "prompts": prompts, "decoding": {"temperature": 0.0}}  # fmt: skip

    assert manifest["sources"][0]["kinds"] == ["native"]
    card = card_of(manifest, [], None)
    assert "default を訳す" in card
    assert "hh を訳す" not in card
    assert "temperature 0.0" in card


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda m: m["steps"][4]["counts"].update(kept=80), "is not kept + dropped"),
        (lambda m: m["steps"][4]["counts"]["reasons"].pop("refusal"), "reasons do not add up"),
        (lambda m: m["counts"].update({"in": 70, "kept": 70}) or m["counts"]["rows"].clear(),
         "the files have"),
    ],
)  # fmt: skip
def test_counts_that_do_not_add_up_are_found_though_the_checksums_are_new(
    built: Path, tmp_path: Path, change: Callable[[Any], object], says: str
) -> None:
    release = shutil.copytree(built / "release", tmp_path / "release")
    manifest = json.loads((release / "manifest.json").read_bytes())
    change(manifest)
    write_json(release / "manifest.json", manifest)
    seal(release)

    assert any(says in problem for problem in verify(release).problems)


def test_a_release_that_lost_a_shard_or_was_edited_stops_the_next_build(
    built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = shutil.copytree(built, tmp_path / "build")
    (copy / "release" / "README.md").write_text("edited", encoding="utf-8")
    next((copy / "release" / "labels").iterdir()).unlink()

    assert run(["build", "quickstart", "--out", str(copy)]) == 5
    said = capsys.readouterr().err
    assert "README.md was changed" in said
    assert "parquet is missing" in said
    shutil.rmtree(copy / "release")
    assert run(["build", "quickstart", "--out", str(copy)]) == 0
    assert run(["audit", "verify", str(copy / "release")]) == 0
