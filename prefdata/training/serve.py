"""Serve a reward model to trainers on other machines: ``python -m prefdata.training.serve DIR``.

POST ``{"labels": [ids], "query": [texts], "prompts": [texts]}`` (what OpenRLHF sends) or
``{"labels": [ids], "completions": [texts]}`` to ``/get_reward``; the answer is
``{"rewards": [numbers]}``. The id of a prompt leads to its messages, so that the reward model
reads them through its own template, whatever chat template the policy has.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import urllib.request
from collections.abc import Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock
from typing import Any

from prefdata.core.errors import InputError, PrefdataError
from prefdata.core.records import Conversation, Message
from prefdata.training.data import messages

# Texts come with the policy's end tokens written out; they are no part of an answer.
ENDS = ("</s>", "<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|end_of_text|>", "<end_of_turn>")


def completions_of(body: Mapping[str, Any]) -> list[str]:
    """Return the answers of a request, without prompt and end tokens.

    Raises:
        ValueError: a query does not hold its prompt, so that nobody knows where the answer begins.
    """
    if "completions" in body:
        return [without_ends(text) for text in body["completions"]]
    pairs = zip(body["query"], body["prompts"], strict=True)
    return [without_ends(answer_in(query, prompt)) for query, prompt in pairs]


def answer_in(query: str, prompt: str) -> str:
    """Return what follows the prompt; a tokenizer may have put its start token before it."""
    _, found, answer = query.partition(prompt)
    if not found:
        raise ValueError("a query does not hold its prompt")
    return answer


def without_ends(text: str) -> str:
    """Return a text without end tokens behind it.

    >>> without_ends("はい。<|im_end|></s>")
    'はい。'
    """
    while True:
        cut = text.rstrip()
        for end in ENDS:
            cut = cut.removesuffix(end)
        if cut == text:
            return text
        text = cut


def prompts_by_id(files: Sequence[Path]) -> dict[str, Conversation]:
    """Return the prompts of an export, by id.

    Raises:
        InputError: a file is missing or is no export.
    """
    found = {}
    for file in files:
        try:
            for line in file.read_text(encoding="utf-8").splitlines():
                row = json.loads(line)
                found[row["id"]] = messages(row["prompt"])
        except (OSError, ValueError, KeyError) as error:
            raise InputError(f"cannot read the prompts: {error}", str(file)) from error
    return found


def verl_score(
    data_source: str,
    solution_str: str,
    ground_truth: str,
    extra_info: Mapping[str, Any] | None = None,
    **_: Any,
) -> float:
    """Return the reward of one answer: verl's ``reward.custom_reward_function``.

    It asks the server that the environment variable REWARD_URL names.
    """
    url = os.environ.get("REWARD_URL", "http://127.0.0.1:5000/get_reward")
    body = json.dumps({"labels": [ground_truth], "completions": [solution_str]}).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=300) as answer:
        return float(json.load(answer)["rewards"][0])


def server(
    reward: Path, prompts: Mapping[str, Conversation], host: str, port: int
) -> ThreadingHTTPServer:
    """Return a server of a reward model; one request is scored at a time."""
    from prefdata.training.reward import RewardModel

    model, lock = RewardModel.load(reward), Lock()

    class Handler(BaseHTTPRequestHandler):
        """Answers POST /get_reward."""

        def do_POST(self) -> None:
            """Score one request; 400 where it cannot be understood."""
            try:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                asked = [prompts[str(label)] for label in body["labels"]]
                answers = [(Message("assistant", text),) for text in completions_of(body)]
                with lock:
                    self._send(200, {"rewards": model.score(asked, answers)})
            except (KeyError, ValueError, TypeError) as error:
                self._send(400, {"error": f"{type(error).__name__}: {error}"})

        def _send(self, status: int, value: Mapping[str, Any]) -> None:
            body = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  as http.server has it
            """Say nothing: requests hold people's texts."""

    return ThreadingHTTPServer((host, port), Handler)


def main() -> int:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(prog="python -m prefdata.training.serve", description=__doc__)
    parser.add_argument("reward", type=Path, help="a reward directory")
    parser.add_argument("prompts", type=Path, nargs="+", help="an export's *.prompts.jsonl")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=5000)
    options = parser.parse_args()
    try:
        prompts = prompts_by_id(options.prompts)
        with server(options.reward, prompts, options.host, options.port) as running:
            running.serve_forever()
    except PrefdataError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
