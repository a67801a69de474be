"""Back-translation with the real sacrebleu, against a server that translates back from a table."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from prefdata.core.errors import InputError
from prefdata.core.finding import Finding
from prefdata.core.origin import Layer
from prefdata.core.records import Preference
from prefdata.core.stage import Context
from prefdata.filters.calibrate import calibrate
from prefdata.filters.stage import FilterStage
from prefdata.store.arrow import encode
from prefdata.store.dataset import MANIFEST
from prefdata.store.shards import shard_name, write_shard
from tests.records import a_pair

# What the Japanese says, as a translator without the source would put it.
BACK = {
    "庭の池に鯉が何匹いますか？": "How many carp are there in the garden pond?",
    "鯉は三匹いて、冬は底で眠ります。": "Three carp, and in winter they sleep at the bottom.",
    "猫が食べてしまったので、もう一匹もいません。": "The cat ate them, so there are none left.",
    "駅前の店で傘を買いました。": "I bought an umbrella at the shop in front of the station.",
    "はい。": "Yes.",
}
ENGLISH = (
    "How many carp live in the garden pond?",
    "There are three carp, and they sleep at the bottom in winter.",
    "None, because the cat ate them all.",
)
GOOD = tuple(BACK)[:3]


class Translator(ThreadingHTTPServer):
    """Answers from `BACK`; holds answers back until `together` requests are there."""

    request_queue_size = 64

    def __init__(self, together: int = 1) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[dict[str, Any]] = []
        self.gate = threading.Barrier(together)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class Handler(BaseHTTPRequestHandler):
    server: Translator

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(body)
        self.server.gate.wait(timeout=30)
        text = BACK.get(body["messages"][-1]["content"])
        data = json.dumps({"choices": [{"message": {"content": text}}] if text else []}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Translator]:
    httpd = Translator()
    yield httpd
    httpd.shutdown()


def scored(
    server: Translator, *records: Preference, **settings: Any
) -> list[tuple[Preference, tuple[Finding, ...]]]:
    part = {"use": "back_translation", "model": "m", "base_url": server.url, **settings}
    stage = FilterStage(FilterStage.Config.from_tree({"filters": [part]}), Context())
    found = []
    for record, findings in stage.judged(records):
        found.append((record, tuple(f for f in findings if f.band == "chrf")))
    return found


def test_every_turn_of_a_good_translation_has_a_high_score(server: Translator) -> None:
    ((record, found),) = scored(server, a_pair(*GOOD, english=ENGLISH))
    assert {(f.side, f.turn, f.action) for f in found} == {
        ("prompt", 0, "none"),
        ("chosen", 0, "none"),
        ("rejected", 0, "none"),
    }
    assert all(f.measured is not None and f.measured > 35 for f in found)
    assert Layer("judge", "m") in record.origin.layers


def test_a_text_that_says_something_else_is_found_on_its_side(server: Translator) -> None:
    pair = a_pair(GOOD[0], "駅前の店で傘を買いました。", GOOD[2], english=ENGLISH)
    ((_, found),) = scored(server, pair, action="drop")
    (wrong,) = (f for f in found if f.action == "drop")
    assert (wrong.code, wrong.side, wrong.limit) == ("mistranslation", "chosen", 25.0)
    assert wrong.measured is not None
    assert wrong.measured < 25
    assert wrong.detail.startswith("I bought an umbrella")


def test_half_a_text_scores_below_the_whole(server: Translator) -> None:
    english = (ENGLISH[0], ENGLISH[1] + " " + ENGLISH[2], "Yes.")
    ((_, found),) = scored(server, a_pair(GOOD[0], GOOD[2], "はい。", english=english))
    whole = scored(server, a_pair(*GOOD, english=ENGLISH))[0][1]
    half, full = (
        next(f.measured for f in one if f.side == side)
        for one, side in ((found, "chosen"), (whole, "rejected"))
    )
    assert half is not None
    assert full is not None
    assert half < full


def test_texts_of_many_records_are_in_flight_together_and_equal_ones_sent_once() -> None:
    httpd = Translator(together=4)
    records = [
        a_pair(*GOOD, english=ENGLISH),
        a_pair(GOOD[0], GOOD[1], "はい。", english=(*ENGLISH[:2], "Yes.")),
    ]
    assert [len(found) for _, found in scored(httpd, *records, concurrency=4)] == [3, 3]
    assert len(httpd.asked) == 4
    httpd.shutdown()


def test_a_long_text_asks_for_no_more_tokens_than_its_english_can_need(server: Translator) -> None:
    english = (ENGLISH[0], "Yes. " * 400, ENGLISH[2])
    scored(server, a_pair(GOOD[0], "はい。", GOOD[2], english=english))
    assert {body["max_tokens"] for body in server.asked if "はい" in str(body)} == {64 + 1000}


def test_calibrate_shows_the_scores_so_that_a_limit_can_be_chosen(
    server: Translator, tmp_path: Path
) -> None:
    ((record, found),) = scored(server, a_pair(*GOOD, english=ENGLISH))
    write_shard(tmp_path / shard_name(0), encode([replace(record, findings=found)]))
    (tmp_path / "dropped").mkdir()
    manifest = json.dumps({"use": "filter", "kind": "preferences"})
    (tmp_path / MANIFEST).write_text(manifest, encoding="utf-8")
    rows = [row for row in calibrate(tmp_path) if row.feature == "mistranslation.chrf"]
    assert [row.texts for row in rows] == [3]
    assert rows[0].own[0] <= rows[0].own[1] <= rows[0].own[2]


def test_native_records_are_not_sent(server: Translator) -> None:
    assert scored(server, a_pair())[0][1] == ()
    assert server.asked == []


def test_an_answer_without_a_text_names_the_server(server: Translator) -> None:
    with pytest.raises(InputError, match="no text"):
        scored(server, a_pair("何？", GOOD[1], GOOD[2], english=ENGLISH))
