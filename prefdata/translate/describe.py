"""What a release tells of its translator: model, revision, decoding, the prompt in its words."""

from __future__ import annotations

from typing import Any

from prefdata.core.stage import Context
from prefdata.translate.chat import LOOP_PENALTY, ChatSettings
from prefdata.translate.prompt import load_prompt


def describe(config: Any, context: Context) -> dict[str, Any]:
    """Return `{use, model, revision, decoding, prompts}` of a translate stage's settings.

    `prompts` holds the digest and the system text of each source kind's prompt. A translator that
    asks no model gives `use` alone.
    """
    settings = config.translator.config()
    told: dict[str, Any] = {"use": config.translator.use, "context": config.context}
    if not isinstance(settings, ChatSettings):
        return told
    prompt = load_prompt(settings.prompt, context.base)
    kinds = {kind: prompt.of(kind) for kind in prompt.kinds}
    return told | {
        "model": settings.model,
        "revision": settings.revision,
        "decoding": {
            "temperature": settings.temperature,
            "top_p": settings.top_p,
            "seed": settings.seed,
            "frequency_penalty_after_a_loop": LOOP_PENALTY,
            "attempts": config.attempts,
        },
        "prompt": settings.prompt,
        "prompts": {
            kind: {"digest": made.digest, "system": made.first[0]["content"]}
            for kind, made in kinds.items()
        },
    }
