"""What sources have in common: where the rows are, whose they are, a record or a skip for each."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from prefdata.core.finding import Skip
from prefdata.core.origin import Layer
from prefdata.core.records import Preference
from prefdata.core.stage import Context
from prefdata.sources.files import Upstream
from prefdata.sources.reader import Row, read_rows
from prefdata.sources.record import layers_of, records
from prefdata.sources.settings import artifact_of


class FileSource:
    """A source that reads files, local ones or the hub's.

    A class of its own has `Config`, `version` and `records`, and overrides what differs:
    `upstream_of` where folders mean something, `layers` where texts, answers and labels are of
    several hands. `artifact` is the registry entry of the upstream data set; without it the
    settings tell.
    """

    Config: ClassVar[Any]  # a class of `SourceSettings`
    artifact: ClassVar[str] = ""

    def __init__(self, config: Any, context: Context) -> None:
        self.config = config
        self.source = config.artifact or self.artifact or artifact_of(config)
        self.upstream = self.upstream_of(config, context)

    def rows(self) -> Iterator[Row | Skip]:
        """Yield the rows of all files, at most as many as the settings allow."""
        return read_rows(self.upstream.files(), self.config.limit)

    def layers(self) -> Sequence[tuple[Layer, ...]]:
        """Return every combination of layers that a record can have: here, one a revision."""
        return [self.layers_at(revision) for revision in self.upstream.layer_revisions()]

    def layers_at(self, revision: str) -> tuple[Layer, ...]:
        """Return the layers of a revision where texts, answers and labels are of one hand."""
        own = self.source
        return layers_of({"source_text": own, "response": own, "label": own}, revision)

    @staticmethod
    def upstream_of(config: Any, context: Context) -> Upstream:
        """Return the files that the settings mean."""
        return Upstream(config, context)

    @classmethod
    def content_key(cls, config: Any, context: Context) -> str:
        """Return the digest of the local files, or the hub revision."""
        return cls.upstream_of(config, context).content_key()


class RowSource(FileSource, ABC):
    """A source that yields a record or a skip for every row; its own part is `record`."""

    def records(self) -> Iterator[Preference | Skip]:
        """Yield a record or a skip for every row, in the order of the files."""
        yield from records(self.rows(), self.record)

    @abstractmethod
    def record(self, row: Row) -> Preference:
        """Return the record of a row.

        Raises:
            RowFault: it yields none.
        """
