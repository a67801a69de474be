"""Ratings of single summaries, gathered by post into rankings.

Rows of one post need not stand together, so readable rows wait in a temporary SQLite file: memory
stays constant, and the disk holds each row's text once.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import groupby
from statistics import fmean
from tempfile import gettempdir

from prefdata.core.errors import InputError
from prefdata.core.records import Completion
from prefdata.sources.files import SourceFile
from prefdata.sources.layouts import ranks_of
from prefdata.sources.reader import Row
from prefdata.sources.reasons import RowFault
from prefdata.sources.record import Ranked, said

_TABLE = """
CREATE TABLE rating (
  n INTEGER PRIMARY KEY, place TEXT NOT NULL, file INTEGER NOT NULL, row_key TEXT NOT NULL,
  digest TEXT NOT NULL, prompt TEXT NOT NULL, origin TEXT NOT NULL, split TEXT NOT NULL,
  summary TEXT NOT NULL, writer TEXT NOT NULL, scores TEXT NOT NULL
)
"""
_INSERT = "INSERT INTO rating VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_BY_PLACE = """
SELECT place, file, row_key, digest, prompt, origin, split, summary, writer, scores
FROM rating JOIN (SELECT place, MIN(n) AS first FROM rating GROUP BY place) USING (place)
ORDER BY first, n
"""


@dataclass(frozen=True, slots=True)
class Rated:
    """One rated summary: `origin` and `writer` name the components that post and text are of."""

    row: Row
    prompt: str
    origin: str
    split: str
    summary: str
    writer: str
    scores: Mapping[str, float]


class Ratings:
    """Rated summaries on disk, to be had by post."""

    def __init__(self) -> None:
        self._files: list[SourceFile] = []
        self._db = sqlite3.connect("")  # a private file that SQLite removes
        self._db.execute("PRAGMA temp_store = FILE")
        self._db.execute(_TABLE)

    def add(self, rated: Rated) -> None:
        """Keep one rated summary."""
        if rated.row.file not in self._files:
            self._files.append(rated.row.file)
        file = self._files.index(rated.row.file)
        place = "\0".join((rated.prompt, rated.split, rated.row.file.layer_revision))
        entry = (
            sha256(place.encode()).hexdigest(),
            file,
            rated.row.key,
            rated.row.digest,
            rated.prompt,
            rated.origin,
            rated.split,
            rated.summary,
            rated.writer,
            json.dumps(rated.scores),
        )
        try:
            self._db.execute(_INSERT, entry)
        except sqlite3.Error as error:
            raise InputError(
                f"cannot write the temporary file of ratings: {error}",
                gettempdir(),
                "free some space there, or name another folder in SQLITE_TMPDIR",
            ) from error

    def by_post(self) -> Iterator[list[Rated]]:
        """Yield the ratings of each post and split, in the order of their first rows."""
        for _, found in groupby(self._db.execute(_BY_PLACE), key=lambda entry: entry[0]):
            yield [
                Rated(
                    row=Row(key, self._files[file], None, digest),
                    prompt=prompt,
                    origin=origin,
                    split=split,
                    summary=summary,
                    writer=writer,
                    scores=json.loads(scores),
                )
                for _, file, key, digest, prompt, origin, split, summary, writer, scores in found
            ]


def ranking_of(ratings: Sequence[Rated]) -> Ranked:
    """Return the ranking of one post's summaries by their mean `overall` score.

    A text that several people rated gets the mean of each aspect. `margin` is the difference of
    the best and the worst overall score.

    Raises:
        RowFault: fewer than two texts, or all are rated alike.
    """
    by_text: dict[str, list[Rated]] = {}
    for rated in ratings:
        by_text.setdefault(rated.summary, []).append(rated)
    means = [mean_scores(same) for same in by_text.values()]
    overall = [scores["overall"] for scores in means]
    if len(by_text) < 2:
        raise RowFault("source_too_few_completions", "the only rated summary of its post")
    if len(set(overall)) == 1:
        raise RowFault("source_tie")
    completions = tuple(
        Completion(said("assistant", summary), rank, tuple(scores.items()))
        for summary, rank, scores in zip(
            by_text, ranks_of([-value for value in overall]), means, strict=True
        )
    )
    return Ranked(
        said("user", ratings[0].prompt),
        completions,
        kind="ranking",
        margin=max(overall) - min(overall),
        split=ratings[0].split,
    )


def mean_scores(ratings: Sequence[Rated]) -> dict[str, float]:
    """Return the mean of each aspect over the ratings that have it."""
    aspects = dict.fromkeys(name for rated in ratings for name in rated.scores)
    return {
        name: fmean(rated.scores[name] for rated in ratings if name in rated.scores)
        for name in aspects
    }


def row_of(ratings: Sequence[Rated]) -> Row:
    """Return the rows of a ranking as one: their keys joined, the digest over their digests."""
    keys = [rated.row.key for rated in ratings]
    digests = "\n".join(rated.row.digest for rated in ratings)
    return Row(
        ",".join(keys), ratings[0].row.file, None, sha256(digests.encode("ascii")).hexdigest()
    )
