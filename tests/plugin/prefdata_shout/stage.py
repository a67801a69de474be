"""A stage that changes what it reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from prefdata.config.settings import Settings
from prefdata.core.finding import Outcome
from prefdata.core.records import Message, Preference
from prefdata.core.stage import Context, Kind


class Shout:
    """Adds a mark to every prompt."""

    version = 1
    reads: ClassVar[Kind] = "preferences"
    writes: ClassVar[Kind] = "preferences"

    class Config(Settings):
        """Which mark."""

        mark: str = "！"

    def __init__(self, config: Config, context: Context) -> None:
        self.mark = config.mark

    def __call__(self, batch: Sequence[Preference]) -> Outcome:
        """Return every record, louder."""
        return Outcome([replace(r, prompt=tuple(map(self.loud, r.prompt))) for r in batch], [])

    def loud(self, message: Message) -> Message:
        """Return the message with the mark."""
        return Message(message.role, message.content + self.mark)
