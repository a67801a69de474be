"""OpenAI's webgpt_comparisons: a question, two answers with citations, and a score for each."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final, Literal

from pydantic import Field

from prefdata.core.origin import Layer
from prefdata.core.records import Completion, Preference
from prefdata.sources.columns import column, mapping, number, text, wrong_type
from prefdata.sources.reader import Row
from prefdata.sources.reasons import RowFault
from prefdata.sources.record import Ranked, layers_of, said, to_record
from prefdata.sources.settings import REPO_ID, SourceSettings
from prefdata.sources.source import RowSource

ARTIFACT: Final = "openai/webgpt_comparisons"
# Where the questions are from; each has rights of its own, so each is a component.
DATASETS: Final = ("eli5", "critique_eli5", "triviaqa", "arc-challenge", "arc-easy")

# [1], [1][2], [1, 2] with the space before; never brackets with words, nor parentheses. Citations
# count from 1, so list[0] is none; code and addresses are passed over.
_CITATION = re.compile(
    r"(```.*?```|`[^`\n]*`|https?://\S+)|\s?\[[1-9]\d*(?:\s*,\s*[1-9]\d*)*\]", re.DOTALL
)
# What Reddit leaves of a deleted text: the word alone on its line.
_LEFTOVER = re.compile(r"\s*^[ \t]*\[(?:removed|deleted)\][ \t]*$", re.MULTILINE)


class WebgptComparisons(RowSource):
    """Pairs of openai/webgpt_comparisons: long answers to questions, with numbered citations.

    Two layouts are read: the hub's columns (`answer_0`, `score_0`, …) and the raw lines, lists of
    two objects. A score of 0 on both sides is a tie. `margin` is the difference of the scores,
    from 0 to 2. Quotes of web pages and token ids never leave the source; what Reddit left of
    deleted text (``[removed]`` on a line of its own) is taken out of the question.
    """

    class Config(SourceSettings):
        """Settings of `webgpt_comparisons`."""

        repo_id: str | None = Field(default=ARTIFACT, description=REPO_ID)
        ties: Literal["drop", "keep"] = Field(
            default="drop", description="keep: both answers get rank 1, and no pair is derived"
        )
        citations: Literal["keep", "strip"] = Field(
            default="keep", description="strip: take [1], [1][2] and [1, 2] out of the answers"
        )
        kind: str = Field(default="webgpt", description="the source kind that prompts go by")

    version: ClassVar[int] = 1
    artifact: ClassVar[str] = ARTIFACT
    config: Config

    def layers(self) -> Sequence[tuple[Layer, ...]]:
        """Return one combination for each origin of questions, a revision."""
        return [
            self._layers(dataset, revision)
            for revision in self.upstream.layer_revisions()
            for dataset in DATASETS
        ]

    def _layers(self, dataset: str, revision: str) -> tuple[Layer, ...]:
        own = self.source
        return layers_of(
            {"source_text": f"{own} {dataset}", "response": own, "label": own}, revision
        )

    def record(self, row: Row) -> Preference:
        """Return the record of a row; see `RowSource.record`."""
        sides = two_sides(row.value)
        questions = [mapping(column(side, "question"), "question") for side in sides]
        asked = {text(question, "full_text") for question in questions}
        if len(asked) > 1:
            raise RowFault("source_histories_differ", "the two answers are to two questions")
        dataset = text(questions[0], "dataset")
        if dataset not in DATASETS:
            raise RowFault("source_bad_value", "question.dataset is none of the known ones")
        return to_record(
            self._ranked(asked.pop(), sides),
            row,
            source=self.source,
            kind=self.config.kind,
            layers=self._layers(dataset, row.file.layer_revision),
        )

    def _ranked(self, question: str, sides: Sequence[Mapping[str, Any]]) -> Ranked:
        first, second = (number(column(side, "score"), "score") for side in sides)
        if first == second and self.config.ties == "drop":
            raise RowFault("source_tie")
        asked = clean_question(question)
        if question.strip() and not asked:
            raise RowFault("source_removed_text")
        completions = tuple(
            Completion(said("assistant", self._answer(side)), 1 + (own < other), (("score", own),))
            for side, own, other in zip(sides, (first, second), (second, first), strict=True)
        )
        return Ranked(said("user", asked), completions, margin=abs(first - second))

    def _answer(self, side: Mapping[str, Any]) -> str:
        answer = text(side, "answer")
        return strip_citations(answer) if self.config.citations == "strip" else answer


def two_sides(value: Any) -> list[Mapping[str, Any]]:
    """Return question, answer and score of both sides, whichever layout the row has.

    Raises:
        RowFault: it is neither an object nor a list of two.
    """
    if isinstance(value, list):
        if len(value) != 2:
            raise RowFault("source_wrong_type", f"a list of {len(value)} answers, not of two")
        return [mapping(side, "a side") for side in value]
    if not isinstance(value, dict):
        raise wrong_type("the row", value, "an object or a list of two")
    return [
        {
            "question": column(value, "question"),
            "answer": column(value, f"answer_{n}"),
            "score": column(value, f"score_{n}"),
        }
        for n in (0, 1)
    ]


def strip_citations(answer: str) -> str:
    """Return an answer without its numbered citations; nothing else in brackets is touched.

    >>> strip_citations("Light is scattered [1][2] (mostly blue [3, 4]), see `x[1]`.")
    'Light is scattered (mostly blue), see `x[1]`.'
    """
    return _CITATION.sub(lambda found: found[1] or "", answer)


def clean_question(question: str) -> str:
    r"""Return a question without what Reddit leaves of deleted text.

    >>> clean_question("Why is ice slippery?\n\n[removed]")
    'Why is ice slippery?'
    """
    return _LEFTOVER.sub("", question).strip()
