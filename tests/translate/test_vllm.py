"""The real engine on CPU with a tiny model: it writes noise, so what is tested is the plumbing."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from prefdata.core.finding import Outcome
from prefdata.core.records import Preference
from prefdata.core.stage import Context, Request
from prefdata.translate.entry import Item, Maker
from prefdata.translate.ladder import Ladder
from prefdata.translate.memory import Memory, memory_file
from prefdata.translate.stage import Translate
from prefdata.translate.tree import Tree
from prefdata.translate.work import Window
from tests.translate.records import record
from tests.translate.test_real_rows import ROWS, read
from tests.translate.tiny_model import build_short_prompt, build_tiny_model

pytestmark = pytest.mark.vllm

ENGINE = {
    "dtype": "float32",
    "max_model_len": 2048,
    "max_num_seqs": 64,
    "kv_cache_memory_bytes": 256 << 20,
    "enforce_eager": True,
}
PORT = 18127


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model and its prompt."""
    os.environ.update(
        OMP_NUM_THREADS="1",
        VLLM_ENABLE_V1_MULTIPROCESSING="0",
        HF_HUB_OFFLINE="1",
        VLLM_NO_USAGE_STATS="1",
        VLLM_LOGGING_LEVEL="WARNING",
        VLLM_LOGGING_STREAM="ext://sys.stderr",
    )
    path = tmp_path_factory.mktemp("tiny")
    build_tiny_model(path / "model")
    build_short_prompt(path / "prompt")
    return path


@pytest.fixture(scope="session")
def records(shared_data: Path) -> list[Preference]:
    """Some hundred real turns."""
    found = [r for r in read(shared_data / ROWS)[0] if sum(len(m.content) for m in r.prompt) < 300]
    return found[:40]


def settings(folder: Path, **more: Any) -> dict[str, Any]:
    return {"use": "vllm", "model": str(folder / "model"), "prompt": str(folder / "prompt"),
            "artifact": "test/tiny", **ENGINE, **more}  # fmt: skip


@pytest.fixture(scope="session")
def stage(folder: Path) -> Translate:
    """One engine for all tests: loading it costs more than they do."""
    config = Translate.Config.from_tree({"translator": settings(folder), "checks": False})
    return Translate(config, Context())


def run(stage: Translate, records: list[Preference], cache: Path) -> Outcome:
    stage.context = replace(stage.context, cache=cache)
    return stage(records)


def test_real_turns_pass_the_real_engine_and_nothing_is_lost(
    stage: Translate, records: list[Preference], tmp_path: Path
) -> None:
    outcome = run(stage, records, tmp_path)

    assert len(outcome.kept) + len(outcome.dropped) == len(records)
    assert {d.reasons[0] for d in outcome.dropped} <= {"truncated", "empty_output", "too_long"}


def test_the_engine_gives_the_same_bytes_again(
    stage: Translate, records: list[Preference], tmp_path: Path
) -> None:
    assert run(stage, records[:20], tmp_path / "a") == run(stage, records[:20], tmp_path / "b")


def test_a_prompt_that_does_not_fit_fails_alone(stage: Translate, tmp_path: Path) -> None:
    long = record("long", ["word " * 3000], "Yes.", "No.")
    short = record("short", ["Hello there."], "Yes.", "No.")

    outcome = run(stage, [long, short], tmp_path)

    assert [d.record.pair_key for d in outcome.dropped if "too_long" in d.reasons] == [
        long.pair_key
    ]


class Counting(Memory):
    """A memory that says how much was committed at a time."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.commits: list[int] = []

    def store(self, items: Sequence[Item], maker: Maker) -> None:
        super().store(items, maker)
        self.commits.append(len(items))


def test_answers_are_durable_as_they_finish(
    stage: Translate, records: list[Preference], tmp_path: Path
) -> None:
    tree, _ = Tree.of(records[:30])
    nodes = list(tree)
    with Counting(memory_file(tmp_path)) as memory:
        window = Window(
            nodes,
            translator=stage.translator,
            memory=memory,
            maker=memory.maker("m", layer=None),
            ladder=Ladder(checks=False),
            report=lambda window: None,
        )
        window.run()

    assert sum(memory.commits) == len(window.entries)
    assert len(memory.commits) > 3


def test_offline_and_server_are_sent_the_same_requests(stage: Translate, folder: Path) -> None:
    own = {"use": "server", "model": str(folder / "model"), "prompt": str(folder / "prompt"),
           "base_url": "http://127.0.0.1:9/v1", "artifact": "test/tiny"}  # fmt: skip
    config = Translate.Config.from_tree({"translator": own})
    offline = stage.translator.model  # type: ignore[attr-defined]
    online = Translate(config, Context()).translator.model  # type: ignore[attr-defined]

    request = Request("k", "user", "Hello there?", attempt=1)
    assert offline.chat(request) == online.chat(request)
    assert offline.sampling(request) == online.sampling(request)


@pytest.fixture(scope="module")
def served(folder: Path) -> Iterator[str]:
    """`vllm serve` on loopback with the tiny model."""
    command = [
        str(Path(sys.executable).with_name("vllm")), "serve", str(folder / "model"),
        "--served-model-name", "tiny", "--host", "127.0.0.1", "--port", str(PORT),
        "--dtype", "float32", "--max-model-len", "2048", "--enforce-eager",
        "--max-num-seqs", "64", "--seed", "0", "--kv-cache-memory-bytes", str(256 << 20),
    ]  # fmt: skip
    log = (folder / "serve.log").open("w")
    child = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    try:
        deadline = time.monotonic() + 240
        while time.monotonic() < deadline:
            assert child.poll() is None, (folder / "serve.log").read_text()[-3000:]
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{PORT}/health", timeout=2)
                break
            except (urllib.error.URLError, OSError):
                time.sleep(0.5)
        else:
            pytest.fail("the server did not start: " + (folder / "serve.log").read_text()[-3000:])
        yield f"http://127.0.0.1:{PORT}/v1"
    finally:
        child.terminate()
        child.wait(30)


def test_the_same_model_behind_a_server_gives_the_same_records(
    stage: Translate, served: str, folder: Path, records: list[Preference], tmp_path: Path
) -> None:
    own = {"use": "server", "model": "tiny", "prompt": str(folder / "prompt"), "base_url": served,
           "artifact": "test/tiny"}  # fmt: skip
    config = Translate.Config.from_tree({"translator": own, "checks": False})
    online = Translate(config, Context(cache=tmp_path / "online"))(records)
    offline = run(stage, records, tmp_path / "offline")

    texts = [[(r.prompt, r.completions) for r in outcome.kept] for outcome in (online, offline)]
    assert texts[0] == texts[1]
    assert [d.reasons for d in online.dropped] == [d.reasons for d in offline.dropped]


def test_stdout_stays_clean(folder: Path, tmp_path: Path) -> None:
    program = f"""
import os
os.environ.pop("VLLM_LOGGING_STREAM", None)
from prefdata.core.stage import Context
from prefdata.translate.stage import Translate
from tests.translate.records import record
config = Translate.Config.from_tree({{"translator": {settings(folder)!r}, "checks": False}})
from pathlib import Path
Translate(config, Context(cache=Path({str(tmp_path)!r})))([record("1", ["Hi"], "A.", "B.")])
"""
    environment = {k: v for k, v in os.environ.items() if k != "VLLM_LOGGING_STREAM"}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment,
        check=False, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout == ""
