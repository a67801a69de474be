"""An OpenAI-compatible server on loopback that counts what it is sent and fails on demand."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from prefdata.translate.fake import invented

SOURCE = re.compile(r"<source[^>]*>\n(.*?)\n</source>", re.DOTALL)


@dataclass(frozen=True)
class Say:
    """What the server does with a request; without a status it drops the connection."""

    text: str | None = None
    status: int | None = 200
    finish_reason: str = "stop"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    keep: float = 1.0  # the share of the response that is sent before the connection breaks
    wait: float = 0.0


Script = Callable[[int, str, dict[str, Any]], "Say | None"]


def source_of(body: dict[str, Any]) -> str:
    """The text to be translated: what the last message shows between its tags."""
    found = SOURCE.findall(body["messages"][-1]["content"])
    return str(found[-1]) if found else str(body["messages"][-1]["content"])


@dataclass
class Loopback:
    """Runs in a thread; `script(number, source, body)` may make a request fail."""

    script: Script | None = None
    url: str = ""
    sources: Counter[str] = field(default_factory=Counter)
    chats: dict[int, str] = field(default_factory=dict)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    requests: int = 0
    authorization: set[str] = field(default_factory=set)
    in_flight: int = 0
    most_in_flight: int = 0
    keep_bodies: bool = True

    def __enter__(self) -> Loopback:
        self._loop = asyncio.new_event_loop()
        started = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(started,), daemon=True)
        self._thread.start()
        assert started.wait(10)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _run(self, started: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            self._loop.create_server(lambda: _Connection(self), "127.0.0.1", 0)
        )
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        started.set()
        self._loop.run_forever()
        server.close()
        pending = asyncio.all_tasks(self._loop)
        for task in pending:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*pending, return_exceptions=True))
        self._loop.close()

    def say(self, body: dict[str, Any]) -> Say:
        source = source_of(body)
        number, self.requests = self.requests, self.requests + 1
        self.sources[source] += 1
        self.chats[hash(tuple(m["content"] for m in body["messages"]))] = source
        if self.keep_bodies:
            self.bodies.append(body)
        scripted = self.script(number, source, body) if self.script else None
        return scripted or Say(invented(source))


class _Connection(asyncio.Protocol):
    def __init__(self, server: Loopback) -> None:
        self.server = server
        self.buffer = b""
        self.tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = self.buffer[:end].decode("latin-1")
            length = int(re.search(r"(?i)content-length: *(\d+)", head).group(1))  # type: ignore[union-attr]
            if len(self.buffer) < end + 4 + length:
                return
            body = json.loads(self.buffer[end + 4 : end + 4 + length])
            self.buffer = self.buffer[end + 4 + length :]
            found = re.search(r"(?i)authorization: *(.*)", head)
            self.server.authorization.add(found.group(1).strip() if found else "")
            task = asyncio.ensure_future(self.answer(body))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    async def answer(self, body: dict[str, Any]) -> None:
        server = self.server
        server.in_flight += 1
        server.most_in_flight = max(server.most_in_flight, server.in_flight)
        try:
            say = server.say(body)
            if say.wait:
                await asyncio.sleep(say.wait)
        finally:
            server.in_flight -= 1
        if say.status is None:
            self.transport.abort()
            return
        content = response(say)
        self.transport.write(content[: round(len(content) * say.keep)])
        if say.keep < 1:
            self.transport.close()


def response(say: Say) -> bytes:
    """The bytes of a response."""
    body = say.body
    if body is None and say.status == 200:
        choice = {
            "index": 0,
            "message": {"role": "assistant", "content": say.text},
            "finish_reason": say.finish_reason,
        }
        usage = {"prompt_tokens": 100, "completion_tokens": len(say.text or "")}
        body = json.dumps(
            {"object": "chat.completion", "choices": [choice], "usage": usage}
        ).encode()
    elif body is None:
        body = json.dumps({"error": {"message": say.text or "no"}}).encode()
    head = [f"HTTP/1.1 {say.status} X", "Content-Type: application/json"]
    head += [f"Content-Length: {len(body)}", *(f"{k}: {v}" for k, v in say.headers)]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body
