"""A user's own pairs and rankings, in the layouts that TRL and most data sets use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, Final, Literal

from pydantic import Field, field_validator

from prefdata.core.errors import nearest
from prefdata.core.origin import Layer
from prefdata.core.records import Preference, digest
from prefdata.core.stage import Context
from prefdata.sources.columns import mapping, number, wrong_type
from prefdata.sources.layouts import read_pair, read_ranking
from prefdata.sources.reader import Row
from prefdata.sources.reasons import RowFault
from prefdata.sources.record import Ranked, to_record
from prefdata.sources.settings import SourceSettings
from prefdata.sources.source import RowSource

COLUMNS: Final = (
    "prompt",
    "chosen",
    "rejected",
    "completions",
    "ranks",
    "scores",
    "margin",
    "group",
)

SHOWN = 8  # column names of a row that is not understood


class Jsonl(RowSource):
    """Your own pairs or rankings, of JSON Lines or Parquet; `layouts` tells what a row may be.

    Pairs have `chosen` and `rejected`, rankings `completions` and `ranks` (1 is best) or `scores`
    (more is better). Texts are plain or conversations. What has no `artifact`, an entry of the
    license registry, has no license that anybody declared, so the license gate denies it.
    """

    class Config(SourceSettings):
        """Settings of `jsonl`."""

        columns: dict[str, str] = Field(
            default_factory=dict,
            description=f"your own names for {', '.join(COLUMNS)}, as in {{prompt: question}}",
        )
        lang: str = Field(default="en", min_length=2, description="the language, such as en or ja")
        kind: str | None = Field(
            default=None,
            description="the source kind that prompts go by; default: native for ja, else own",
        )
        pairing: Literal["all", "best_worst"] = Field(
            default="all",
            description="which pairs a ranking gives: all, or the best against the worst",
        )
        subset: str = Field(default="", description="the part of the data set that the rows are of")
        response_models: tuple[str, ...] = Field(
            default=(), description="registry entries of the models that wrote the completions"
        )
        judge: str | None = Field(
            default=None, description="the registry entry of the model that judged, if one did"
        )

        @field_validator("columns")
        @classmethod
        def _known(cls, value: dict[str, str]) -> dict[str, str]:
            """Refuse to map what no row has."""
            for name in value:
                if name not in COLUMNS:
                    raise ValueError(f"there is no column {name!r}; {nearest(name, COLUMNS)}")
            return value

    version: ClassVar[int] = 1
    config: Config

    def __init__(self, config: Config, context: Context) -> None:
        super().__init__(config, context)
        self.kind = config.kind or ("native" if config.lang == "ja" else "own")

    def layers_at(self, revision: str) -> tuple[Layer, ...]:
        """Return whose the rows are, and the models that wrote and judged them."""
        models = [Layer("response_model", model) for model in self.config.response_models]
        judges = [Layer("judge", self.config.judge)] if self.config.judge else []
        return (*super().layers_at(revision), *models, *judges)

    def record(self, row: Row) -> Preference:
        """Return the record of a row; see `RowSource.record`."""
        given = mapping(row.value)
        columns = self._columns(given)
        self._refuse_other_names(columns, given)
        ranked = read_ranking(columns) if "completions" in columns else read_pair(columns)
        return to_record(
            self._with_settings(ranked, columns),
            row,
            source=self.source,
            kind=self.kind,
            layers=self.layers_at(row.file.layer_revision),
        )

    def _columns(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return the columns that we know, under our names, nulls left out."""
        names = {name: self.config.columns.get(name, name) for name in COLUMNS}
        return {name: row[theirs] for name, theirs in names.items() if row.get(theirs) is not None}

    def _refuse_other_names(self, columns: Mapping[str, Any], given: Mapping[str, Any]) -> None:
        """Say which columns a row has that holds neither a pair nor a ranking.

        Raises:
            RowFault: neither `completions` nor both `chosen` and `rejected` are there.
        """
        missing = [name for name in ("chosen", "rejected") if name not in columns]
        if missing and "completions" not in columns:
            theirs = self.config.columns.get(missing[0], missing[0])
            found = ", ".join(list(given)[:SHOWN]) or "none"
            raise RowFault(
                "source_missing_column",
                f"{theirs} is missing; the row's columns: {found} ('columns' maps your own names)",
            )

    def _with_settings(self, ranked: Ranked, columns: Mapping[str, Any]) -> Ranked:
        margin = number(columns["margin"], "margin") if "margin" in columns else ranked.margin
        return replace(
            ranked,
            lang=self.config.lang,
            pairing=self.config.pairing,
            margin=margin,
            group=_group(columns),
            config=self.config.subset,
        )


def _group(columns: Mapping[str, Any]) -> str | None:
    """Return the group of a row that names one: a question's number, a dialogue's id."""
    if "group" not in columns:
        return None
    value = columns["group"]
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise wrong_type("group", value, "text or a number")
    if not str(value).strip():
        raise RowFault("source_bad_value", "group is empty")
    return digest("group", "named", str(value))
