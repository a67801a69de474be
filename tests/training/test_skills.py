"""FLASK's skills: read, asked of a judge over HTTP, averaged."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from prefdata.chat import Chat
from prefdata.core.errors import InputError
from prefdata.training.skills import GROUPS, SKILLS, Judge, number_in, rate_all, read_tasks
from tests.training import toy
from tests.training.conftest import Run

ROWS = [
    {"idx": 1, "instruction": "短く挨拶して", "answer": "こんにちは", "skill": ["Conciseness"]},
    {"idx": 2, "instruction": "首都は？", "answer": "東京",
     "skill": ["Factuality", "Readability (of the answer)"]},
]  # fmt: skip


@pytest.fixture
def flask(tmp_path: Path) -> Path:
    file = tmp_path / "flask.jsonl"
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS))
    return file


@pytest.fixture
def judge() -> Iterator[str]:
    """A judge that gives 5 for facts, 2 for readability, and no number for anything else."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            prompt = asked["messages"][0]["content"]
            word = (
                "Rating: 5" if "Factuality" in prompt else "2" if "Readability" in prompt else "?"
            )
            body = json.dumps({"choices": [{"message": {"content": word}}]}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
        server.shutdown()


def test_the_twelve_skills_are_in_four_groups() -> None:
    assert sorted(skill for group in GROUPS.values() for skill in group) == sorted(SKILLS)
    assert len(SKILLS) == 12


def test_ratings_are_averaged_and_missing_ones_counted(flask: Path, judge: str) -> None:
    tasks = read_tasks(flask)
    metrics, rows = rate_all(Judge(Chat(judge, "m")), tasks, ["やあ", "東京です"])

    assert metrics["skill_factuality"] == 5
    assert metrics["skill_readability"] == 2
    assert metrics["group_user_alignment"] == 2
    assert metrics["group_logical_thinking"] is None
    assert (metrics["n_rated"], metrics["n_unrated"]) == (2, 1)
    assert len(rows) == 3


@pytest.mark.parametrize(
    ("reply", "number"),
    [("4", 4), ("Score: 3/5", 3), ("評価は2です", 2), ("10", None), ("3.5", None), ("", None)],
)
def test_a_reply_is_a_number_from_one_to_five_or_nothing(reply: str, number: int | None) -> None:
    assert number_in(reply) == number


def test_an_unknown_skill_and_a_silent_judge_are_explained(flask: Path) -> None:
    flask.write_text(json.dumps({**ROWS[0], "skill": ["Cooking"]}))
    with pytest.raises(InputError, match="unknown skill 'Cooking'"):
        read_tasks(flask)
    flask.write_text(json.dumps(ROWS[0]))
    with pytest.raises(InputError, match="does not answer"):
        rate_all(Judge(Chat("http://127.0.0.1:9", "m")), read_tasks(flask), [""])


@pytest.mark.train
def test_a_policy_answers_and_is_rated(run: Run, flask: Path, judge: str, policy: Path) -> None:
    from prefdata.training.evaluate_skills import EvaluateSkills

    settings = {"path": str(flask), "judge_url": judge, "judge_model": "m", "max_new_tokens": 8}
    folder = run(EvaluateSkills, settings, "skills", {"model": policy})

    assert toy.metrics(folder)["skill_factuality"] == 5
    assert len(toy.lines(folder / "ratings.jsonl")) == 3
