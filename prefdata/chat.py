"""One question to an OpenAI-compatible server, for what judges, scores or rates with a model."""

from __future__ import annotations

import json
import os
import re
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any, Final

from prefdata.core.errors import ConfigError, InputError

UNREAD: Final = "refused by the server: too long for the model, or filtered"
_ATTEMPTS = 4
_REFUSALS = (400, 403, 413, 422)
# What servers say of a text, rather than of the request.
_THIS_TEXT = re.compile(
    r"context.?length|too (?:long|large)|maximum .{0,20}tokens|content.?(?:filter|policy|manage)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Chat:
    """A model behind ``<base_url>/chat/completions``; the key is read from the environment."""

    base_url: str
    model: str
    api_key_env: str = ""
    timeout: float = 120.0

    def ask(self, system: str, question: str, *, max_tokens: int, seed: int = 0) -> str | None:
        """Return the model's answer at temperature 0; without a system prompt where it is empty.

        None if the server refuses this very text, which is too long for it or filtered: one text
        of a megabyte should not end a run.

        Raises:
            InputError: the server does not answer, or not in the form of the API.
        """
        messages = [{"role": "system", "content": system}] if system else []
        body = {
            "model": self.model,
            "temperature": 0,
            "max_tokens": max_tokens,
            "seed": seed,
            "messages": [*messages, {"role": "user", "content": question}],
        }
        answer = self._post(json.dumps(body).encode("utf-8"))
        if answer is None:
            return None
        try:
            text = str(answer["choices"][0]["message"]["content"] or "")
        except (KeyError, IndexError, TypeError) as error:
            raise InputError("the server's answer has no text", self.base_url) from error
        return text.encode("utf-8", "replace").decode("utf-8")  # JSON can carry half a character

    def _post(self, body: bytes) -> Any:
        headers = {"Content-Type": "application/json"}
        if self.api_key_env:
            key = os.environ.get(self.api_key_env)
            if not key:
                raise ConfigError(f"the environment has no {self.api_key_env}", fix="export it")
            headers["Authorization"] = f"Bearer {key}"
        url = self.base_url.rstrip("/") + "/chat/completions"
        if not url.startswith(("http://", "https://")):
            raise ConfigError(f"{self.base_url!r} is no web address", fix="http://HOST:PORT/v1")
        request = urllib.request.Request(url, body, headers)
        for attempt in range(_ATTEMPTS):
            try:
                with urllib.request.urlopen(request, timeout=self.timeout) as response:
                    return json.load(response)
            except urllib.error.HTTPError as error:
                told = error.read().decode("utf-8", "replace")
                if error.code in _REFUSALS and _THIS_TEXT.search(told):
                    return None
                self._give_up_at(attempt, error, url, f"{error}: {told[:200]}")
            except (urllib.error.URLError, TimeoutError, ValueError, ConnectionError) as error:
                self._give_up_at(attempt, error, url, str(error))
            time.sleep(0.2 * 4**attempt)
        raise InputError("the server does not answer", url)

    def _give_up_at(self, attempt: int, error: Exception, url: str, told: str) -> None:
        """Raise if another attempt would fare no better, or it was the last one."""
        is_final = isinstance(error, urllib.error.HTTPError) and error.code in (400, 401, 404)
        if is_final or attempt == _ATTEMPTS - 1:
            raise InputError(
                f"the server does not answer: {told}",
                url,
                "is it running, and the model's name right?",
            ) from error
