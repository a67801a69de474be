"""What the chat back ends share: their common settings, sampling by rung, and their fingerprint."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import Field

from prefdata.config.settings import Settings
from prefdata.core.origin import Layer
from prefdata.core.records import digest
from prefdata.core.stage import Context, Request
from prefdata.translate.estimate import room
from prefdata.translate.ladder import RUNGS
from prefdata.translate.prompt import Message, load_prompt

LOOP_PENALTY = 0.3  # on a word's own frequency, and only after a loop: it damages lists and tables


class ChatSettings(Settings):
    """Settings of every translator that asks a chat model."""

    model: str = Field(description="the model's name, as the back end knows it")
    revision: str = Field(default="", description="commit of the model, 40 hex digits")
    artifact: str = Field(
        default="", description="the model's id in the license registry; default: `model`"
    )
    prompt: str = Field(default="v1", description="version of the prompt, or a folder with one")
    temperature: float = Field(default=0.0, ge=0, le=2, description="of the first attempt")
    top_p: float = Field(default=1.0, gt=0, le=1)
    seed: int = Field(default=0, ge=0)


@dataclass(frozen=True, slots=True)
class Sampling:
    """Decoding of one request; the same for a server and for vLLM in this process."""

    max_tokens: int
    temperature: float
    top_p: float
    seed: int
    frequency_penalty: float = 0.0


class ChatModel:
    """A model behind a prompt: what it is sent, and what names the result."""

    def __init__(self, config: ChatSettings, context: Context, *, decoding: str = "") -> None:
        self.config = config
        self.prompt = load_prompt(config.prompt, context.base)
        self.layer = Layer("translator", config.artifact or config.model, config.revision)
        self._decoding = decoding

    @property
    def fingerprint(self) -> str:
        """Return the fingerprint for sources without a prompt of their own."""
        return self.fingerprint_of("default")

    def fingerprint_of(self, kind: str) -> str:
        """Return a digest of model, revision, decoding and the source kind's prompt."""
        config = self.config
        return digest(
            "chat",
            config.model,
            config.revision,
            repr((config.temperature, config.top_p, config.seed, LOOP_PENALTY)),
            self._decoding,
            self.prompt.of(kind).digest,
        )

    def chat(self, request: Request) -> list[Message]:
        """Return the messages of a request."""
        strict = self.is_strict(request)
        constant = self.prompt.constant(request.kind, strict=strict)
        return [*constant, *self.prompt.turns(request, strict=strict)]

    def is_strict(self, request: Request) -> bool:
        """Tell whether an attempt is shown the harder wording and examples."""
        return RUNGS[request.attempt].examples == "strict"

    def sampling(self, request: Request) -> Sampling:
        """Return the decoding of a request: greedy first, warmer with another seed on retries."""
        rung = RUNGS[request.attempt]
        return Sampling(
            max_tokens=room(request.text),
            temperature=max(self.config.temperature, rung.temperature),
            top_p=self.config.top_p,
            seed=self.config.seed + rung.seed,
            frequency_penalty=LOOP_PENALTY if "repetition_loop" in request.hints else 0.0,
        )


def prompt_key(config: ChatSettings, context: Context) -> str:
    """Return a digest of the whole prompt, for a step's key: its files lie outside the settings."""
    prompt = load_prompt(config.prompt, context.base)
    return digest("prompts", *(f"{kind} {prompt.of(kind).digest}" for kind in sorted(prompt.kinds)))
