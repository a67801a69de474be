"""The settings of a release."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, field_validator

from prefdata.config.settings import Settings
from prefdata.core.errors import InputError
from prefdata.publish.files import size_of
from prefdata.publish.groups import TEST, VALIDATION


class Splits(Settings):
    """How large the splits are: shares of all groups (0.01), or numbers of pairs (1000)."""

    validation: int | float = Field(default=0.01, ge=0)
    test: int | float = Field(default=0.01, ge=0)
    own_test: Literal["respect", "ignore"] = Field(
        default="respect",
        description="respect: what touches a source's own test split goes whole to test",
    )
    near: float | None = Field(
        default=None,
        ge=0.5,
        le=1,
        description="first user turns that are this similar (Jaccard of character 5-grams, "
        "0.85 for example) lie in one split, too; off by default",
    )

    def sizes(self) -> dict[int, int | float]:
        """Return the sizes by split, test first: its groups have the lowest draws."""
        return {TEST: self.test, VALIDATION: self.validation}


class Template(Settings):
    """How `labels` joins prompt and completion: a marker before each turn, a blank line between."""

    system: str = "system: "
    user: str = "user: "
    assistant: str = "assistant: "
    separator: str = "\n\n"

    def markers(self) -> dict[str, str]:
        """Return the marker of each role."""
        return {"system": self.system, "user": self.user, "assistant": self.assistant}


class ReleaseSettings(Settings):
    """Settings of a release."""

    languages: tuple[str, ...] = Field(
        default=("ja",), min_length=1, description="which texts; 'en' adds the source's own"
    )
    splits: Splits = Field(
        default=Splits(),
        description="sizes as shares (0.01) or numbers of pairs (1000); own_test: respect or "
        "ignore; near: how similar first turns must be (0.85) to lie in one split, too",
    )
    shard_size: str = Field(default="256MB", description="the size of a Parquet file")
    margin: bool = Field(default=False, description="add the column 'margin' to pairs")
    sft: bool = Field(default=False, description="add the view 'sft': the best completions")
    contradictions: Literal["drop", "keep"] = Field(
        default="drop", description="pairs whose texts occur with the opposite label, too"
    )
    template: Template = Field(
        default=Template(), description="how 'labels' joins turns: a marker for each role"
    )
    repo_id: str = Field(default="", description="the name on the hub that the card shows")
    title: str = Field(default="", description="the card's heading; the pipeline's name if empty")

    @field_validator("repo_id")
    @classmethod
    def _is_name(cls, value: str) -> str:
        """Refuse what the hub would refuse as a name."""
        if value and not re.fullmatch(r"[\w.-]+/[\w.-]+", value, re.ASCII):
            raise ValueError(f"not a name on the hub: {value!r}, write it like USER/NAME")
        return value

    @field_validator("shard_size")
    @classmethod
    def _is_size(cls, value: str) -> str:
        """Refuse what is no size."""
        try:
            size_of(value)
        except InputError as error:
            raise ValueError(f"{error.what}: {error.fix}") from error
        return value
