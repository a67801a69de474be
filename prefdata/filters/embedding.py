"""Filter `embedding`: cosine between source and translation in one multilingual space.

It finds unrelated and half-missing content. A translation that lies nearer to another completion's
source than to its own was swapped or mended.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from prefdata.config.settings import RUNTIME, Settings
from prefdata.core.errors import MissingExtra
from prefdata.core.finding import Action, Finding
from prefdata.core.origin import Layer
from prefdata.core.stage import Context
from prefdata.filters.view import Comparison, Turn


class Embedding:
    """Measures the cosine of each completion with its own source, and with the others' sources."""

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
        action: Literal["drop", "flag"] = Field(
            default="flag", description="what a low cosine means"
        )

    version: ClassVar[int] = 1
    reasons: ClassVar[tuple[str, ...]] = ("mistranslation", "flaw_repaired")

    def __init__(self, config: Config, context: Context) -> None:
        self.config = config
        self.model = _load(config)

    @staticmethod
    def layers(config: Config, context: Context) -> Sequence[Layer]:
        """Return the model as a judge of the records."""
        return (Layer("judge", config.model, config.revision),)

    def check(self, record: Comparison) -> list[Finding]:
        """Return the cosines of every completion."""
        if record.is_native:
            return []
        sources = [_joined(side, "source") for side in record.completions]
        targets = [_joined(side, "target") for side in record.completions]
        vectors = self.model.encode([*sources, *targets], normalize_embeddings=True)
        english, japanese = vectors[: len(sources)], vectors[len(sources) :]
        found = []
        for n, vector in enumerate(japanese):
            cosines = [round(float(vector @ other), 4) for other in english]
            low: Action = self.config.action if cosines[n] < self.config.lowest else "none"
            side = f"completion_{n}"
            found.append(
                Finding("mistranslation", side, -1, cosines[n], self.config.lowest, "cosine", low)
            )
            lead = round(max(cosines) - cosines[n], 4)
            if lead > 0:
                found.append(
                    Finding("flaw_repaired", side, -1, lead, 0.05, "cosine", _if(lead > 0.05))
                )
        return found


def _if(found: bool) -> Action:
    return "flag" if found else "none"


def _joined(turns: Sequence[Turn], side: str) -> str:
    return "\n".join(getattr(turn, side) or "" for turn in turns)


def _load(config: Embedding.Config) -> Any:
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError as error:
        raise MissingExtra.needed(
            "sentence-transformers", by="embeddings", extra="score"
        ) from error
    return SentenceTransformer(config.model, revision=config.revision or None, device=config.device)
