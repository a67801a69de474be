"""Filter `llm_judge`: a language model reads both texts; yes-or-no questions, one a call.

It sees what rules cannot: a reversed negation, a mended fault, a reply instead of a translation. A
model that judges its own translations should be checked by hand on a sample.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from itertools import combinations
from typing import Annotated, Any, ClassVar, Final, Literal, NamedTuple, TypeAlias

from pydantic import Field

from prefdata.chat import UNREAD, Chat
from prefdata.config.settings import RUNTIME, Settings
from prefdata.core.finding import Action, Finding
from prefdata.core.origin import Layer
from prefdata.core.stage import Context
from prefdata.filters.view import Comparison, Turn
from prefdata.text.limits import Rule

_SYSTEM: Final = (
    "You compare an English text with its Japanese translation."
    " Answer with one letter alone: Y or N."
)
Question: TypeAlias = Literal[
    "answered_instead", "polarity_flip", "mistranslation", "entity_mismatch"
]
# A Y is a finding of that code.
QUESTIONS: Final[dict[Question, str]] = {
    "answered_instead": ("Is the Japanese a reply to the English rather than a translation of it?"),
    "polarity_flip": (
        "Does any statement, negation, instruction or comparison of the English become its"
        " opposite in the Japanese?"
    ),
    "mistranslation": "Is any word or sentence translated in a wrong sense?",
    "entity_mismatch": (
        "Does any name of a person, place, product or organization become another name?"
    ),
}
FLAW: Final = (
    "Is a mistake, rudeness, vagueness or bad grammar of the English missing in the Japanese, so"
    " that the Japanese is a better answer than the English?"
)
_BETTER: Final = (
    "Two answers to one prompt. Which is better, A or B?"
    " Answer with one letter alone: A, B, or T for a tie."
)


class Asked(NamedTuple):
    """One yes-or-no question about one turn; a Y is a finding of `code`."""

    code: str
    question: str
    side: str
    n: int
    turn: Turn


class LlmJudge:
    """Asks a model behind an OpenAI-compatible server about each answer and each pair.

    Examples of a Y: "Do not take it with juice." and ジュースと飲んでください。 (`polarity_flip`);
    "He was fired." and 彼は火をつけられた。 (`mistranslation`); "Mr. Gilbert" and ギルモアさん
    (`entity_mismatch`); a rude answer that has become polite (`flaw_repaired`).
    """

    class Config(Settings):
        """Settings of the judge."""

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
        questions: tuple[Question, ...] = Field(
            default=("answered_instead", "polarity_flip", "mistranslation", "entity_mismatch"),
            description="reason codes to ask about",
        )
        flaws: bool = Field(
            default=True, description="ask whether a fault was mended (flaw_repaired)"
        )
        preference: bool = Field(
            default=False,
            description="ask which answer is better, in both orders and both languages",
        )
        sample: float = Field(
            default=1.0,
            gt=0,
            le=1,
            description="share of records that are asked about, by their text",
        )
        concurrency: Annotated[int, RUNTIME] = Field(
            default=16, ge=1, description="questions in flight"
        )
        action: Literal["drop", "flag"] = Field(default="drop", description="what a Y means")

    version: ClassVar[int] = 1
    reasons: ClassVar[tuple[str, ...]] = (*QUESTIONS, "flaw_repaired")

    def __init__(self, config: Config, context: Context) -> None:
        self.config = config
        self.chat = Chat(config.base_url, config.model, config.api_key_env)
        self.threads = ThreadPoolExecutor(config.concurrency)
        self.pairs = ThreadPoolExecutor(max(config.concurrency // 2, 1))  # two votes a pair

    @staticmethod
    def layers(config: Config, context: Context) -> Sequence[Layer]:
        """Return the judge: its terms count for what it decided."""
        return (Layer("judge", config.model, config.revision),)

    @staticmethod
    def rules(config: Config) -> Mapping[str, Rule]:
        """Return what a Y means as rules that `thresholds` and ``--what-if`` may change."""
        names = [f"{code}.judge" for code in (*config.questions, "flaw_repaired")]
        return dict.fromkeys([*names, "flaw_repaired.preference"], Rule(1.0, action=config.action))

    def check(self, record: Comparison) -> list[Finding]:
        """Return what the model answers Y to in one record."""
        return self.check_batch([record])[0]

    def check_batch(self, records: Sequence[Comparison]) -> list[list[Finding]]:
        """Return what the model answers Y to; native records have nothing to compare."""
        asked = [list(self._questions(record)) for record in records]
        answers = self.threads.map(self._says, [one for own in asked for one in own])
        found = [[f for one in own for f in self._findings(one, next(answers))] for own in asked]
        if self.config.preference:
            for own, more in zip(found, self.pairs.map(self._preferences, records), strict=True):
                own += more
        return found

    def _questions(self, record: Comparison) -> Iterator[Asked]:
        if not self._is_asked_about(record):
            return
        for n, turns in enumerate((record.prompt, *record.completions)):
            yield from self._questions_on(f"completion_{n - 1}" if n else "prompt", turns)

    def _questions_on(self, side: str, turns: Sequence[Turn]) -> Iterator[Asked]:
        for n, turn in enumerate(turns):
            if not turn.source or not turn.target.strip():
                continue
            for code in self.config.questions:
                yield Asked(code, QUESTIONS[code], side, n, turn)
            if self.config.flaws and side != "prompt":
                yield Asked("flaw_repaired", FLAW, side, n, turn)

    def _says(self, one: Asked) -> bool | None:
        """Return whether the model says yes; None where it cannot read the texts."""
        texts = f"English:\n{one.turn.source}\n\nJapanese:\n{one.turn.target}"
        asked = f"{one.question}\n\n{texts}\n\n{one.question}"
        answer = self.chat.ask(_SYSTEM, asked, max_tokens=2)
        return None if answer is None else answer.strip().upper().startswith("Y")

    def _findings(self, one: Asked, is_found: bool | None) -> Iterator[Finding]:
        if is_found:
            action, model = self.config.action, self.config.model
            yield Finding(one.code, one.side, one.n, 1.0, 1.0, "judge", action, model)
        elif is_found is None:
            yield Finding(one.code, one.side, one.n, None, None, "judge", "none", UNREAD)

    def _preferences(self, record: Comparison) -> list[Finding]:
        """Return pairs of which the better answer is another one in Japanese than in English."""
        found: list[Finding] = []
        if not self._is_asked_about(record):
            return found
        for a, b in combinations(range(len(record.completions)), 2):
            english, japanese = (self._better(record, a, b, lang) for lang in ("source", "target"))
            if english is not None and japanese is not None and english != japanese:
                detail = f"completion_{english} in English, completion_{japanese} in Japanese"
                action: Action = self.config.action
                found.append(
                    Finding("flaw_repaired", "pair", -1, 1.0, 1.0, "preference", action, detail)
                )
        return found

    def _better(self, record: Comparison, a: int, b: int, lang: str) -> int | None:
        """Return which completion the model prefers in both orders, None if it does not."""
        prompt = _text(record.prompt, lang)

        def vote(first: int, second: int) -> int | None:
            texts = (_text(record.completions[n], lang) for n in (first, second))
            asked = "Prompt:\n{}\n\nA:\n{}\n\nB:\n{}".format(prompt, *texts)
            letter = (self.chat.ask(_BETTER, asked, max_tokens=2) or "").strip().upper()[:1]
            return {"A": first, "B": second}.get(letter)

        votes = list(self.threads.map(vote, (a, b), (b, a)))
        return votes[0] if votes[0] == votes[1] else None

    def _is_asked_about(self, record: Comparison) -> bool:
        """Tell whether a record is translated, and in the sample."""
        if record.is_native:
            return False
        texts = "\x00".join(turn.target for side in record.completions for turn in side)
        value = blake2b(texts.encode("utf-8", "replace"), digest_size=4).digest()
        return int.from_bytes(value, "big") < self.config.sample * 2**32


def _text(turns: Sequence[Turn], lang: str) -> str:
    texts: list[Any] = [getattr(turn, lang) for turn in turns]
    return "\n\n".join(text or "" for text in texts)
