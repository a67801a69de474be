"""The tasks of an event loop that have finished, for a caller outside of it."""

from __future__ import annotations

import asyncio

from prefdata.core.stage import Answer


class Landed:
    """Finished tasks; `asyncio.wait` would look at all that are in flight, every time."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.done: list[asyncio.Task[Answer]] = []
        self.waiter: asyncio.Future[None] | None = None

    def note(self, task: asyncio.Task[Answer]) -> None:
        """Take a finished task."""
        self.done.append(task)
        self._wake()

    async def some(self, seconds: float) -> list[asyncio.Task[Answer]]:
        """Return what has finished; nothing if so much time passes before anything does."""
        if not self.done:
            self.waiter = self.loop.create_future()
            timer = self.loop.call_later(seconds, self._wake)
            await self.waiter
            timer.cancel()
        done, self.done = self.done, []
        return done

    def _wake(self) -> None:
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_result(None)
