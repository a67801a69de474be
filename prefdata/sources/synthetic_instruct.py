"""Dahoas/synthetic-instruct-gptj-pairwise: an instruction and two answers of two models."""

from __future__ import annotations

from typing import ClassVar, Final

from pydantic import Field

from prefdata.core.records import Preference
from prefdata.sources.columns import mapping, text
from prefdata.sources.reader import Row
from prefdata.sources.record import pair, said, to_record
from prefdata.sources.settings import REPO_ID, SourceSettings
from prefdata.sources.source import RowSource

ARTIFACT: Final = "Dahoas/synthetic-instruct-gptj-pairwise"


class SyntheticInstructGptjPairwise(RowSource):
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
    artifact: ClassVar[str] = ARTIFACT
    config: Config

    def record(self, row: Row) -> Preference:
        """Return the record of a row; see `RowSource.record`."""
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
            layers=self.layers_at(row.file.layer_revision),
        )
