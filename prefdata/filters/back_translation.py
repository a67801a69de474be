"""Filter `back_translation`: the Japanese is translated back; chrF against the source.

It finds omissions, additions, wrong numbers and gross mistakes, not style. The score depends on the
model, so cut by percentile: run it once with `action: flag` and look at `prefdata calibrate`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import Field

from prefdata.chat import UNREAD, Chat
from prefdata.config.settings import RUNTIME, Settings
from prefdata.core.errors import MissingExtra
from prefdata.core.finding import Finding
from prefdata.core.origin import Layer
from prefdata.core.stage import Context
from prefdata.filters.view import Comparison
from prefdata.text.limits import Rule

CODE: Final = "mistranslation"
_RULE: Final = f"{CODE}.chrf"
_SYSTEM: Final = (
    "Translate the Japanese text into English. Translate only; do not answer or comment."
)


class BackTranslation:
    """Measures chrF (0 to 100) between the source and the translation translated back.

    Example: 銀行に座った。 comes back as "I sat in a bank office." where the source has "We sat by
    the river.": a low score, `mistranslation`.
    """

    class Config(Settings):
        """Settings of the back-translation."""

        model: str = Field(
            description="the model's name, as its server and the license registry know it"
        )
        base_url: Annotated[str, RUNTIME] = Field(
            default="http://localhost:8000/v1", description="an OpenAI-compatible server"
        )
        api_key_env: Annotated[str, RUNTIME] = Field(
            default="", description="environment variable that holds the key"
        )
        revision: str = Field(default="", description="the model's revision, for the lineage")
        concurrency: Annotated[int, RUNTIME] = Field(
            default=16, ge=1, description="texts in flight"
        )
        lowest: float = Field(
            default=25.0, ge=0, le=100, description="chrF below which a text is found"
        )
        action: Literal["drop", "flag"] = Field(
            default="flag", description="what a low score means"
        )

    version: ClassVar[int] = 2
    reasons: ClassVar[tuple[str, ...]] = (CODE,)

    def __init__(self, config: Config, context: Context) -> None:
        self.config = config
        self.limits = self.rules(config)
        self.chat = Chat(config.base_url, config.model, config.api_key_env)
        self.chrf = _chrf()
        self.threads = ThreadPoolExecutor(config.concurrency)

    @staticmethod
    def layers(config: Config, context: Context) -> Sequence[Layer]:
        """Return the model as a judge: none of its text is published."""
        return (Layer("judge", config.model, config.revision),)

    @staticmethod
    def rules(config: Config) -> Mapping[str, Rule]:
        """Return the limit as a rule that `thresholds` and ``--what-if`` may move."""
        return {_RULE: Rule(config.lowest, "below", config.action)}

    def check(self, record: Comparison) -> list[Finding]:
        """Return the score of every translated turn of one record."""
        return self.check_batch([record])[0]

    def check_batch(self, records: Sequence[Comparison]) -> list[list[Finding]]:
        """Return the score of every translated turn; an equal text is sent once a batch."""
        turns = [list(_translated(record)) for record in records]
        lengths: dict[str, int] = {}
        for _, _, source, target in (turn for one in turns for turn in one):
            lengths[target] = max(len(source), lengths.get(target, 0))
        backs = dict(
            zip(lengths, self.threads.map(self._back, lengths, lengths.values()), strict=True)
        )
        return [[self._finding(turn, backs[turn[3]]) for turn in one] for one in turns]

    def _back(self, target: str, length: int) -> str | None:
        """Return the English of a text, of some four characters a token; None if it is refused."""
        return self.chat.ask(_SYSTEM, target, max_tokens=64 + length // 2)

    def _finding(self, turn: tuple[str, int, str, str], back: str | None) -> Finding:
        side, n, source, _ = turn
        if back is None:
            return Finding(CODE, side, n, None, None, "chrf", "none", UNREAD)
        score = round(self.chrf.sentence_score(back, [source]).score, 2)
        action = self.limits[_RULE].verdict_on(score)
        return Finding(CODE, side, n, score, self.config.lowest, "chrf", action, back[:80])


def _translated(record: Comparison) -> Iterator[tuple[str, int, str, str]]:
    """Yield (side, turn, source, target) of every turn that has both texts."""
    sides = [("prompt", record.prompt)]
    sides += [(f"completion_{n}", turns) for n, turns in enumerate(record.completions)]
    for side, turns in sides:
        for n, turn in enumerate(turns):
            if (turn.source or "").strip() and turn.target.strip():
                yield side, n, turn.source or "", turn.target


def _chrf() -> Any:
    try:
        from sacrebleu.metrics import CHRF
    except ImportError as error:
        raise MissingExtra.needed("sacrebleu", by="back-translation", extra="score") from error
    return CHRF()
