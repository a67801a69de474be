from __future__ import annotations

import io
import re
import time
from typing import Any

import pytest
from rich.console import Console

from prefdata.cli.progress import Lines, Live, Step, drawn, listening, phrases
from prefdata.core.stage import Event
from prefdata.pipeline.progress import Together


def worked(worker: str, **changes: Any) -> Event:
    """What a worker says that has done 30 of 50 nodes of a window of ten records."""
    data = {"worker": worker, "records": 4, "begun": 10, "nodes": 30, "of": 50, "hits": 10,
            "sent": 25, "retries": 2, "worked": 20, "output_tokens": 400, "seconds": 10.0,
            "drops": {"refusal": 1}}  # fmt: skip
    return Event("translate", "progress", {**data, **changes})


def summed(*events: Event, records: int | None = 40) -> dict[str, Any]:
    seen: list[Event] = []
    listen = Together(seen.append)
    listen(Event("translate", "start", {"records": records}))
    for event in events:
        listen(event)
    return dict(seen[-1].data)


def test_the_time_left_is_that_of_all_records_of_the_step() -> None:
    found = summed(worked("a"))

    assert (found["records"], found["records_of"]) == (4, 40)
    assert found["share"] == 30 / 200  # forty records of five nodes
    assert found["tokens_per_second"] == 40.0
    assert found["seconds_left"] == 170 / 2  # two nodes a second; a hit takes no time


def test_workers_are_summed_and_each_counts_by_its_latest_word() -> None:
    found = summed(worked("a", nodes=1), worked("b"), worked("a", drops={"truncated": 2}))

    assert found["nodes"] == 60
    assert found["tokens_per_second"] == 80.0
    assert found["seconds_left"] == 140 / 4
    assert found["drops"] == {"truncated": 2, "refusal": 1}


def test_before_anything_is_done_no_time_is_promised() -> None:
    found = summed(worked("a", nodes=0, hits=0, worked=0, seconds=0.0))

    assert found["seconds_left"] is None
    assert found["share"] == 0


def test_the_next_step_begins_anew_and_other_events_pass() -> None:
    seen: list[Event] = []
    listen = Together(seen.append)
    listen(worked("a"))
    start = Event("filter", "start", {"records": 3})
    for event in (start, Event("train", "progress", {"loss": 0.5})):
        listen(event)
        assert seen[-1] == event
    listen(worked("b"))

    assert seen[-1].data["nodes"] == 30


def test_the_live_view_hides_nothing_on_a_narrow_terminal() -> None:
    step = Step()
    step.takes(Event("translate", "start", {}))
    step.takes(Event("translate", "progress", summed(worked("a"))))
    for _ in range(3):
        step.takes(Event("translate", "retry", {"reason": "HTTP 429", "tries": 1}))
    out = io.StringIO()

    Console(file=out, width=80, highlight=False).print(drawn(step.name, step.data))

    text = " ".join(out.getvalue().split())
    assert len(out.getvalue().splitlines()) <= 4
    for part in ("translate", "15%", "4 of 40 records", "30 nodes", "0:01:25 left", "40 tokens/s",
                 "10 hits", "2 retries", "server asked again 3 times (HTTP 429)",
                 "dropped: refusal 1"):  # fmt: skip
        assert part in text


def test_figures_of_other_steps_are_shown_as_they_come() -> None:
    assert list(phrases({"step": 1200, "loss": 0.12345})) == ["step 1,200", "loss 0.1235"]


def test_without_a_terminal_a_line_comes_again_and_again_even_if_nothing_happens(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = Lines(every=0.02)
    lines(Event("translate", "start", {"records": 40}))
    lines(Event("translate", "retry", {"reason": "HTTP 503"}))
    time.sleep(0.2)
    lines(Event("translate", "done", {}))
    lines.stop()
    told = capsys.readouterr().err.splitlines()

    assert told.count("translate: asked again 1 times (HTTP 503)") >= 2
    assert told[-1] == "translate: done"


def test_events_as_json_are_one_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    with listening(as_json=True) as listen:
        Together(listen)(worked("a"))

    assert '{"event": "progress", "step": "translate", "records": 4' in capsys.readouterr().err


def screen(written: str) -> list[str]:
    """Return what a terminal shows of it; the few control sequences that rich writes."""
    lines, row = [""], 0
    for part in re.findall(r"\x1b\[[?\d;]*[A-Za-z]|\r|\n|[^\x1b\r\n]+", written):
        if part == "\n":
            row += 1
            lines += [""] * (row == len(lines))
        elif part == "\x1b[1A":
            row -= 1
        elif part == "\x1b[2K":
            lines[row] = ""
        elif not part.startswith(("\x1b", "\r")):
            lines[row] += part
    return [line for line in lines if line]


def test_on_a_terminal_the_end_of_every_step_stays_to_be_read(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    view = Live()
    counts = {"in": 3, "kept": 3, "dropped": 0}
    for step in ("translate", "filter"):
        view(Event(step, "start", {}))
        view.last = 0.0
        view(Event(step, "progress", summed(worked("a"))))
        view(Event(step, "done", {"counts": counts}))

    assert screen(capsys.readouterr().err) == [
        "translate: 3 in, 3 kept",
        "filter: 3 in, 3 kept",
    ]


def test_shards_are_told_in_words() -> None:
    assert list(phrases({"shards": 1, "shards_of": 3})) == ["1 of 3 shards"]
