"""The 1,800 real rows of hh-rlhf through a server on loopback; no text of them is printed."""

from __future__ import annotations

import gzip
import json
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from prefdata.core.finding import Skip
from prefdata.core.records import Preference
from prefdata.core.stage import Context
from prefdata.sources.hh_rlhf import HhRlhf
from prefdata.translate.stage import Translate
from tests.translate.loopback import Loopback, Say, invented

ROWS = "hh-rlhf/harmless-base.test.rows-0000-1799.jsonl.gz"
MARKER = re.compile(r"\n\n(Human|Assistant):")
DISTINCT = 10_433  # over all rows, those included that the source skips
CHARACTERS = 1_412_189

Node = tuple[tuple[str, str], ...]


def nodes_of(text: str) -> list[Node]:
    """Every turn with the turns before it, as a reader of the file sees them."""
    parts = MARKER.split(text)[1:]
    turns = [(parts[n], parts[n + 1].strip()) for n in range(0, len(parts), 2)]
    turns = [turn for turn in turns if turn[1]]
    return [tuple(turns[: n + 1]) for n in range(len(turns))]


def read(path: Path) -> tuple[list[Preference], set[int]]:
    """The records of the file, and the numbers of the rows that give none."""
    source = HhRlhf(HhRlhf.Config.from_tree({"path": str(path)}), Context())
    records: list[Preference] = []
    skipped: set[int] = set()
    for item in source.records():
        if isinstance(item, Skip):
            skipped.add(int(item.row.rpartition(":")[2]) - 1)
        else:
            records.append(item)
    return records, skipped


def test_each_distinct_node_of_the_real_rows_is_sent_exactly_once(
    tmp_path: Path, shared_data: Path
) -> None:
    records, skipped = read(shared_data / ROWS)
    everything: set[Node] = set()
    wanted: set[Node] = set()
    with gzip.open(shared_data / ROWS, "rt", encoding="utf-8") as file:
        for number, line in enumerate(file):
            row = json.loads(line)
            nodes = {n for side in ("chosen", "rejected") for n in nodes_of(row[side])}
            everything |= nodes
            if number not in skipped:
                wanted |= nodes
    assert len(everything) == DISTINCT
    assert sum(len(node[-1][1]) for node in everything) == CHARACTERS

    with Loopback(keep_bodies=False) as server:
        translator = {"use": "server", "model": "m", "base_url": server.url}
        config = Translate.Config.from_tree({"translator": translator, "checks": False})
        outcome = Translate(config, Context(cache=tmp_path))(records)

    assert len(outcome.kept) == len(records) == 1800 - len(skipped)
    assert sum(server.sources.values()) == len(wanted) == server.requests
    assert len(server.chats) == len(wanted)


def test_chosen_and_rejected_get_the_same_japanese_prompt_as_every_record_that_shares_it(
    tmp_path: Path, shared_data: Path
) -> None:
    records, _ = read(shared_data / ROWS)
    config = Translate.Config.from_tree({"translator": {"use": "fake"}, "checks": False})
    outcome = Translate(config, Context(cache=tmp_path))(records)

    japanese: dict[object, object] = {}
    for made in outcome.kept:
        assert made.original
        for n, message in enumerate(made.original.prompt):
            path = made.original.prompt[: n + 1]
            assert japanese.setdefault(path, made.prompt[n]) == made.prompt[n], message.role
        assert [m.role for m in made.prompt] == [m.role for m in made.original.prompt]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 6))
def test_a_killed_run_sends_almost_nothing_twice(
    tmp_path: Path, shared_data: Path, seed: int
) -> None:
    share, sent = killed_run(tmp_path, shared_data / ROWS, seed)

    print(f"killed after {share:.0%}: {sent:.4f} of the distinct characters sent")
    assert sent <= 1.02


def killed_run(folder: Path, rows: Path, seed: int | None) -> tuple[float, float]:
    """Kill a run at a random point and do it again; without a seed, do not kill.

    Returns (share of the nodes sent at the kill, characters sent ÷ those of the distinct nodes).
    """
    share = random.Random(seed).uniform(0.1, 0.9)
    script = Path(__file__).with_name("translate_file.py")

    def slowly(number: int, source: str, body: object) -> Say:
        return Say(invented(source), wait=0.01)

    with Loopback(slowly, keep_bodies=False) as server:
        command = [sys.executable, str(script), str(rows), str(folder), server.url]
        if seed is not None:
            child = subprocess.Popen(command)
            while server.requests < share * DISTINCT:
                assert child.poll() is None
                time.sleep(0.01)
            child.send_signal(signal.SIGKILL)
            child.wait()
            assert server.most_in_flight > 32
        subprocess.run(command, check=True)
    assert len(server.chats) == 10_423
    sent = sum(len(source) * count for source, count in server.sources.items())
    return share, sent / sum(len(source) for source in server.chats.values())
