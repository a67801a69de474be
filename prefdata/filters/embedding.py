"""Filter `embedding`: cosine between source and translation in one multilingual space.

It finds unrelated and half-missing content, and answers in the place of translations. A completion
that lies nearer to another completion's source than to its own was swapped or mended. All texts of
a batch of records are encoded together, each distinct one once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from prefdata.config.settings import RUNTIME, Settings
from prefdata.core.errors import InputError, MissingExtra
from prefdata.core.finding import Finding
from prefdata.core.origin import Layer
from prefdata.core.stage import Context
from prefdata.filters.view import Comparison, Turn
from prefdata.text.limits import Rule


class Embedding:
    """Measures the cosine of prompt and completions with their sources, and with each other's.

    Example: "The dog sleeps in the garden." and 犬は庭で眠っています。 lie close together, and
    電車が遅れました。 lies far away: `mistranslation`. If the Japanese of "9 times 6 is 56." has
    54, as the better answer does, it lies nearer to that one's English: `flaw_repaired`.
    """

    class Config(Settings):
        """Settings of the embedding scorer."""

        model: str = Field(
            default="BAAI/bge-m3", description="a multilingual sentence-transformers model"
        )
        revision: str = Field(default="", description="its revision on the hub")
        device: Annotated[str, RUNTIME] = Field(default="cpu", description="cpu or cuda")
        lowest: float = Field(
            default=0.6, ge=-1, le=1, description="cosine below which a text is found"
        )
        lead: float = Field(
            default=0.05,
            ge=0,
            le=2,
            description="lead of another completion's source above which a completion is flagged",
        )
        batch_size: Annotated[int, RUNTIME] = Field(
            default=32, ge=1, description="texts that the model reads at once"
        )
        action: Literal["drop", "flag"] = Field(
            default="flag", description="what a low cosine means"
        )

    version: ClassVar[int] = 2
    reasons: ClassVar[tuple[str, ...]] = ("mistranslation", "flaw_repaired")

    def __init__(self, config: Config, context: Context) -> None:
        self.config = config
        self.limits = self.rules(config)
        self.model = _load(config)

    @staticmethod
    def layers(config: Config, context: Context) -> Sequence[Layer]:
        """Return the model as a judge of the records."""
        return (Layer("judge", config.model, config.revision),)

    @staticmethod
    def rules(config: Config) -> Mapping[str, Rule]:
        """Return the limits as rules that `thresholds` and ``--what-if`` may move."""
        return {
            "mistranslation.cosine": Rule(config.lowest, "below", config.action),
            "flaw_repaired.cosine": Rule(config.lead, "above", "flag"),
        }

    def check(self, record: Comparison) -> list[Finding]:
        """Return the cosines of one record."""
        return self.check_batch([record])[0]

    def check_batch(self, records: Sequence[Comparison]) -> list[list[Finding]]:
        """Return the cosines of each record; native ones have nothing to compare."""
        sides = [[] if record.is_native else _sides(record) for record in records]
        texts = list(dict.fromkeys(text for one in sides for side in one for text in side[1:]))
        vectors = dict(zip(texts, self._encode(texts), strict=True))
        return [list(self._findings(one, vectors)) for one in sides]

    def _encode(self, texts: list[str]) -> Any:
        if not texts:
            return []
        return self.model.encode(
            texts,
            batch_size=self.config.batch_size,
            normalize_embeddings=True,
            show_progress_bar=False,
        )

    def _findings(
        self, sides: Sequence[tuple[str, str, str]], vectors: Mapping[str, Any]
    ) -> Iterator[Finding]:
        """Yield the cosine of each side, and how much nearer another completion's source is."""
        for name, source, target in sides:
            own = _cosine(vectors, source, target)
            yield self._finding("mistranslation", name, own)
            if name == "prompt":
                continue
            others = [
                _cosine(vectors, other, target) for side, other, _ in sides if side != "prompt"
            ]
            lead = round(max(others) - own, 4)
            if lead > 0:
                yield self._finding("flaw_repaired", name, lead)

    def _finding(self, code: str, side: str, measured: float) -> Finding:
        rule = self.limits[f"{code}.cosine"]
        action = rule.verdict_on(measured)
        return Finding(code, side, -1, measured, rule.limit, "cosine", action)


def _sides(record: Comparison) -> list[tuple[str, str, str]]:
    """Return (side, source, target) of the sides that have both."""
    named = [("prompt", record.prompt)]
    named += [(f"completion_{n}", turns) for n, turns in enumerate(record.completions)]
    texts = [(name, _joined(turns, "source"), _joined(turns, "target")) for name, turns in named]
    return [side for side in texts if side[1].strip() and side[2].strip()]


def _cosine(vectors: Mapping[str, Any], source: str, target: str) -> float:
    return round(float(vectors[source] @ vectors[target]), 4)


def _joined(turns: Sequence[Turn], side: str) -> str:
    return "\n".join(getattr(turn, side) or "" for turn in turns)


def _load(config: Embedding.Config) -> Any:
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError as error:
        raise MissingExtra.needed(
            "sentence-transformers", by="embeddings", extra="score"
        ) from error
    try:
        return SentenceTransformer(
            config.model, revision=config.revision or None, device=config.device
        )
    except OSError as error:
        raise InputError(
            f"cannot load the model: {str(error).splitlines()[0]}",
            config.model,
            "give a sentence-transformers model on the hub, or its folder",
        ) from error
