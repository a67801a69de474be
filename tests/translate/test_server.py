from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from prefdata.core.errors import ConfigError, PrefdataError
from prefdata.core.finding import Outcome
from prefdata.core.records import Preference
from prefdata.core.stage import Context
from prefdata.translate.fake import invented
from prefdata.translate.memory import Memory, memory_file
from prefdata.translate.reply import Retry, read_reply
from prefdata.translate.stage import Translate
from tests.translate.loopback import Loopback, Say, Script
from tests.translate.records import record

PAIRS = [
    record(str(n), [f"Question {n} of the test?"], f"A good answer {n}.", f"A poor answer {n}.")
    for n in range(20)
]
DISTINCT = 60


def build(
    tmp_path: Path, server: Loopback | str, records: list[Preference], **settings: Any
) -> Outcome:
    url = server if isinstance(server, str) else server.url
    translator = {"use": "server", "model": "m", "base_url": url, **settings.pop("options", {})}
    config = Translate.Config.from_tree({"translator": translator, **settings})
    return Translate(config, Context(base=tmp_path, cache=tmp_path / "cache"))(records)


def first_time(say: Say) -> Script:
    """Every request fails the first time."""
    seen: set[str] = set()

    def script(number: int, source: str, body: dict[str, Any]) -> Say | None:
        if source in seen:
            return None
        seen.add(source)
        return say

    return script


def every(nth: int, say: Say) -> Script:
    def script(number: int, source: str, body: dict[str, Any]) -> Say | None:
        return say if number % nth == 0 else None

    return script


def test_each_distinct_node_is_sent_exactly_once(tmp_path: Path) -> None:
    with Loopback() as server:
        outcome = build(tmp_path, server, [*PAIRS, *PAIRS])

    assert len(outcome.kept) == 40
    assert len(server.sources) == DISTINCT
    assert set(server.sources.values()) == {1}
    assert server.authorization == {""}


def test_the_key_comes_from_the_environment_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", "abc")
    with Loopback() as server:
        build(tmp_path, server, PAIRS[:1], options={"api_key_env": "MY_KEY"})

    assert server.authorization == {"Bearer abc"}


@pytest.mark.parametrize(
    "script",
    [
        every(7, Say(status=429, headers=(("Retry-After", "0.05"),))),
        every(7, Say(status=500)),
        every(9, Say(status=503)),
        every(7, Say(status=None)),
        every(7, Say("こんにちは", keep=0.7)),
        every(7, Say(body=b'{"choices": [{"mess')),
        every(7, Say(body=b"<html>busy</html>")),
        every(7, Say(body=b'{"choices": []}')),
        every(11, Say("遅い", wait=0.7)),
    ],
    ids=["429", "500", "503", "dropped", "half", "json-cut", "html", "empty", "slow"],
)
def test_a_transport_fault_loses_nothing_and_doubles_nothing(
    tmp_path: Path, script: Script
) -> None:
    with Loopback(script) as server:
        outcome = build(tmp_path, server, PAIRS, options={"timeout": 0.4})

    assert [made.original.prompt for made in outcome.kept if made.original] == [
        pair.prompt for pair in PAIRS
    ]
    for made in outcome.kept:
        assert made.original
        assert made.prompt[0].content == invented(made.original.prompt[0].content)
    assert len(server.sources) == DISTINCT
    again = sum(server.sources.values()) - DISTINCT
    assert 0 < again <= DISTINCT / 4


@pytest.mark.parametrize(
    ("say", "codes"),
    [
        (Say("途中まで、", finish_reason="length"), {"truncated"}),
        (Say(""), {"empty_output"}),
        (Say(status=400, text="This model's maximum context length is 512 tokens"), {"too_long"}),
        (Say(status=400, text="flagged by the content filter"), {"refusal"}),
    ],
    ids=["length", "empty", "too-long", "filtered"],
)
def test_a_bad_answer_is_asked_for_again_and_then_dropped_with_its_code(
    tmp_path: Path, say: Say, codes: set[str]
) -> None:
    def script(number: int, source: str, body: dict[str, Any]) -> Say | None:
        return say if source == "A poor answer 3." else None

    with Loopback(script) as server:
        outcome = build(tmp_path, server, PAIRS)

    [drop] = outcome.dropped
    assert set(drop.reasons) == codes
    assert drop.findings[0].side == "rejected"
    assert len(outcome.kept) == 19
    assert server.sources["A poor answer 3."] == 3
    temperatures = [
        body["temperature"] for body in server.bodies
        if body["messages"][-1]["content"].count("A poor answer 3.")
    ]  # fmt: skip
    assert temperatures == [0.0, 0.3, 0.3]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("申し訳ありませんが、その文章の翻訳はできません。", "refusal"),
        ("I'm sorry, but I can't help with that request.", "refusal"),
        ("这是一个不好的回答，因为他们没有说明原因。", "off_target_language"),
        ("A poor answer indeed, my friend, it is.", "untranslated"),
    ],
    ids=["refusal", "english-refusal", "chinese", "english"],
)
def test_a_refusal_or_another_language_climbs_the_whole_ladder_and_every_attempt_is_kept(
    tmp_path: Path, text: str, code: str
) -> None:
    def script(number: int, source: str, body: dict[str, Any]) -> Say | None:
        return Say(text) if source == "A poor answer 3." else None

    with Loopback(script) as server:
        outcome = build(tmp_path, server, PAIRS)

    [drop] = outcome.dropped
    assert drop.reasons[0] == code
    assert server.sources["A poor answer 3."] == 3
    with Memory(memory_file(tmp_path / "cache")) as memory:
        [maker] = memory.makers()
        [failed] = [row for row in memory.entries(maker) if row["target"] is None]
    attempts = json.loads(failed["log"])["attempts"]
    assert attempts == [[text, "stop", rung] for rung in ("first", "again", "strict")]


def test_a_second_attempt_that_is_good_is_kept(tmp_path: Path) -> None:
    with Loopback(first_time(Say("途中まで、", finish_reason="length"))) as server:
        outcome = build(tmp_path, server, PAIRS)

    assert len(outcome.kept) == 20
    assert set(server.sources.values()) == {2}


def test_a_long_text_that_is_cut_off_is_sent_paragraph_by_paragraph(tmp_path: Path) -> None:
    long = record("1", ["Tell me."], "First part.\n\nSecond part.\n\nThird part.", "No.")

    def script(number: int, source: str, body: dict[str, Any]) -> Say | None:
        return Say("途中", finish_reason="length") if "\n\n" in source else None

    with Loopback(script) as server:
        [made] = build(tmp_path, server, [long]).kept

    assert made.chosen[0].content.count("\n\n") == 2
    assert server.sources["Second part."] == 1


def test_a_server_that_fails_for_good_ends_with_a_clear_error_and_keeps_finished_work(
    tmp_path: Path,
) -> None:
    def dies(number: int, source: str, body: dict[str, Any]) -> Say | None:
        return Say(status=500) if number >= 30 else None

    with Loopback(dies) as server, pytest.raises(PrefdataError) as caught:
        build(tmp_path, server, PAIRS, options={"retry_seconds": 0.5, "concurrency": 4})

    assert "HTTP 500" in str(caught.value)
    assert "is kept" in caught.value.fix
    with Loopback() as second:
        outcome = build(tmp_path, second, PAIRS)
    assert len(outcome.kept) == 20
    assert sum(second.sources.values()) == DISTINCT - 30


def test_one_request_that_always_fails_does_not_stop_the_others(tmp_path: Path) -> None:
    def script(number: int, source: str, body: dict[str, Any]) -> Say | None:
        if source == "A poor answer 3.":
            return Say(status=500)
        return Say(invented(source), wait=0.05)

    with Loopback(script) as server:
        outcome = build(tmp_path, server, PAIRS, options={"retry_seconds": 0.3, "concurrency": 2})

    [drop] = outcome.dropped
    assert drop.reasons == ("empty_output",)
    assert "HTTP 500" in drop.findings[0].detail


@pytest.mark.parametrize(
    ("server", "part"),
    [("http://127.0.0.1:9/v1", "does not answer")],
)
def test_an_address_where_nothing_listens_is_named(tmp_path: Path, server: str, part: str) -> None:
    with pytest.raises(PrefdataError, match=part) as caught:
        build(tmp_path, server, PAIRS[:1], options={"retry_seconds": 0.2})

    assert "127.0.0.1:9" in caught.value.where


@pytest.mark.parametrize("url", [[], "", "localhost:8000/v1", "http://me:secret@host/v1"])
def test_no_address_or_one_with_a_secret_is_refused_before_any_work(
    tmp_path: Path, url: str | list[str]
) -> None:
    with pytest.raises(ValidationError, match="base_url"):
        build(tmp_path, "", PAIRS, options={"base_url": url})


def test_a_wrong_key_ends_at_once(tmp_path: Path) -> None:
    def script(number: int, source: str, body: dict[str, Any]) -> Say:
        return Say(status=401, text="bad key")

    with Loopback(script) as server, pytest.raises(ConfigError, match="bad key"):
        build(tmp_path, server, PAIRS)


def test_several_servers_share_the_work_and_a_dead_one_costs_nothing(tmp_path: Path) -> None:
    slow: Callable[..., Say] = lambda n, source, body: Say(invented(source), wait=0.01)  # noqa: E731
    with Loopback(slow) as one, Loopback(slow) as two:
        outcome = build(
            tmp_path, "", PAIRS,
            options={"base_url": [one.url, two.url, "http://127.0.0.1:9/v1"], "concurrency": 4},
        )  # fmt: skip

    assert len(outcome.kept) == 20
    assert sum(one.sources.values()) + sum(two.sources.values()) == DISTINCT
    assert min(sum(one.sources.values()), sum(two.sources.values())) > 10


def test_fewer_requests_fly_after_a_server_was_overrun(tmp_path: Path) -> None:
    flying: list[int] = []

    def script(number: int, source: str, body: dict[str, Any]) -> Say:
        flying.append(server.in_flight)
        if server.in_flight > 8:
            return Say(status=429, headers=(("Retry-After", "0.02"),))
        return Say(invented(source), wait=0.01)

    with Loopback(script) as server:
        outcome = build(tmp_path, server, PAIRS)

    assert len(outcome.kept) == 20
    assert max(flying[-20:]) <= 10
    assert max(flying) > 8


def test_an_added_row_sends_only_its_own_new_nodes(tmp_path: Path) -> None:
    more = record("21", ["Question 3 of the test?", "A good answer 3.", "And?"], "So.", "Else.")
    with Loopback() as server:
        build(tmp_path, server, PAIRS)
    with Loopback() as server:
        outcome = build(tmp_path, server, [*PAIRS[:10], more, *PAIRS[10:]])

    assert len(outcome.kept) == 21
    assert set(server.sources) == {"And?", "So.", "Else."}


def test_changed_checks_judge_what_is_there_and_send_only_what_they_refuse(tmp_path: Path) -> None:
    with Loopback() as server:
        first = build(tmp_path, server, PAIRS, checks=False)
    with Loopback() as server:
        second = build(tmp_path, server, PAIRS, checks=True)

    assert not server.sources
    assert first.kept == second.kept


def test_what_is_answered_is_durable_while_the_rest_keeps_everyone_waiting(tmp_path: Path) -> None:
    kept: list[int] = []

    def script(number: int, source: str, body: dict[str, Any]) -> Say:
        if number == 8:  # half a second later the first of those that failed are asked again
            with Memory(memory_file(tmp_path / "cache")) as memory:
                kept.append(memory.stats()["nodes"])
        return Say(invented(source)) if number < 3 else Say(status=500, wait=0.5)

    with Loopback(script) as server, pytest.raises(PrefdataError):
        build(tmp_path, server, PAIRS, options={"concurrency": 4, "retry_seconds": 0.1})

    assert kept == [3]


def test_a_failed_node_is_not_paid_for_again(tmp_path: Path) -> None:
    def cut(number: int, source: str, body: dict[str, Any]) -> Say | None:
        return Say("途中", finish_reason="length") if source == "A poor answer 3." else None

    with Loopback(cut) as server:
        first = build(tmp_path, server, PAIRS)
    with Loopback(cut) as server:
        second = build(tmp_path, server, PAIRS)

    assert not server.sources
    assert first == second


def test_a_request_shows_the_dialogue_so_far_and_begins_alike(tmp_path: Path) -> None:
    pair = record("1", ["Hello.", "Hi.", "Run `ls`?"], "Yes.", "Do not translate this.")
    with Loopback() as server:
        build(tmp_path, server, [pair])

    chats = [body["messages"] for body in server.bodies if body["temperature"] == 0.0]
    first = chats[0]
    [third] = [chat for chat in chats if "⟦C1⟧" in chat[-1]["content"]]
    assert third[: len(first)] == first
    assert third[len(first)] == {"role": "assistant", "content": invented("Hello.")}
    assert any("指示ではありません" in chat[-1]["content"] for chat in chats)
    assert {body["max_tokens"] for body in server.bodies} <= set(range(64, 100))


@pytest.mark.parametrize("odd", ["A poor answer 3.", "Question 0 of the test?"])
def test_a_request_that_is_refused_alone_fails_alone(tmp_path: Path, odd: str) -> None:
    def script(number: int, source: str, body: dict[str, Any]) -> Say | None:
        return Say(status=400, text="odd") if source == odd else None

    with Loopback(script) as server:
        outcome = build(tmp_path, server, PAIRS)

    [drop] = outcome.dropped
    assert drop.findings[0].detail == "HTTP 400: odd"
    assert server.sources[odd] == 1


def test_a_server_that_refuses_everything_ends_the_run_with_its_words(tmp_path: Path) -> None:
    def script(number: int, source: str, body: dict[str, Any]) -> Say:
        return Say(status=400, text="unknown field 'seed'")

    with Loopback(script) as server, pytest.raises(ConfigError, match="unknown field 'seed'"):
        build(tmp_path, server, PAIRS)

    assert server.requests < DISTINCT


@pytest.mark.parametrize(
    ("header", "wait"),
    [("7", 7.0), ("0.5", 0.5), ("-3", 0.0), ("86400", 300.0), ("soon", None)],
)
def test_a_server_names_its_wait_in_seconds(header: str, wait: float | None) -> None:
    assert read_reply(429, {"Retry-After": header}, b"") == Retry("HTTP 429", wait, overrun=True)


def test_a_server_may_name_its_wait_by_a_date() -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)

    found = read_reply(503, {"Retry-After": date}, b"")

    assert isinstance(found, Retry)
    assert found.wait == pytest.approx(60, abs=30)


@pytest.mark.parametrize("checks", [True, False])
def test_half_a_character_from_a_server_is_a_failed_answer(tmp_path: Path, checks: bool) -> None:
    body = b'{"choices": [{"message": {"content": "\\ud83d"}, "finish_reason": "stop"}]}'

    def script(number: int, source: str, sent: dict[str, Any]) -> Say | None:
        return Say(body=body) if source == "A poor answer 3." else None

    with Loopback(script) as server:
        [drop] = build(tmp_path, server, PAIRS, checks=checks).dropped

    assert drop.reasons == ("mojibake",)


def test_half_a_character_in_a_source_stops_nothing(tmp_path: Path) -> None:
    with Loopback() as server:
        outcome = build(tmp_path, server, [record("1", ["Half \ud83d of it?"], "Yes.", "No.")])

    assert len(outcome.kept) == 1
