"""Ranked answers as a policy sees them: token ids, and how likely it finds each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from prefdata.core.errors import InputError
from prefdata.training.data import Comparison
from prefdata.training.metrics import spearman
from prefdata.training.network import padded
from prefdata.training.prompts import ids_of, prompt_text, whole_text

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Answers:
    """One prompt's answers, prompt included; `start` is where the answer begins.

    `scores` are higher for better answers: minus the place in the ranking.
    """

    ids: tuple[tuple[int, ...], ...]
    start: int
    scores: tuple[float, ...]


def encoded(tokenizer: Any, rows: Sequence[Comparison], longest: int) -> list[Answers]:
    """Return the comparisons whose prompt leaves room for an answer.

    Raises:
        InputError: none is left.
    """
    found = []
    for row in rows:
        start = len(ids_of(tokenizer, prompt_text(tokenizer, row.prompt)))
        if start < longest - 1 and row.pairs:
            texts = [whole_text(tokenizer, row.prompt, answer) for answer in row.completions]
            ids = tuple(ids_of(tokenizer, text)[:longest] for text in texts)
            found.append(Answers(ids, start, scores_of(row)))
    if rows and not found:
        raise InputError(f"no prompt leaves room for an answer within {longest} tokens")
    return found


def scores_of(row: Comparison) -> tuple[float, ...]:
    """Return for each completion how many others it beats: ties stay ties."""
    wins = [0.0] * len(row.completions)
    for better, _, _ in row.pairs:
        wins[better] += 1
    return tuple(wins)


def log_probs_of(model: Any, batch: Sequence[Answers], pad: int) -> Tensor:
    """Return the mean log-probability of each answer's tokens, (answers of all prompts,)."""
    import torch

    device = next(model.parameters()).device
    rows = [row for answers in batch for row in answers.ids]
    starts = [answers.start for answers in batch for _ in answers.ids]
    ids, mask = (t.to(device) for t in padded(rows, pad))
    logits = model(input_ids=ids, attention_mask=mask, use_cache=False).logits[:, :-1].float()
    of_tokens = logits.gather(-1, ids[:, 1:, None]).squeeze(-1) - logits.logsumexp(-1)
    place = torch.arange(1, ids.shape[1], device=device)
    answer = mask[:, 1:] * (place[None] >= torch.tensor(starts, device=device)[:, None])
    return (of_tokens * answer).sum(1) / answer.sum(1).clamp(min=1)


def agreement(model: Any, rows: Sequence[Answers], pad: int) -> dict[str, float | None]:
    """Return how well a policy's likelihoods rank answers.

    `spearman` is the mean over prompts of the rank correlation of log-probability and score,
    `pairwise_acc` the share of pairs whose better answer is the likelier one.
    """
    import numpy as np
    import torch

    correlations, right, pairs = [], 0, 0
    with torch.no_grad():
        for answers in rows:
            found = log_probs_of(model, [answers], pad).cpu().numpy().astype(float)
            scores = np.asarray(answers.scores)
            correlation = spearman(found, scores)
            correlations += [] if correlation is None else [correlation]
            better = scores[:, None] > scores[None]
            right += int((better & (found[:, None] > found[None])).sum())
            pairs += int(better.sum())
    return {
        "spearman": sum(correlations) / len(correlations) if correlations else None,
        "pairwise_acc": right / pairs if pairs else None,
    }
