"""A server's reply: an answer, a reason to ask again, or a refusal that nothing can cure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

RETRY_STATUS = frozenset({408, 409, 425, 429})
OVERRUN_STATUS = frozenset({429, 503, 529})
FATAL_STATUS = frozenset({401, 402, 403, 404, 405})
MOST_WAIT = 300.0
_TOO_LONG = re.compile(r"context length|too long|maximum .{0,20}tokens|exceeds", re.IGNORECASE)
_FILTERED = re.compile(r"content.?(?:filter|policy|management)|safety", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer; `finish_reason` is the server's own word."""

    text: str
    finish_reason: str
    prompt_tokens: int | None = None
    output_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Retry:
    """Ask again: why, and after how many seconds if the server says so.

    `overrun` says that the server has too much to do, rather than a fault.
    """

    reason: str
    wait: float | None = None
    overrun: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """Do not ask again; `fatal` says that no other request would fare better."""

    finish_reason: str
    detail: str
    fatal: bool = False


def read_reply(status: int, headers: Mapping[str, str], body: bytes) -> Reply | Retry | Refused:
    """Return what a response means."""
    if status == 200:
        return _completion(body)
    if status in RETRY_STATUS or status >= 500:
        wait = _wait(headers.get("Retry-After"))
        return Retry(f"HTTP {status}", wait, overrun=status in OVERRUN_STATUS)
    detail = _message(body)
    if status in (400, 413, 422) and _TOO_LONG.search(detail):
        return Refused("too_long", detail)
    if status in (400, 403, 422) and _FILTERED.search(detail):
        return Refused("content_filter", detail)
    return Refused("error", f"HTTP {status}: {detail}", fatal=status in FATAL_STATUS)


def _completion(body: bytes) -> Reply | Retry:
    """Return the first choice; half a body, wrong JSON or no choice is a reason to ask again."""
    try:
        value = json.loads(body)
        choice = value["choices"][0]
        text = choice["message"]["content"]
        usage = value.get("usage") or {}
        reason = choice.get("finish_reason") or "stop"
    except ValueError:
        return Retry("a reply that is not JSON")
    except (KeyError, IndexError, TypeError, AttributeError):
        return Retry("a reply without an answer in it")
    if not isinstance(text, str):
        text = ""
    return Reply(text, reason, usage.get("prompt_tokens"), usage.get("completion_tokens"))


def _wait(header: str | None) -> float | None:
    """Read Retry-After: seconds, or a date."""
    if not header:
        return None
    try:
        return min(max(float(header), 0.0), MOST_WAIT)
    except ValueError:
        pass
    try:
        date = parsedate_to_datetime(header)
    except (TypeError, ValueError):
        return None
    import datetime

    now = datetime.datetime.now(datetime.UTC)
    return min(max((date - now).total_seconds(), 0.0), MOST_WAIT)


def _message(body: bytes) -> str:
    try:
        value: Any = json.loads(body)
        error = value.get("error", value)
        text = error.get("message") or value.get("detail") if isinstance(error, dict) else error
    except (ValueError, AttributeError):
        text = body.decode("utf-8", "replace")
    return " ".join(str(text).split())[:300]
