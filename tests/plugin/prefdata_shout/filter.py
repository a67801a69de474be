"""A filter: what it may see is a comparison that does not tell which completion is preferred."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from prefdata.config.settings import Settings
from prefdata.core.finding import Finding
from prefdata.core.stage import Context
from prefdata.filters.view import Comparison


class NoExclamation:
    """Drops a record if a completion ends in a full-width exclamation mark."""

    version = 1
    reasons: ClassVar[tuple[str, ...]] = ("no_exclamation",)

    class Config(Settings):
        """The filter has no settings."""

    def __init__(self, config: Config, context: Context) -> None:
        pass

    def check(self, record: Comparison) -> Sequence[Finding]:
        """Return a finding for each completion that shouts."""
        return [
            Finding("no_exclamation", f"completion_{n}")
            for n, turns in enumerate(record.completions)
            if turns[-1].target.endswith("！")
        ]
