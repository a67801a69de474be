"""OpenAI's summarize_from_feedback: summaries of posts and articles, compared or rated by people.

A prompt is one user turn, in the layout that its makers gave their models. White space at the ends
of each part is taken off, and a line without a value is left out::

    SUBREDDIT: r/<subreddit>            TITLE: <title>

    TITLE: <title>                      ARTICLE: <article>

    POST: <post>                        TL;DR:

    TL;DR:
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final, Literal

from pydantic import Field

from prefdata.core.finding import Skip
from prefdata.core.origin import Layer
from prefdata.core.records import Completion, Preference
from prefdata.core.stage import Context
from prefdata.sources.axis import Rated, Ratings, ranking_of, row_of
from prefdata.sources.columns import (
    column,
    items,
    mapping,
    number,
    optional_text,
    text,
    wrong_type,
)
from prefdata.sources.files import Upstream
from prefdata.sources.reader import Row
from prefdata.sources.reasons import RowFault
from prefdata.sources.record import Ranked, said, skip_of, to_record
from prefdata.sources.settings import REPO_ID, SourceSettings
from prefdata.sources.source import FileSource

ARTIFACT: Final = "openai/summarize_from_feedback"
FOLDERS: Final = {"comparisons": ("comparisons",), "axis": ("axis", "axis_evals")}
# The components of the data set by whose they are: OpenAI's license covers the labels and what its
# models wrote; posts and human summaries are of Reddit's users, articles of newspapers.
LABELS: Final = "labels_and_model_summaries"
HUMAN: Final = "human_reference"
POSTS: Final = "reddit_posts"
ARTICLES: Final = "cnndm_articles"
ASPECTS: Final = ("overall", "accuracy", "coverage", "coherence")
VALIDATION: Final = ("valid1", "valid2")


class SummarizeFromFeedback(FileSource):
    """Pairs and rankings of openai/summarize_from_feedback, in the hub's or the raw layout.

    Comparisons become pairs: `choice` is the preferred summary, `margin` the judge's confidence
    from 1 to 9 where it is given. Axis rows become rankings by post, ranked by the mean `overall`
    score (1 to 7), with accuracy, coverage and coherence as further scores. Worker ids and notes
    stay behind. Validation rows are nearly as many as training rows: say which `split` you want
    (train, valid1, valid2, test, or validation for both valid ones).
    """

    class Config(SourceSettings):
        """Settings of `summarize_from_feedback`."""

        repo_id: str | None = Field(default=ARTIFACT, description=REPO_ID)
        subset: Literal["comparisons", "axis"] | None = Field(
            default=None, description="comparisons (pairs) or axis (rankings); default: both"
        )
        kind: str = Field(default="summarize", description="the source kind that prompts go by")

    version: ClassVar[int] = 1
    artifact: ClassVar[str] = ARTIFACT
    config: Config

    @staticmethod
    def upstream_of(config: Config, context: Context) -> Upstream:
        """Return the files; their rows tell the split, as raw files mix several."""
        known = tuple(folder for folders in FOLDERS.values() for folder in folders)
        wanted = FOLDERS[config.subset] if config.subset else ()
        return Upstream(config, context, known, wanted, split_by_file=False)

    def records(self) -> Iterator[Preference | Skip]:
        """Yield a pair or skip a comparison, in the order of the files; then the rankings."""
        ratings = Ratings()
        for row in self.rows():
            read = row if isinstance(row, Skip) else self._read(row)
            if isinstance(read, Rated):
                ratings.add(read)
            else:
                yield read
        for of_post in ratings.by_post():
            yield from self._ranking(of_post)

    def layers(self) -> Sequence[tuple[Layer, ...]]:
        """Return a combination for each kind of text and each set of writers, a revision."""
        return [
            self._layers(origin, writers, revision)
            for revision in self.upstream.layer_revisions()
            for origin in (POSTS, ARTICLES)
            for writers in ((LABELS,), (HUMAN,), (HUMAN, LABELS))
        ]

    def _layers(self, origin: str, writers: Sequence[str], revision: str) -> tuple[Layer, ...]:
        own = self.source
        return (
            Layer("source_text", f"{own} {origin}", revision),
            *(Layer("response", f"{own} {writer}", revision) for writer in sorted(set(writers))),
            Layer("label", f"{own} {LABELS}", revision),
        )

    def _read(self, row: Row) -> Preference | Rated | Skip:
        try:
            return self._convert(row)
        except RowFault as fault:
            return skip_of(row, fault)

    def _convert(self, row: Row) -> Preference | Rated:
        columns = mapping(row.value)
        subset = "comparisons" if "summaries" in columns else "axis"
        if self.config.subset not in (None, subset):
            raise RowFault("source_other_layout", f"a row of {subset}")
        split = optional_text(columns, "split") or row.file.split
        if not is_wanted(split, self.config.split):
            raise RowFault("source_other_split", f"a row of {split or 'no split'}")
        prompt, origin = prompt_of(mapping(column(columns, "info"), "info"))
        if subset == "axis":
            return rated_of(columns, row, prompt, origin, split)
        summaries = summaries_of(columns)
        return self._record(
            compared(summaries, columns, prompt, split),
            row,
            origin,
            [writer_of(summary) for summary in summaries],
        )

    def _record(self, ranked: Ranked, row: Row, origin: str, writers: Sequence[str]) -> Preference:
        layers = self._layers(origin, writers, row.file.layer_revision)
        return to_record(ranked, row, source=self.source, kind=self.config.kind, layers=layers)

    def _ranking(self, ratings: Sequence[Rated]) -> Iterator[Preference | Skip]:
        """Yield one post's ranking, or a skip for each of its rows."""
        writers = [rated.writer for rated in ratings]
        try:
            yield self._record(ranking_of(ratings), row_of(ratings), ratings[0].origin, writers)
        except RowFault as fault:
            for rated in ratings:
                yield skip_of(rated.row, fault)


def is_wanted(split: str, wanted: str | None) -> bool:
    """Tell whether a row's split is the one asked for; ``validation`` is valid1 and valid2."""
    return wanted in (None, split) or (wanted == "validation" and split in VALIDATION)


def prompt_of(info: Mapping[str, Any]) -> tuple[str, str]:
    """Return the prompt's text and the component that it is of; see the module's template."""
    post, article = optional_text(info, "post"), optional_text(info, "article")
    subreddit, title = optional_text(info, "subreddit"), optional_text(info, "title")
    if post.strip():
        parts = {"SUBREDDIT: r/": subreddit, "TITLE: ": title, "POST: ": post}
        return _in_layout(parts), POSTS
    if article.strip():
        return _in_layout({"TITLE: ": title, "ARTICLE: ": article}), ARTICLES
    raise RowFault("source_no_prompt", "neither info.post nor info.article has text")


def _in_layout(parts: Mapping[str, str]) -> str:
    given = [name + value.strip() for name, value in parts.items() if value.strip()]
    return "\n\n".join([*given, "TL;DR:"])


def summaries_of(row: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the two summaries of a comparison."""
    found = [mapping(item, "a summary") for item in items(row, "summaries")]
    if len(found) != 2:
        raise RowFault("source_bad_value", f"{len(found)} summaries, not two")
    return found


def writer_of(summary: Mapping[str, Any]) -> str:
    """Return the component that a summary is of: people wrote those of policy ``ref``."""
    return HUMAN if text(summary, "policy") == "ref" else LABELS


def compared(
    summaries: Sequence[Mapping[str, Any]], row: Mapping[str, Any], prompt: str, split: str
) -> Ranked:
    """Return the pair of a comparison; `choice` is the index of the preferred summary."""
    choice = column(row, "choice")
    if isinstance(choice, bool) or not isinstance(choice, int):
        raise wrong_type("choice", choice, "0 or 1")
    if choice not in (0, 1):
        raise RowFault("source_bad_value", "choice is neither 0 nor 1")
    extra = mapping(row.get("extra") or {}, "extra")
    confidence = extra.get("confidence")
    completions = tuple(
        Completion(said("assistant", text(summary, "text")), 1 if index == choice else 2)
        for index, summary in enumerate(summaries)
    )
    return Ranked(
        said("user", prompt),
        completions,
        margin=None if confidence is None else number(confidence, "confidence"),
        split=split,
    )


def rated_of(
    row: Mapping[str, Any], origin_row: Row, prompt: str, origin: str, split: str
) -> Rated:
    """Return the rated summary of an axis row.

    Raises:
        RowFault: it has no text, or no `overall` score to rank by.
    """
    summary = mapping(column(row, "summary"), "summary")
    axes = mapping(summary.get("axes") or {}, "axes")
    scores = {name: number(axes[name], name) for name in ASPECTS if axes.get(name) is not None}
    if "overall" not in scores:
        raise RowFault("source_no_score", "axes.overall is not given")
    words = text(summary, "text").strip()
    if not words:
        raise RowFault("source_empty_completion")
    return Rated(origin_row, prompt, origin, split, words, writer_of(summary), scores)
