"""The settings that all sources share: where the rows come from, and whose they are."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import Annotated, ClassVar, Self

from pydantic import Field, StringConstraints, model_validator

from prefdata.config.settings import Settings

REPO_ID = "the data set's name on the hub, as in owner/name"
Revision = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}$")]


class SourceSettings(Settings):
    """Rows from a local `path`, or from the hub data set `repo_id` at a pinned `revision`.

    `pinned` is the revision that is read of the default `repo_id` where none is given; None where
    we know of no commit with readable files. Such a source can be planned, but not read.
    """

    pinned: ClassVar[str | None] = None

    path: str | None = Field(
        default=None,
        description="a file, folder or glob (.jsonl, .jsonl.gz, .json, .json.gz, .parquet), "
        "relative to the pipeline file; without it the rows come from the hub",
    )
    repo_id: str | None = Field(default=None, description=REPO_ID)
    revision: Revision | None = Field(
        default=None,
        description="the pinned commit, 40 hex digits; with 'path', the upstream commit that the "
        "file is of",
    )
    split: str | None = Field(
        default=None,
        description="take this split's files only; with one local file, the split that it is of",
    )
    artifact: str | None = Field(
        default=None,
        description="the rows' entry in the license registry; default: the upstream's",
    )
    limit: int | None = Field(default=None, ge=1, description="read at most so many rows")

    @property
    def hub_revision(self) -> str | None:
        """Return the commit to read from the hub."""
        return self.revision or (None if "repo_id" in self.model_fields_set else self.pinned)

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        """Refuse two places for the same rows, and none."""
        if self.path is not None and "repo_id" in self.model_fields_set:
            raise ValueError("give 'path' or 'repo_id', not both")
        if self.path is None and self.repo_id is None:
            raise ValueError("give 'path' (a local file) or 'repo_id' (a hub data set)")
        if "repo_id" in self.model_fields_set and self.revision is None:
            raise ValueError("'repo_id' needs the pinned 'revision': the 40 hex digits of a commit")
        return self


def artifact_of(config: SourceSettings) -> str:
    """Return whose the rows are; ``undeclared:<file>`` if nobody says so."""
    if config.artifact:
        return config.artifact
    if config.path is None:
        return str(config.repo_id)
    return "undeclared:" + (re.sub(r"[^\w.-]+", "_", PurePath(config.path).name) or "rows")
