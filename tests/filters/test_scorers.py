"""Optional scorers and judges, against a small server on this machine."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from typing import Any, ClassVar

import pytest

from prefdata.core.errors import ConfigError, InputError, MissingExtra
from prefdata.core.origin import Layer
from prefdata.core.stage import Context
from prefdata.filters.embedding import Embedding
from prefdata.filters.llm_judge import QUESTIONS, LlmJudge
from prefdata.filters.stage import FilterStage
from tests.records import a_pair

ENGLISH = ("May I take it with juice?", "Do not take it with juice.", "Take it with juice.")
FLIPPED = (
    "ジュースと一緒に飲んでもいいですか？",
    "ジュースと一緒に飲んでください。",
    "ジュースと飲みましょう。",
)
FLIP = QUESTIONS["polarity_flip"]


class Reader(BaseHTTPRequestHandler):
    """Says Y to the question of polarity about the flipped answer, else N; B to every choice."""

    asked: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        question = body["messages"][-1]["content"]
        self.asked.append(question)
        letter = "Y" if FLIP in question and FLIPPED[1] in question else "N"
        answer = {"choices": [{"message": {"content": letter}}]}
        data = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    Reader.asked = []
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Reader)
    threading.Thread(target=httpd.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{httpd.server_port}/v1"
    httpd.shutdown()


def judge(server: str, **more: Any) -> FilterStage:
    part = {"use": "llm_judge", "model": "someone/reader", "base_url": server, **more}
    return FilterStage(FilterStage.Config.from_tree({"filters": [part]}), Context())


def test_a_judge_finds_a_reversed_negation_and_stands_in_the_lineage(server: str) -> None:
    drop = judge(server)([a_pair(*FLIPPED, english=ENGLISH)]).dropped[0]
    assert drop.reasons == ("polarity_flip",)
    assert drop.findings[0].side == "chosen"
    assert Layer("judge", "someone/reader") in drop.record.origin.layers


def test_a_judge_may_only_flag(server: str) -> None:
    kept = judge(server, action="flag")([a_pair(*FLIPPED, english=ENGLISH)]).kept[0]
    assert [f.code for f in kept.findings if f.action == "flag"] == ["polarity_flip"]


def test_a_judge_asks_one_question_a_call_about_what_was_chosen(server: str) -> None:
    judge(server, questions=["polarity_flip"], flaws=False)([a_pair(*FLIPPED, english=ENGLISH)])
    assert len(Reader.asked) == 3
    assert all(FLIP in question for question in Reader.asked)


def test_native_records_are_not_asked_about(server: str) -> None:
    judge(server)([a_pair()])
    assert Reader.asked == []


def test_the_plan_knows_the_judge_without_building_it() -> None:
    tree = {"filters": [{"use": "llm_judge", "model": "m", "revision": "r"}]}
    layers = FilterStage.layers(FilterStage.Config.from_tree(tree), Context())
    assert layers == [Layer("judge", "m", "r")]


def test_a_server_that_is_not_there_is_an_input_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    with pytest.raises(InputError, match="does not answer"):
        judge("http://127.0.0.1:9/v1")([a_pair(*FLIPPED, english=ENGLISH)])


def test_a_missing_key_is_named(server: str) -> None:
    with pytest.raises(ConfigError, match="NO_SUCH_KEY"):
        judge(server, api_key_env="NO_SUCH_KEY")([a_pair(*FLIPPED, english=ENGLISH)])


@pytest.mark.skipif(find_spec("sentence_transformers") is not None, reason="it is installed")
def test_a_missing_extra_says_what_to_install() -> None:
    with pytest.raises(MissingExtra, match=r"prefdata\[score\]"):
        Embedding(Embedding.Config.from_tree({}), Context())


def test_questions_are_about_known_codes() -> None:
    assert set(LlmJudge.reasons) >= set(QUESTIONS)
