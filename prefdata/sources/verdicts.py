"""Pairwise verdicts of a judge on two answers, in one or both orders."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Final

from pydantic import Field

from prefdata.core.origin import Layer
from prefdata.core.records import Completion, Preference
from prefdata.core.stage import Context
from prefdata.sources.columns import mapping, text
from prefdata.sources.files import SourceFile
from prefdata.sources.reader import Row, read_file
from prefdata.sources.reasons import RowFault
from prefdata.sources.record import Ranked, said, to_record
from prefdata.sources.settings import SourceSettings
from prefdata.sources.source import RowSource

SIDES: Final = ("model_1", "model_2")
WINNERS: Final = (*SIDES, "tie")
UNKNOWN_MODEL: Final = "undeclared:model"


class Verdicts(RowSource):
    """Pairs from verdicts as FastChat and ja-vicuna-qa-benchmark write them.

    A row has `question`, `answer_1`, `answer_2`, `model_1`, `model_2`, `judge_model`, `g1_winner`
    and, judged with the answers swapped, `g2_winner`; winners are ``model_1``, ``model_2`` or
    ``tie``. A pair is kept only where every verdict agrees; ties and disagreements are skips.
    The judge's reasoning stays behind. Response models and judge are layers of the record.
    """

    class Config(SourceSettings):
        """Settings of `verdicts`."""

        lang: str = Field(default="ja", min_length=2, description="the language of the answers")
        kind: str | None = Field(
            default=None,
            description="the source kind that prompts go by; default: native for ja, else own",
        )
        models: dict[str, str] = Field(
            default_factory=dict,
            description="the registry entry of each name in model_1 and model_2; default: the "
            "name with '--' read as '/'",
        )
        judge: str | None = Field(
            default=None,
            description="the registry entry of the judge; default: openai/ and judge_model",
        )

    version: ClassVar[int] = 1
    config: Config

    def __init__(self, config: Config, context: Context) -> None:
        super().__init__(config, context)
        self.kind = config.kind or ("native" if config.lang == "ja" else "own")

    def layers(self) -> Sequence[tuple[Layer, ...]]:
        """Return a combination a file, after its first row: one file compares two models."""
        if self.config.path is None:
            names = sorted(set(self.config.models.values())) or [UNKNOWN_MODEL]
            return [self._layers(str(self.config.revision), names, self._judge("gpt-4"))]
        return sorted({self._of_first_row(file) for file in self.upstream.files()})

    def _of_first_row(self, file: SourceFile) -> tuple[Layer, ...]:
        first = next(read_file(file), None)
        row = first.value if isinstance(first, Row) and isinstance(first.value, dict) else {}
        models = [self._model(str(row.get(name) or UNKNOWN_MODEL)) for name in SIDES]
        return self._layers(file.layer_revision, models, self._judge(str(row.get("judge_model"))))

    def _layers(self, revision: str, models: Iterable[str], judge: str) -> tuple[Layer, ...]:
        return (
            *self.layers_at(revision),
            *(Layer("response_model", model) for model in sorted(set(models))),
            Layer("judge", judge),
        )

    def _model(self, name: str) -> str:
        return self.config.models.get(name, name.replace("--", "/"))

    def _judge(self, name: str) -> str:
        return self.config.judge or f"openai/{name}"

    def record(self, row: Row) -> Preference:
        """Return the record of a row; see `RowSource.record`."""
        columns = mapping(row.value)
        winner = agreed(columns)
        answers = [said("assistant", text(columns, f"answer_{n}")) for n in (1, 2)]
        ranked = Ranked(
            said("user", text(columns, "question")),
            tuple(
                Completion(answer, 1 if winner == side else 2)
                for side, answer in zip(SIDES, answers, strict=True)
            ),
            lang=self.config.lang,
        )
        models = [self._model(text(columns, side)) for side in SIDES]
        judge = self._judge(text(columns, "judge_model"))
        layers = self._layers(row.file.layer_revision, models, judge)
        return to_record(ranked, row, source=self.source, kind=self.kind, layers=layers)


def agreed(row: Mapping[str, Any]) -> str:
    """Return the side that every verdict of the row prefers.

    Raises:
        RowFault: a tie, a disagreement (also of a tie with a winner), or no verdict.
    """
    verdicts = [text(row, "g1_winner")]
    if row.get("g2_winner") is not None:
        verdicts.append(text(row, "g2_winner"))
    if any(verdict not in WINNERS for verdict in verdicts):
        raise RowFault("source_no_verdict", "a winner is none of model_1, model_2, tie")
    if len(set(verdicts)) > 1:
        raise RowFault("source_disagreement")
    if verdicts[0] == "tie":
        raise RowFault("source_tie")
    return verdicts[0]
