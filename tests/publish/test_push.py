"""`prefdata push` with the real client against a loopback hub, faults included."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from prefdata.cli.main import run
from prefdata.core.errors import GateFailed, InputError, LicenseDenied, UsageError
from prefdata.publish import hub as client
from prefdata.publish.hub import push
from prefdata.publish.package import Package, package_of
from prefdata.store.files import read_json, sha256, write_json
from tests.publish.conftest import a_record
from tests.publish.hub import Hub, serving

Run = Callable[..., Path]


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    """A hub, and an environment in which the client speaks to it alone."""
    import huggingface_hub
    from huggingface_hub import constants

    with serving() as hub:
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
        monkeypatch.setattr(huggingface_hub, "HfApi", lambda: _api(hub))
        monkeypatch.setenv("HF_TOKEN", hub.token)
        yield hub


def _api(hub: Hub) -> object:
    from huggingface_hub.hf_api import HfApi

    return HfApi(endpoint=hub.url)


@pytest.fixture
def release(built: Path, tmp_path: Path) -> Path:
    """A copy of the quick start's release."""
    return shutil.copytree(built / "release", tmp_path / "release")


def contents(folder: Path) -> dict[str, str]:
    found = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file()}
    return {n: sha256(p) for n, p in found.items() if ".cache" not in n and n != ".gitattributes"}


def test_what_the_hub_gives_back_is_the_release_byte_for_byte(
    hub: Hub, release: Path, tmp_path: Path
) -> None:
    from huggingface_hub import snapshot_download

    pushed = push(package_of(release), "me/data")

    copy = snapshot_download(
        "me/data", repo_type="dataset", revision=pushed.tag, local_dir=tmp_path / "copy",
        endpoint=hub.url, token=hub.token,
    )  # fmt: skip
    assert contents(Path(copy)) == contents(release)
    assert hub.repositories["me/data"].private
    assert hub.tags == {package_of(release).tag: pushed.commit}


def test_one_line_of_datasets_loads_every_view_from_the_hub(
    hub: Hub, release: Path, tmp_path: Path
) -> None:
    push(package_of(release), "me/data")
    script = (
        "import datasets, json, sys\n"
        "views = ('pairs', 'unpaired', 'labels', 'rankings')\n"
        "loaded = {view: datasets.load_dataset('me/data', view) for view in views}\n"
        "json.dump({v: {s: len(r) for s, r in d.items()} for v, d in loaded.items()}, sys.stdout)"
    )
    of_hub = {"HF_ENDPOINT": hub.url, "HF_TOKEN": hub.token, "HF_HOME": str(tmp_path / "home")}
    done = subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, **of_hub, "HF_HUB_DISABLE_XET": "1"},
        capture_output=True, text=True,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout) == read_json(release / "manifest.json")["counts"]["rows"]


def test_a_folder_that_is_neither_release_nor_model_is_told_where_the_release_is(
    hub: Hub, built: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["push", str(built), "me/data"]) == 2
    assert f"give {built / 'release'}" in capsys.readouterr().err
    assert hub.requests == []


def test_the_card_goes_last_and_a_second_push_sends_nothing(
    hub: Hub, release: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "COMMIT_FILES", 4)
    push(package_of(release), "me/data")

    commits = list(hub.repositories["me/data"].commits.values())
    assert len(commits) > 3
    assert "manifest.json" in commits[1]
    assert [("README.md" in tree) for tree in commits[-2:]] == [False, True]
    before = len(hub.requests)
    again = push(package_of(release), "me/data", public=True)
    assert again.sent == 0
    assert not again.private
    assert not hub.repositories["me/data"].private
    assert not [path for method, path in hub.requests[before:] if "/commit/" in path]


def test_files_of_an_older_release_are_deleted(hub: Hub, release: Path) -> None:
    package = package_of(release)
    push(package, "me/data")
    older = hub.repositories["me/data"]
    older.commit({**older.tree, "pairs/train-00001-of-00002.parquet": (b"", True)}, "main")

    assert push(package, "me/data").deleted == 1
    assert set(older.tree) == {*contents(release), ".gitattributes"}


def test_a_newer_release_has_a_tag_of_its_own_and_the_older_one_can_still_be_had(
    hub: Hub, release: Path, tmp_path: Path
) -> None:
    from huggingface_hub import snapshot_download

    out = tmp_path / "newer"
    assert run(["build", "quickstart", "--out", str(out), "--set", "stages.publish.sft=true"]) == 0
    newer = out / "release"
    tags = [push(package_of(folder), "me/data").tag for folder in (release, newer)]

    assert len(set(tags)) == 2
    for tag, folder in zip(tags, (release, newer), strict=True):
        copy = snapshot_download(
            "me/data", repo_type="dataset", revision=tag, local_dir=tmp_path / tag,
            endpoint=hub.url, token=hub.token,
        )  # fmt: skip
        assert contents(Path(copy)) == contents(folder)


def test_the_network_is_lost_in_the_middle_and_the_same_command_goes_on(
    hub: Hub, release: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "COMMIT_FILES", 3)
    seen: list[str] = []

    def lose(method: str, path: str) -> int | None:
        seen.append(path)
        return 0 if sum("/commit/" in p for p in seen) > 2 else None

    hub.fault = lose
    with pytest.raises(InputError, match="the hub cannot be reached"):
        push(package_of(release), "me/data")
    half = len(hub.repositories["me/data"].tree)
    hub.fault = lambda method, path: None

    pushed = push(package_of(release), "me/data")

    assert 1 < half < len(contents(release))
    assert pushed.sent == len(contents(release)) - (half - 1)
    uploads = [path for method, path in hub.requests if method == "PUT"]
    assert len(uploads) == len(set(uploads))


def test_a_large_file_lost_on_its_way_is_no_bug_and_the_same_command_goes_on(
    hub: Hub, release: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import huggingface_hub.utils._http as http

    monkeypatch.setattr(http.time, "sleep", lambda seconds: None)
    hub.fault = lambda method, path: 0 if method == "PUT" else None

    assert run(["push", str(release), "me/data"]) == 2
    assert "the same command goes on" in capsys.readouterr().err
    hub.fault = lambda method, path: None
    assert run(["push", str(release), "me/data"]) == 0
    assert {*contents(release), ".gitattributes"} == set(hub.repositories["me/data"].tree)


def test_a_store_that_refuses_a_large_file_is_quoted(
    hub: Hub, release: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.fault = lambda method, path: 403 if method == "PUT" else None

    assert run(["push", str(release), "me/data"]) == 2
    assert "may not write to me/data" in capsys.readouterr().err


def test_a_repository_that_the_token_may_not_see_is_no_reason_to_try_again(
    hub: Hub, release: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.fault = lambda method, path: 404 if "/tree/" in path else None

    assert run(["push", str(release), "me/data"]) == 2
    said = capsys.readouterr().err
    assert "does not show me/data" in said
    assert "goes on" not in said


def test_a_card_that_loads_another_name_is_noted(
    hub: Hub, release: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["push", str(release), "me/data", "--dry-run"]) == 0
    assert "stages.publish.repo_id=me/data" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("status", "says"), [(401, "does not accept the token"), (403, "may not write")]
)
def test_a_refusal_says_what_to_do(hub: Hub, release: Path, status: int, says: str) -> None:
    hub.fault = lambda method, path: status if path == "/api/repos/create" else None

    with pytest.raises(UsageError, match=says) as caught:
        push(package_of(release), "me/data")
    assert "token" in caught.value.fix


def test_without_a_token_nothing_is_asked(
    hub: Hub, release: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_TOKEN")

    with pytest.raises(UsageError, match="no hub token"):
        push(package_of(release), "me/data")
    assert hub.requests == []


def test_a_name_taken_by_something_else_is_left_alone(hub: Hub, release: Path) -> None:
    push(package_of(release), "me/data")
    theirs = hub.repositories["me/data"]
    theirs.commit({"train.csv": (b"a,b\n", False)}, "main")

    with pytest.raises(UsageError, match="is taken by a dataset that prefdata did not make"):
        push(package_of(release), "me/data")
    assert list(theirs.tree) == ["train.csv"]


def test_a_name_that_is_none_is_refused(hub: Hub, release: Path) -> None:
    with pytest.raises(UsageError, match="not a name of a repository"):
        push(package_of(release), "日本語 の名前")


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (lambda f: (f / "README.md").write_text("mine"), "README.md was changed"),
        (lambda f: next((f / "pairs").iterdir()).unlink(), "is missing"),
        (lambda f: (f / "pairs" / "余分 な.parquet").write_bytes(b""), "余分 な.parquet was added"),
    ],
)
def test_an_edited_release_is_refused_with_code_5(
    hub: Hub, release: Path, harm: Callable[[Path], object], says: str,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    harm(release)

    assert run(["push", str(release), "me/data"]) == 5
    assert says in capsys.readouterr().err
    assert hub.requests == []


def test_a_release_without_an_audit_is_refused(publish: Run) -> None:
    release = publish([a_record(1)])

    assert run(["push", str(release), "me/data"]) == 4


def test_a_dry_run_lists_what_would_go_and_asks_no_hub(
    hub: Hub, release: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["push", str(release), "me/data", "--dry-run", "--json"]) == 0

    told = json.loads(capsys.readouterr().out)
    assert told["private"] is True
    assert set(told["files"]) == set(contents(release))
    assert hub.requests == []


def a_model(folder: Path, *, passed: bool = True, target: str = "publish_model") -> Path:
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(b"weights")
    write_json(folder / "metrics.json", {"passed": passed})
    write_json(folder / "licenses.json", {"target": target, "verdict": "allow", "reasons": []})
    (folder / "checkpoints").mkdir()
    (folder / "checkpoints" / "1.bin").write_bytes(b"")
    names = ["model.safetensors", "metrics.json", "licenses.json"]
    files = [{"name": name, "sha256": sha256(folder / name)} for name in names]
    write_json(folder / "manifest.json", {"key": "ab" * 16, "kind": "artifact", "files": files})
    return folder


def test_a_model_is_pushed_the_same_way(hub: Hub, tmp_path: Path) -> None:
    pushed = push(package_of(a_model(tmp_path / "model")), "me/model")

    assert pushed.tag == "model-abababab"
    assert "model.safetensors" in hub.repositories["me/model"].tree
    assert "checkpoints/1.bin" not in hub.repositories["me/model"].tree


@pytest.mark.parametrize(
    ("settings", "error"),
    [({"passed": False}, GateFailed), ({"target": "train_local"}, LicenseDenied)],
)
def test_a_model_that_missed_its_gate_is_refused(
    tmp_path: Path, settings: dict[str, object], error: type[Exception]
) -> None:
    with pytest.raises(error):
        package_of(a_model(tmp_path / "model", **settings))  # type: ignore[arg-type]


def test_packages_survive_names_with_spaces_and_japanese(hub: Hub, release: Path) -> None:
    other = release.rename(release.with_name("公開 データ"))

    assert isinstance(package_of(other), Package)
    assert push(package_of(other), "me/data").sent == len(contents(other))
