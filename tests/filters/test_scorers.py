"""Optional scorers and judges, against a small server on this machine."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml

from prefdata.core.errors import ConfigError, InputError, MissingExtra
from prefdata.core.origin import Layer
from prefdata.core.stage import Context
from prefdata.filters.embedding import Embedding
from prefdata.filters.llm_judge import FLAW, QUESTIONS, LlmJudge
from prefdata.filters.stage import FilterStage
from tests.records import a_pair

ENGLISH = ("May I take it with juice?", "Do not take it with juice.", "Take it with juice.")
FLIPPED = (
    "ジュースと一緒に飲んでもいいですか？",
    "ジュースと一緒に飲んでください。",
    "ジュースと飲みましょう。",
)
ASKED = QUESTIONS | {"flaw_repaired": FLAW}
FLIP = ASKED["polarity_flip"]
JUDGED: dict[str, dict[str, list[tuple[str, str]]]] = yaml.safe_load(
    Path(__file__).with_name("judged.yaml").read_text(encoding="utf-8")
)


class Reader(BaseHTTPRequestHandler):
    """Knows the faults of ``judged.yaml``; of two answers it prefers the one with 54 in it."""

    asked: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        question = body["messages"][-1]["content"]
        self.asked.append(question)
        if len(question) > 100_000:
            self.refuse()
            return
        answer = {"choices": [{"message": {"content": letter(question)}}]}
        data = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def refuse(self) -> None:
        message = "This model's maximum context length is 4096 tokens. However, …"
        data = json.dumps({"error": {"message": message, "code": 400}}).encode()
        self.send_response(400)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        pass


def letter(question: str) -> str:
    if "\n\nA:\n" in question:
        first, second = question.split("\n\nA:\n")[1].split("\n\nB:\n")
        return "A" if "54" in first else "B" if "54" in second else "A"
    faults = [FLIP] if FLIPPED[1] in question else []
    for code, rows in JUDGED.items():
        texts = (f"English:\n{en}\n\nJapanese:\n{ja}\n" for en, ja in rows["found"])
        faults += [ASKED[code]] if any(text in question for text in texts) else []
    return "Y" if question.startswith(tuple(faults)) and faults else "N"


class Server(ThreadingHTTPServer):
    request_queue_size = 64  # five, the default, turns connections away for a second


@pytest.fixture(scope="module")
def running() -> Iterator[str]:
    httpd = Server(("127.0.0.1", 0), Reader)
    threading.Thread(target=httpd.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{httpd.server_port}/v1"
    httpd.shutdown()


@pytest.fixture
def server(running: str) -> str:
    Reader.asked.clear()
    return running


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


@pytest.mark.parametrize(
    ("code", "english", "japanese"),
    [(code, *row) for code, rows in JUDGED.items() for row in rows["found"]],
)
def test_a_fault_that_the_judge_sees_drops_the_pair_for_its_code(
    code: str, english: str, japanese: str, server: str
) -> None:
    pair = a_pair("続けて。", "はい。", japanese, english=("Go on.", "Yes.", english))
    (drop,) = judge(server)([pair]).dropped
    assert code in drop.reasons
    assert [(f.side, f.code) for f in drop.findings if f.band == "judge"] == [("rejected", code)]


@pytest.mark.parametrize(
    ("english", "japanese"), [row for rows in JUDGED.values() for row in rows["clean"]]
)
def test_a_text_without_the_fault_is_kept(english: str, japanese: str, server: str) -> None:
    pair = a_pair("続けて。", japanese, "はい。", english=("Go on.", english, "Yes."))
    assert judge(server)([pair]).dropped == []


def test_a_text_that_is_too_long_for_the_judge_ends_no_run(server: str) -> None:
    long = ("Go on.", "It goes on. " * 20_000, "Yes.")
    pair = a_pair("続けて。", "続きます。" * 20_000, "はい。", english=long)
    ((_, findings),) = judge(server, preference=True).judged([pair])
    unread = {f.side for f in findings if f.band == "judge" and f.measured is None}
    assert unread == {"chosen"}
    assert not [f for f in findings if f.band == "judge" and f.action != "none"]


def test_a_better_answer_that_changed_sides_is_a_mended_fault(server: str) -> None:
    english = ("What is 9 times 6?", "It is 54.", "It is 56.")
    turned = a_pair("9かける6は？", "56です。", "54です。", english=english)
    kept = a_pair("9かける6は？", "54です。", "56です。", english=english)
    asking = judge(server, questions=[], flaws=False, preference=True)
    (drop,) = asking([turned]).dropped
    assert ("flaw_repaired", "preference") in [(f.code, f.band) for f in drop.findings]
    assert asking([kept]).dropped == []


def test_a_judge_that_always_takes_the_first_answer_says_nothing(server: str) -> None:
    pair = a_pair("名前は？", "花です。", "空です。", english=("Your name?", "Hana.", "Sora."))
    assert judge(server, questions=[], flaws=False, preference=True)([pair]).dropped == []


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


def test_what_a_yes_means_is_a_rule_like_any_other(server: str) -> None:
    part = {"use": "llm_judge", "model": "m", "base_url": server}
    tree = {"filters": [part], "thresholds": {"hh/polarity_flip.judge": "flag"}}
    stage = FilterStage(FilterStage.Config.from_tree(tree), Context())
    (kept,) = stage([a_pair(*FLIPPED, english=ENGLISH)]).kept
    assert [f.code for f in kept.findings if f.action == "flag"] == ["polarity_flip"]


def test_thresholds_of_a_filter_that_is_not_there_are_refused() -> None:
    with pytest.raises(ValueError, match=r"there is no rule 'mistranslation\.chrf'"):
        FilterStage.Config.from_tree({"thresholds": {"mistranslation.chrf": 30}})


def test_questions_are_about_known_codes() -> None:
    with pytest.raises(ValueError, match="questions"):
        LlmJudge.Config.from_tree({"model": "m", "questions": ["politeness"]})
    assert set(LlmJudge.reasons) >= set(QUESTIONS)
