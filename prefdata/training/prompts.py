"""Prompts and texts of a release, in the policy's own template and tokens."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefdata.core.errors import InputError
from prefdata.core.records import Conversation
from prefdata.core.stage import Context
from prefdata.training.data import Comparison, Split, comparisons_of
from prefdata.training.examples import batch_order
from prefdata.training.rollout import Prompt

if TYPE_CHECKING:
    from prefdata.training.ppo import TrainPPO


def prompt_text(tokenizer: Any, prompt: Conversation) -> str:
    """Return the text after which the policy writes its answer.

    By the tokenizer's chat template; without one, as the view `labels` joins turns.
    """
    turns = [{"role": m.role, "content": m.content} for m in prompt]
    if tokenizer.chat_template:
        return str(tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True))
    return "".join(f"{m.role}: {m.content}\n\n" for m in prompt) + "assistant: "


def whole_text(tokenizer: Any, prompt: Conversation, completion: Conversation) -> str:
    """Return prompt and answer with the end token: what the policy should have written."""
    answer = "\n\n".join(m.content for m in completion)
    return f"{prompt_text(tokenizer, prompt)}{answer}{tokenizer.eos_token}"


def ids_of(tokenizer: Any, text: str) -> tuple[int, ...]:
    """Return the ids of a text whose special tokens are written out."""
    return tuple(tokenizer(text, add_special_tokens=False)["input_ids"])


def comparisons(config: TrainPPO.Config, release: Path, split: Split) -> list[Comparison]:
    """Return a split's comparisons, of pairs, else of rankings."""
    view = "pairs" if (release / "pairs").is_dir() else "rankings"
    return comparisons_of(release, split, view=view, lang=config.lang)


@dataclass
class Materials:
    """What a PPO run is made of: prompts, texts to replay, texts to measure forgetting with.

    The orders go from a step, or the number of an update, to indices.
    """

    prompts: Sequence[Prompt]
    replay: Sequence[Sequence[int]]
    held_out: Sequence[Sequence[int]]
    prompt_order: Callable[[int], list[int]]
    replay_order: Callable[[int], list[int]]


def materials_of(
    config: TrainPPO.Config, release: Path, tokenizer: Any, context: Context
) -> Materials:
    """Return what a PPO run is made of.

    Raises:
        InputError: no prompt is left, or the replay file is not readable.
    """
    prompts = prompts_of(config, comparisons(config, release, "train"), tokenizer, context)
    replay = replay_of(config, release, tokenizer, context)
    size = config.ptx.batch_size if config.ptx else 1
    _, prompt_order = batch_order(len(prompts), config.ppo.rollout, context.seed)
    _, replay_order = batch_order(max(len(replay), 1), size, context.seed)
    return Materials(
        prompts=prompts,
        replay=replay,
        held_out=held_out_of(config, release, tokenizer),
        prompt_order=cycled(prompt_order, config.ppo.rollout),
        replay_order=replay_order,
    )


def cycled(order: Any, size: int) -> Any:
    """Return an order whose batches have `size` items even if there are fewer prompts."""

    def batch(step: int) -> list[int]:
        found = order(step)
        return [found[n % len(found)] for n in range(size)]

    return batch


def prompts_of(
    config: TrainPPO.Config, rows: Sequence[Comparison], tokenizer: Any, context: Context
) -> list[Prompt]:
    """Return the distinct prompts that are short enough."""
    found: dict[str, Prompt] = {}
    long = 0
    for row in rows:
        text = prompt_text(tokenizer, row.prompt)
        ids = ids_of(tokenizer, text)
        if len(ids) > config.generate.max_prompt:
            long += 1
        else:
            found.setdefault(text, Prompt(ids, row.prompt, text))
    if not found:
        raise InputError(
            f"there is no prompt to train on: {len(rows)} rows of language "
            f"{config.lang or 'any'}, {long} too long",
            context.step,
            "look at 'lang' and generate.max_prompt",
        )
    context.report("progress", prompts=len(found), too_long=long)
    return list(found.values())


def replay_of(
    config: TrainPPO.Config, release: Path, tokenizer: Any, context: Context
) -> list[tuple[int, ...]]:
    """Return the texts to replay: those of a file, else the release's chosen completions."""
    if config.ptx is None:
        return []
    longest = config.generate.max_prompt + config.generate.max_new_tokens
    if config.ptx.data:
        texts = read_texts(context.path(config.ptx.data))
        return [ids_of(tokenizer, text + tokenizer.eos_token)[:longest] for text in texts]
    return chosen_ids(tokenizer, comparisons(config, release, "train"), longest)


def held_out_of(config: TrainPPO.Config, release: Path, tokenizer: Any) -> list[tuple[int, ...]]:
    """Return a few chosen texts that the policy is not trained on, else of the training split."""
    longest = config.generate.max_prompt + config.generate.max_new_tokens
    rows = comparisons(config, release, "validation") or comparisons(config, release, "train")
    return chosen_ids(tokenizer, rows[: config.held_out], longest)


def chosen_ids(tokenizer: Any, rows: Sequence[Comparison], longest: int) -> list[tuple[int, ...]]:
    """Return each row's prompt with its best completion, cut at the end."""
    best = [row.completions[row.pairs[0][0] if row.pairs else 0] for row in rows]
    return [
        ids_of(tokenizer, whole_text(tokenizer, row.prompt, completion))[:longest]
        for row, completion in zip(rows, best, strict=True)
    ]


def read_texts(path: Path) -> list[str]:
    """Return the texts of a JSON Lines file of ``{"text": …}``."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        return [str(json.loads(line)["text"]) for line in lines if line.strip()]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"cannot read the texts to replay: {error}", str(path), 'one {"text": "…"} a line'
        ) from error
