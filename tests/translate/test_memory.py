from __future__ import annotations

import fcntl
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from prefdata.core.errors import IntegrityError
from prefdata.core.origin import Layer
from prefdata.core.stage import Context
from prefdata.translate.entry import Attempt, Entry, Item
from prefdata.translate.memory import Memory, memory_file
from prefdata.translate.shared import absorb, open_memory
from prefdata.translate.tree import ROOT, node_key

WRITER = """
import sys
from pathlib import Path
from prefdata.translate.entry import Entry, Item
from prefdata.translate.memory import Memory, memory_file
from prefdata.translate.shared import open_memory
from prefdata.translate.tree import ROOT, node_key
name, folder = sys.argv[1], Path(sys.argv[2])
with Memory(memory_file(folder)) as memory:
    maker = memory.maker("m", layer=None)
    for n in range(400):
        items = [Item(node_key(ROOT, "user", f"{name} {n} {k}"), ROOT, "user", f"{name} {n} {k}",
                      Entry(f"{name} {n} {k} ja")) for k in range(5)]
        memory.store(items, maker)
        print(n, flush=True)
"""


def item(text: str, entry: Entry) -> Item:
    return Item(node_key(ROOT, "user", text), ROOT, "user", text, entry)


def test_an_entry_comes_back_with_its_attempts_findings_and_layer(tmp_path: Path) -> None:
    entry = Entry(
        text=None,
        attempts=(Attempt("半分", "length"), Attempt("", "stop", "again")),
        ladder="abc",
        repairs=("meta_commentary",),
        findings=(("truncated", 1.0, 0.5, "finish_reason: length"),),
        layer=Layer("translator", "acme/model", "1"),
    )
    plain = Entry("訳", ladder="abc")
    with Memory(memory_file(tmp_path)) as memory:
        maker = memory.maker("m", layer=None)
        memory.store([item("a", entry), item("b", plain)], maker)
        found = memory.look_up([node_key(ROOT, "user", t) for t in "abc"], maker)

    assert found == {node_key(ROOT, "user", "a"): entry, node_key(ROOT, "user", "b"): plain}


def test_makers_do_not_see_each_others_entries(tmp_path: Path) -> None:
    with Memory(memory_file(tmp_path)) as memory:
        one, two = memory.maker("one", layer=None), memory.maker("two", layer=None)
        memory.store([item("a", Entry("一"))], one)
        memory.store([item("a", Entry("二"))], two)
        key = node_key(ROOT, "user", "a")

        assert memory.look_up([key], one)[key].text == "一"
        assert memory.look_up([key], two)[key].text == "二"


def test_several_processes_write_at_once_and_nothing_is_lost(tmp_path: Path) -> None:
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, name, str(tmp_path)], stdout=subprocess.PIPE
        )
        for name in ("one", "two", "three")
    ]
    for writer in writers:
        writer.communicate()
        assert writer.returncode == 0

    with Memory(memory_file(tmp_path)) as memory:
        assert memory.stats()["makers"][0]["entries"] == 3 * 400 * 5


@pytest.mark.parametrize("seed", range(3))
def test_what_was_committed_before_a_kill_is_there_and_whole(tmp_path: Path, seed: int) -> None:
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, "one", str(tmp_path)], stdout=subprocess.PIPE
    )
    assert writer.stdout
    writer.stdout.readline()
    time.sleep(random.Random(seed).uniform(0.0, 0.05))
    writer.send_signal(signal.SIGKILL)
    committed = 1 + len(writer.stdout.read().split())
    writer.wait()

    with Memory(memory_file(tmp_path)) as memory:
        entries = memory.stats()["makers"][0]["entries"]
    assert entries % 5 == 0
    assert entries >= committed * 5 - 5


def test_a_file_that_is_no_memory_is_named_with_what_to_do(tmp_path: Path) -> None:
    memory_file(tmp_path).write_bytes(b"not a database at all, but long enough" * 100)

    with pytest.raises(IntegrityError) as caught:
        Memory(memory_file(tmp_path))
    assert "translations.sqlite" in caught.value.where


def test_a_memory_of_another_format_is_refused(tmp_path: Path) -> None:
    Memory(memory_file(tmp_path)).close()
    database = sqlite3.connect(memory_file(tmp_path))
    database.execute("PRAGMA user_version = 99")
    database.close()

    with pytest.raises(Exception, match="format 99"):
        Memory(memory_file(tmp_path))


def test_a_worker_of_another_machine_reads_the_common_file_and_writes_its_own(
    tmp_path: Path,
) -> None:
    own = Context(cache=tmp_path)
    with open_memory(own) as memory:
        memory.store([item("a", Entry("一"))], memory.maker("m", layer=None))
    keys = [node_key(ROOT, "user", text) for text in "ab"]

    with open_memory(replace(own, worker="w1")) as memory:
        other = memory.maker("other", layer=None)  # ids differ from file to file
        maker = memory.maker("m", layer=None)
        assert memory.look_up(keys, maker)[keys[0]].text == "一"
        memory.store([item("b", Entry("二"))], maker)
        memory.store([item("b", Entry("別"))], other)
        with open_memory(own) as common:  # the worker lives: its file stays its own
            assert common.stats()["nodes"] == 1

    with open_memory(own) as memory:
        found = memory.look_up(keys, memory.maker("m", layer=None))
        assert [found[key].text for key in keys] == ["一", "二"]
        assert memory.look_up(keys, memory.maker("other", layer=None))[keys[1]].text == "別"
    assert [path.name for path in tmp_path.iterdir()] == ["translations.sqlite"]


def test_a_worker_takes_over_what_a_lost_one_had_translated(tmp_path: Path) -> None:
    own = Context(cache=tmp_path)
    keys = [node_key(ROOT, "user", text) for text in "ab"]
    with open_memory(replace(own, worker="lost")) as memory:
        memory.store([item("a", Entry("一"))], memory.maker("m", layer=None))
    with (
        open_memory(replace(own, worker="alive")) as alive,
        open_memory(replace(own, worker="third")) as third,
    ):
        alive.store([item("b", Entry("二"))], alive.maker("m", layer=None))

        assert alive.look_up(keys, alive.maker("m", layer=None))[keys[0]].text == "一"
        assert third.look_up(keys, third.maker("m", layer=None)) == {}


def test_a_worker_that_waited_while_its_file_was_taken_in_is_not_taken_for_dead(
    tmp_path: Path,
) -> None:
    opened, done = threading.Event(), threading.Event()

    def work() -> None:
        with open_memory(Context(cache=tmp_path, worker="w")):
            opened.set()
            assert done.wait(10)

    lock = tmp_path / ".w.lock"
    with lock.open("w") as taking_in:
        fcntl.flock(taking_in, fcntl.LOCK_EX)
        worker = threading.Thread(target=work)
        worker.start()
        assert not opened.wait(0.2)
        lock.unlink()
    assert opened.wait(10)

    with Memory(memory_file(tmp_path)) as memory:
        assert absorb(memory, tmp_path) == 0
        done.set()
        worker.join()
        assert absorb(memory, tmp_path) == 1
