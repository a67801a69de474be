"""The translator `server`: any OpenAI-compatible ``/v1/chat/completions``, one or several.

Everything runs in the caller's thread: while the caller judges and stores an answer, the others
arrive in the sockets' buffers.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, ClassVar

from pydantic import Field, field_validator

from prefdata.config.settings import RUNTIME
from prefdata.core.errors import ConfigError, PrefdataError
from prefdata.core.stage import Answer, Context, Request
from prefdata.translate.chat import ChatModel, ChatSettings, prompt_key
from prefdata.translate.endpoints import Endpoint, backoff, choose
from prefdata.translate.landed import Landed
from prefdata.translate.reply import Refused, Reply, Retry, read_reply

FIRST_CONTACT_SECONDS = 20.0
FIRST_REFUSALS = 8  # requests refused before any was answered: then it is not they that are wrong
TICK_SECONDS = 0.05  # of waiting, after which the caller may store what it has
ERROR = "error"


class ServerDown(PrefdataError):
    """A server gave no answer for as long as it was asked."""

    exit_code = 2


class Server:
    """Asks chat models over HTTP: pooled connections, as many at once as the servers bear.

    429, 5xx, time-outs, broken connections and replies that make no sense are asked again, after
    a growing wait or the one that the server names. A request that fails for `retry_seconds`
    while others succeed is given up alone; if nothing succeeds any more the run ends, and
    everything answered until then is kept.
    """

    version: ClassVar[int] = 1
    checked: ClassVar[bool] = True

    class Config(ChatSettings):
        """Settings of the translator `server`."""

        base_url: Annotated[str | tuple[str, ...], RUNTIME] = Field(
            description="address up to /v1, or a list of several with the same model"
        )
        api_key_env: Annotated[str, RUNTIME] = Field(
            default="OPENAI_API_KEY", description="environment variable that holds the key, if any"
        )
        concurrency: Annotated[int, RUNTIME] = Field(
            default=64, ge=1, description="most requests in flight at each address"
        )
        timeout: Annotated[float, RUNTIME] = Field(
            default=600.0, gt=0, description="seconds for one answer"
        )
        retry_seconds: Annotated[float, RUNTIME] = Field(
            default=300.0, ge=0, description="how long a failing request is tried again"
        )
        body: dict[str, Any] = Field(
            default={}, description="more fields for the request, such as {'min_p': 0.05}"
        )

        @field_validator("base_url")
        @classmethod
        def _no_secrets(cls, value: str | tuple[str, ...]) -> str | tuple[str, ...]:
            if not value:
                raise ValueError("give at least one address")
            for url in [value] if isinstance(value, str) else value:
                if not url.startswith(("http://", "https://")) or "@" in url:
                    raise ValueError("give http(s)://host/v1, without user name or key")
            return value

    def __init__(self, config: Config, context: Context) -> None:
        self.config = config
        decoding = json.dumps(config.body, sort_keys=True) if config.body else ""
        self.model = ChatModel(config, context, decoding=decoding)
        self.layer = self.model.layer
        self.fingerprint = self.model.fingerprint
        self.fingerprint_of = self.model.fingerprint_of
        urls = (config.base_url,) if isinstance(config.base_url, str) else config.base_url
        self.endpoints = [Endpoint(_chat_url(url), config.concurrency) for url in urls]
        self._report = context.report
        self._constant: dict[tuple[str, bool], str] = {}
        self._last_success = 0.0
        self._answered = False
        self._refusals = 0

    @staticmethod
    def content_key(config: Config, context: Context) -> str:
        """Return the digest of the prompt."""
        return prompt_key(config, context)

    def translate(self, requests: Iterable[Request | None]) -> Iterator[Answer | None]:
        """Keep as many requests in flight as the servers bear; yield answers as they come."""
        self._last_success = time.monotonic()
        loop = asyncio.new_event_loop()
        try:
            session = loop.run_until_complete(self._session())
            try:
                yield from self._drive(loop, session, iter(requests))
            finally:
                loop.run_until_complete(session.close())
        finally:
            loop.close()

    async def _session(self) -> Any:
        import aiohttp

        key = os.environ.get(self.config.api_key_env, "")
        headers = {"Content-Type": "application/json"}
        if key:
            headers["Authorization"] = f"Bearer {key}"
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=60),
            timeout=aiohttp.ClientTimeout(
                total=None, sock_connect=30, sock_read=self.config.timeout
            ),
            headers=headers,
        )

    def _drive(
        self, loop: asyncio.AbstractEventLoop, session: Any, requests: Iterator[Request | None]
    ) -> Iterator[Answer | None]:
        flying: set[asyncio.Task[Answer]] = set()
        landed = Landed(loop)
        try:
            while self._fill(loop, session, requests, flying, landed) or flying:
                done = loop.run_until_complete(landed.some(TICK_SECONDS))
                if not done:
                    yield None
                flying.difference_update(done)
                # Answers first: what has been finished is kept, whatever else went wrong.
                for task in sorted(done, key=lambda t: t.exception() is not None):
                    yield task.result()
        finally:
            for task in flying:
                task.cancel()
            if flying:
                loop.run_until_complete(asyncio.wait(flying))

    def _fill(
        self,
        loop: asyncio.AbstractEventLoop,
        session: Any,
        requests: Iterator[Request | None],
        flying: set[asyncio.Task[Answer]],
        landed: Landed,
    ) -> bool:
        """Send what is ready, as far as there is room; tell whether anything is in flight."""
        while len(flying) < self._window():
            request = next(requests, None)
            if request is None:
                break
            task = loop.create_task(self._answer(session, request))
            task.add_done_callback(landed.note)
            flying.add(task)
        return bool(flying)

    def _window(self) -> int:
        return sum(int(endpoint.limit) for endpoint in self.endpoints)

    async def _answer(self, session: Any, request: Request) -> Answer:
        """Ask until there is an answer, or until there is no use in asking."""
        body = self._body(request)
        started, tries = time.monotonic(), 0
        while True:
            endpoint = await self._place()
            tries += 1
            endpoint.in_flight += 1
            sent = time.monotonic()
            try:
                reply = await self._ask(session, endpoint, body)
            finally:
                endpoint.in_flight -= 1
            if isinstance(reply, Reply):
                endpoint.succeeded()
                self._last_success, self._answered = time.monotonic(), True
                return Answer(
                    request.key, reply.text, reply.finish_reason, reply.prompt_tokens,
                    reply.output_tokens,
                )  # fmt: skip
            if isinstance(reply, Refused):
                self._refused(reply, endpoint)
                return Answer(request.key, None, reply.finish_reason, detail=reply.detail)
            endpoint.failed(time.monotonic(), sent, reply.wait, overrun=reply.overrun)
            self._report("retry", reason=reply.reason, tries=tries, url=endpoint.url)
            if self._is_silent():
                raise self._down(endpoint, reply)
            if tries > 2 and time.monotonic() - started > self.config.retry_seconds:
                return Answer(request.key, None, ERROR, detail=f"{reply.reason}, {tries} times")
            await asyncio.sleep(min(backoff(tries), 5.0) if reply.wait is None else 0)

    def _is_silent(self) -> bool:
        """Tell whether no server has answered for so long that none will."""
        patience = self.config.retry_seconds
        if not self._answered:
            patience = min(patience, FIRST_CONTACT_SECONDS)
        silence = time.monotonic() - self._last_success
        return silence > patience and all(e.failures > 2 for e in self.endpoints)

    async def _place(self) -> Endpoint:
        while True:
            endpoint = choose(self.endpoints, time.monotonic())
            if endpoint is not None:
                return endpoint
            await asyncio.sleep(0.01)

    async def _ask(self, session: Any, endpoint: Endpoint, body: bytes) -> Reply | Refused | Retry:
        import aiohttp

        try:
            async with session.post(endpoint.url, data=body) as response:
                return read_reply(response.status, response.headers, await response.read())
        except (TimeoutError, aiohttp.ServerTimeoutError):
            return Retry(f"no answer within {self.config.timeout:g} s", overrun=True)
        except (aiohttp.ClientError, OSError) as error:
            return Retry(f"{type(error).__name__}: {error}")

    def _refused(self, reply: Refused, endpoint: Endpoint) -> None:
        """End the run where no request could succeed: wrong key, wrong model, wrong address.

        A request that is refused while others are answered fails alone.
        """
        self._refusals += reply.finish_reason == ERROR
        if reply.fatal or (self._refusals >= FIRST_REFUSALS and not self._answered):
            raise ConfigError(
                f"the server refuses the request: {reply.detail}",
                endpoint.url,
                f"check model {self.config.model!r}, base_url and the key in"
                f" ${self.config.api_key_env}",
            )

    def _down(self, endpoint: Endpoint, reply: Retry) -> ServerDown:
        return ServerDown(
            f"the server does not answer: {reply.reason}, {endpoint.failures} times running",
            endpoint.url,
            "start it, or correct base_url; what was translated is kept, the same command goes on",
        )

    def _body(self, request: Request) -> bytes:
        """Return the request as JSON; what its source kind has in common is written out once."""
        sampling = self.model.sampling(request)
        own: dict[str, Any] = {
            "model": self.config.model,
            "max_tokens": sampling.max_tokens,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "seed": sampling.seed,
            **self.config.body,
        }
        if sampling.frequency_penalty:
            own["frequency_penalty"] = sampling.frequency_penalty
        strict = self.model.is_strict(request)
        prompt = self.model.prompt
        if (request.kind, strict) not in self._constant:
            constant = _json(list(prompt.constant(request.kind, strict=strict)))
            self._constant[request.kind, strict] = constant[1:-1]
        turns = _json(prompt.turns(request, strict=strict))[1:-1]
        messages = f"{self._constant[request.kind, strict]}, {turns}"
        body = f'{{"messages": [{messages}], {_json(own)[1:]}'
        return body.encode("utf-8", "replace")


_json = json.JSONEncoder(ensure_ascii=False).encode


def _chat_url(url: str) -> str:
    base = url.rstrip("/")
    return base if base.endswith("/chat/completions") else f"{base}/chat/completions"
