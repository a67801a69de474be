"""Anthropic's hh-rlhf: two whole dialogues a row, alike up to the answers that people compared."""

from __future__ import annotations

import re
from typing import ClassVar, Final

from pydantic import Field, field_validator

from prefdata.core.errors import InputError, nearest
from prefdata.core.records import Conversation, Message, Preference, Role
from prefdata.core.stage import Context
from prefdata.sources.columns import mapping, text
from prefdata.sources.files import Upstream
from prefdata.sources.reader import Row
from prefdata.sources.reasons import RowFault
from prefdata.sources.record import (
    Ranked,
    pair,
    shared_length,
    to_record,
)
from prefdata.sources.settings import REPO_ID, SourceSettings
from prefdata.sources.source import RowSource

ARTIFACT: Final = "Anthropic/hh-rlhf"
SUBSETS: Final = ("helpful-base", "helpful-online", "helpful-rejection-sampled", "harmless-base")
REFUSED: Final = "red-team-attempts"
REFUSAL: Final = (
    f"{REFUSED} holds single transcripts with ratings, not pairs, and its makers say that it is "
    "not meant for preference modeling"
)

# A turn begins here and nowhere else: "Human:" alone also occurs inside of turns, and turns hold
# blank lines.
_MARKER = re.compile(r"\n\n(Human|Assistant):")
_ROLES: dict[str, Role] = {"Human": "user", "Assistant": "assistant"}


class HhRlhf(RowSource):
    """Pairs of Anthropic/hh-rlhf: helpful and harmless dialogues, judged by crowdworkers.

    The prompt is the longest history that both dialogues share, at least one turn short of either
    end; a completion may hold several assistant messages. Without `path` and `revision`, the hub's
    commit 09be8c5 is read. Its makers mean the data for research on making models less harmful;
    harmless-base is offensive in many places.
    """

    class Config(SourceSettings):
        """Settings of `hh_rlhf`."""

        pinned: ClassVar[str | None] = "09be8c5bbc57cb3887f3a9732ad6aa7ec602a1fa"

        repo_id: str | None = Field(default=ARTIFACT, description=REPO_ID)
        subset: str | tuple[str, ...] | None = Field(
            default=None, description=f"one or several of {', '.join(SUBSETS)}; default: all"
        )
        kind: str = Field(default="hh", description="the source kind that prompts go by")

        @field_validator("subset")
        @classmethod
        def _known(cls, value: str | tuple[str, ...] | None) -> tuple[str, ...] | None:
            """Refuse unknown subsets, and the one that is not for preference modeling."""
            names = (value,) if isinstance(value, str) else value
            for name in names or ():
                if name == REFUSED:
                    raise ValueError(f"{REFUSAL}; known: {', '.join(SUBSETS)}")
                if name not in SUBSETS:
                    raise ValueError(f"there is no subset {name!r}; {nearest(name, SUBSETS)}")
            return names

    version: ClassVar[int] = 1
    artifact: ClassVar[str] = ARTIFACT
    config: Config

    @staticmethod
    def upstream_of(config: Config, context: Context) -> Upstream:
        """Return the files of the wanted subsets; red-team transcripts are never among them."""
        wanted = tuple(config.subset or ())
        return Upstream(config, context, SUBSETS, wanted, {REFUSED: REFUSAL})

    def record(self, row: Row) -> Preference:
        """Return the record of a row; see `RowSource.record`."""
        columns = mapping(row.value)
        if "transcript" in columns and "chosen" not in columns:
            raise InputError(REFUSAL, str(row.file.path), f"known subsets: {', '.join(SUBSETS)}")
        return to_record(
            split_pair(text(columns, "chosen"), text(columns, "rejected")),
            row,
            source=self.source,
            kind=self.config.kind,
            layers=self.layers_at(row.file.layer_revision),
        )


def split_pair(chosen: str, rejected: str) -> Ranked:
    """Return the shared history of two dialogues and the answers that differ.

    Raises:
        RowFault: they are no pair; which turns differ decides the reason.
    """
    better, worse = parse(chosen), parse(rejected)
    if "" in (better[-1].content, worse[-1].content):
        raise RowFault("source_empty_completion")
    if better == worse:
        raise RowFault("source_identical_completions")
    shared = shared_length(better, worse)
    ends = better[shared:], worse[shared:]
    if any(end[-1].role != "assistant" for end in ends):
        raise RowFault("source_no_answer", "the last turn is the user's")
    if any(message.role != "assistant" for end in ends for message in end):
        raise RowFault("source_histories_differ", f"from turn {shared} on")
    return pair(better[:shared], *ends)


def parse(dialogue: str) -> Conversation:
    """Return the turns of a dialogue, white space at their ends taken off, empty ones included.

    Raises:
        RowFault: it does not begin with a role marker.
    """
    head, *turns = _MARKER.split("\n\n" + dialogue.lstrip("\n"))
    if head.strip() or not turns:
        raise RowFault("source_no_role_marker")
    return tuple(
        Message(_ROLES[name], content.strip())
        for name, content in zip(turns[::2], turns[1::2], strict=True)
    )
