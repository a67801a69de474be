"""Translation beside the least work that could do it: a bare client, a bare look-up."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

import pytest
from measure import write_results

from prefdata.core.records import Preference
from prefdata.core.stage import Context, Request
from prefdata.translate.chat import ChatModel, ChatSettings
from prefdata.translate.entry import Entry, Item
from prefdata.translate.memory import Memory, memory_file
from prefdata.translate.stage import Translate
from prefdata.translate.tree import ROOT, Tree, node_key
from tests.translate.records import record
from tests.translate.test_real_rows import ROWS, killed_run

pytestmark = pytest.mark.benchmark
REQUESTS = 6_000
AT_ONCE = 64
NODES = 1_000_000
WORDS = ["the", "quick", "river", "under", "bright", "morning", "seven", "old", "friends", "asked"]


def sentence(draw: Random) -> str:
    """About 110 characters, as a turn of hh-rlhf has at the median and a bit more."""
    return " ".join(draw.choice(WORDS) for _ in range(draw.randint(8, 32))).capitalize() + "."


def dialogues(n: int, seed: int = 0) -> list[Preference]:
    """Pairs of three new turns each."""
    draw = Random(seed)
    return [
        record(str(k), [f"{k}: {sentence(draw)}"], f"{k}. {sentence(draw)}", sentence(draw))
        for k in range(n)
    ]


@pytest.fixture
def instant() -> Iterator[str]:
    """A server in a process of its own that answers at once."""
    script = Path(__file__).with_name("instant_server.py")
    child = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    assert child.stdout
    yield f"http://127.0.0.1:{int(child.stdout.readline())}/v1"
    child.kill()
    child.wait()


def payloads(records: Sequence[Preference], folder: Path) -> list[dict[str, Any]]:
    """The same requests as a client would hold them."""
    model = ChatModel(ChatSettings(model="m"), Context(cache=folder))
    tree, _ = Tree.of(records, context=False)
    return [
        {
            "model": "m",
            "messages": model.chat(Request("k", node.role, node.text, (), node.kind)),
            "max_tokens": 100,
        }
        for node in tree
    ]


async def post_all(url: str, requests: Sequence[dict[str, Any]]) -> int:
    """Send everything, sixty-four at a time, and read the answers: nothing else."""
    import aiohttp

    rest = iter(requests)
    done = 0
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def worker() -> None:
            nonlocal done
            for payload in rest:
                async with session.post(url, json=payload) as response:
                    json.loads(await response.read())["choices"][0]["message"]["content"]
                done += 1

        await asyncio.gather(*(worker() for _ in range(AT_ONCE)))
    return done


def test_server_beside_a_bare_client(tmp_path: Path, instant: str) -> None:
    records = dialogues(REQUESTS // 3)
    requests = payloads(records, tmp_path)
    rounds = [one_round(records, requests, instant, tmp_path / str(n)) for n in range(6)][1:]
    hit = microseconds_of_a_hit(tmp_path / "million")
    cpu, wall, own, bare = (median(values) for values in zip(*rounds, strict=True))
    rows = [
        ("`server`, memory on, checks off: requests/s", f"{own:,.0f}", "2,000"),
        ("bare aiohttp client, same requests: requests/s", f"{bare:,.0f}", ""),
        ("share of the bare client, in CPU seconds", f"{cpu:.2f}", "≥ 0.5"),
        ("share of the bare client, by the clock", f"{wall:.2f}", ""),
        ("a hit in a memory of 1,000,000 nodes, digest included: µs of CPU", f"{hit:.1f}", "≤ 8"),
    ]
    write_results("translation", rows, packages=["aiohttp"])
    assert cpu >= 0.5
    assert hit <= 8


def one_round(
    records: Sequence[Preference], requests: Sequence[dict[str, Any]], url: str, folder: Path
) -> tuple[float, float, float, float]:
    """Return (share in CPU, share by the clock, own requests/s, the bare client's)."""
    start, cpu = time.perf_counter(), time.process_time()
    asyncio.run(post_all(f"{url}/chat/completions", requests))
    bare, bare_cpu = time.perf_counter() - start, time.process_time() - cpu
    translator = {"use": "server", "model": "m", "base_url": url, "concurrency": AT_ONCE}
    config = Translate.Config.from_tree(
        {"translator": translator, "checks": False, "context": "none"}
    )
    stage = Translate(config, Context(cache=folder))
    start, cpu = time.perf_counter(), time.process_time()
    outcome = stage(records)
    own, own_cpu = time.perf_counter() - start, time.process_time() - cpu
    assert len(outcome.kept) == len(records)
    return bare_cpu / own_cpu, bare / own, len(requests) / own, len(requests) / bare


def microseconds_of_a_hit(folder: Path) -> float:
    """CPU a node for hits in a memory of a million nodes."""
    text = "This is turn number %d. " + "It has about as many characters as turns do. " * 2
    japanese = "これは試しの訳文で、六十文字ほどの長さになるように書いてあります。" * 2
    with Memory(memory_file(folder)) as memory:
        maker = memory.maker("m", layer=None)
        for start in range(0, NODES, 5000):
            texts = [text % n for n in range(start, start + 5000)]
            memory.store(
                [
                    Item(
                        node_key(ROOT, "user", t), ROOT, "user", t, Entry(japanese, ladder="a" * 8)
                    )
                    for t in texts
                ],
                maker,
            )
    order = list(range(NODES))
    Random(0).shuffle(order)
    with Memory(memory_file(folder)) as memory:
        maker = memory.maker("m", layer=None)
        hits, start = 0, time.process_time()
        for first in range(0, NODES, 5000):
            keys = [node_key(ROOT, "user", text % n) for n in order[first : first + 5000]]
            hits += len(memory.look_up(keys, maker))
        each = (time.process_time() - start) / NODES * 1e6
    assert hits == NODES
    return each


def test_characters_sent(tmp_path: Path, shared_data: Path) -> None:
    rows = shared_data / ROWS
    _, whole = killed_run(tmp_path / "whole", rows, None)
    killed = [killed_run(tmp_path / str(seed), rows, seed) for seed in (1, 2, 3)]
    points = ", ".join(f"{share:.0%}" for share, _ in killed)
    write_results(
        "translation-characters",
        [
            ("characters sent ÷ those of the distinct nodes", f"{whole:.4f}", "≤ 1.01"),
            (f"the same, killed after {points} with 64 in flight, run again",
             ", ".join(f"{sent:.4f}" for _, sent in killed), "≤ 1.02"),
        ],
        packages=["aiohttp"],
        note="The turns' own characters of 1,796 real rows of hh-rlhf: 10,423 distinct nodes.",
    )  # fmt: skip
    assert whole <= 1.01
    assert max(sent for _, sent in killed) <= 1.02
