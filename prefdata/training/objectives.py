"""The losses of reward models. Rewards and logits are tensors; all losses are means.

`better` and `worse` hold the rewards of pairs, `margin` how much better (in the source's scale),
`weight` the share of each pair, 1 in all: a prompt weighs as much as another one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from torch import Tensor

Objective: TypeAlias = Literal["bce", "ce", "bt", "bt_margin", "bt_scaled", "listwise", "aspects"]


def pair_loss(
    objective: Objective, better: Tensor, worse: Tensor, margin: Tensor, weight: Tensor
) -> Tensor:
    """Return the loss of one batch of pairs.

    ``bce`` and ``ce`` label each text alone, 1 for chosen and 0 for rejected; they differ in the
    head (one logit, or two and the reward is their difference). ``bt`` is Bradley-Terry;
    ``bt_margin`` asks for a distance of at least the margin, ``bt_scaled`` weighs by it.
    """
    from torch.nn.functional import logsigmoid

    if objective in ("bce", "ce"):
        loss = -(logsigmoid(better) + logsigmoid(-worse)) / 2
    elif objective == "bt_margin":
        loss = -logsigmoid(better - worse - margin)
    elif objective == "bt_scaled":
        loss = -margin * logsigmoid(better - worse)
    else:
        loss = -logsigmoid(better - worse)
    return (loss * weight).sum()


def centering(better: Tensor, worse: Tensor, weight: Tensor) -> Tensor:
    """Return the pull of rewards towards zero (Eisenstein et al. 2023, §3)."""
    return ((better + worse).square() * weight).sum()


def plackett_luce(rewards: Tensor) -> Tensor:
    """Return the loss of one ranking, best first: each is chosen from what is left.

    rewards: (completions,)
    """
    import torch

    left = torch.logcumsumexp(rewards.flip(0), 0).flip(0)
    return (left - rewards)[:-1].mean()


def aspect_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the binary cross-entropy over aspects; logits and labels: (texts, aspects).

    Labels are 1 or 0, and NaN where a person gave no score.
    """
    from torch.nn.functional import binary_cross_entropy_with_logits

    given = labels == labels
    return binary_cross_entropy_with_logits(logits[given], labels[given])


def rrhf(log_probs: Tensor, scores: Tensor) -> Tensor:
    """Return the ranking loss plus the likelihood of the best (Yuan et al. 2023, §3.1).

    log_probs: (prompts, completions), per token; scores alike. Whoever has the higher score
    should have the higher log-probability; NaN scores are completions that are not there.
    """
    import torch

    there = ~torch.isnan(scores)
    known = torch.where(there, scores, torch.full_like(scores, -torch.inf))
    lower = scores.unsqueeze(2) < scores.unsqueeze(1)  # False where either is NaN
    gap = log_probs.unsqueeze(2) - log_probs.unsqueeze(1)
    ranking = (torch.relu(gap) * lower).sum((1, 2)).mean()
    best = log_probs.gather(1, known.argmax(1, keepdim=True)).mean()
    return ranking - best
