"""Dahoas/synthetic-instruct-gptj-pairwise: an instruction and two answers of two models."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar, Final

from pydantic import Field

from prefdata.core.finding import Skip
from prefdata.core.origin import Layer
from prefdata.core.records import Preference
from prefdata.core.stage import Context
from prefdata.sources.columns import mapping, text
from prefdata.sources.files import Upstream
from prefdata.sources.reader import Row, read_rows
from prefdata.sources.record import layers_of, pair, records, said, to_record
from prefdata.sources.settings import REPO_ID, SourceSettings

ARTIFACT: Final = "Dahoas/synthetic-instruct-gptj-pairwise"


class SyntheticInstructGptjPairwise:
    """Pairs of Dahoas/synthetic-instruct-gptj-pairwise: single turns without role markers.

    Nobody judged them: by construction the chosen answer is of a better model than the rejected
    one, so a reward model learns which model wrote a text. Who wrote the chosen answers is stated
    nowhere, nor is any license. The hub gives no commit that we know of: name one, or a local file.
    """

    class Config(SourceSettings):
        """Settings of `synthetic_instruct_gptj_pairwise`."""

        repo_id: str | None = Field(default=ARTIFACT, description=REPO_ID)
        kind: str = Field(default="synthetic", description="the source kind that prompts go by")

    version: ClassVar[int] = 1

    def __init__(self, config: Config, context: Context) -> None:
        self.config = config
        self.source = config.artifact or ARTIFACT
        self.upstream = Upstream(config, context)

    def records(self) -> Iterator[Preference | Skip]:
        """Yield a pair or a skip for every row, in the order of the files."""
        rows = read_rows(self.upstream.files(), self.config.limit)
        yield from records(rows, self._record)

    def layers(self) -> Sequence[tuple[Layer, ...]]:
        """Return one combination a revision."""
        return [self._layers(revision) for revision in self.upstream.layer_revisions()]

    @staticmethod
    def content_key(config: Config, context: Context) -> str:
        """Return the digest of the local files, or the hub revision."""
        return Upstream(config, context).content_key()

    def _layers(self, revision: str) -> tuple[Layer, ...]:
        own = self.source
        return layers_of({"source_text": own, "response": own, "label": own}, revision)

    def _record(self, row: Row) -> Preference:
        columns = mapping(row.value)
        ranked = pair(
            said("user", text(columns, "prompt")),
            said("assistant", text(columns, "chosen")),
            said("assistant", text(columns, "rejected")),
        )
        return to_record(
            ranked,
            row,
            source=self.source,
            kind=self.config.kind,
            layers=self._layers(row.file.layer_revision),
        )
