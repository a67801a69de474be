"""The formulas of PPO, over plain tensors.

Axes everywhere: (batch, response). `mask` is 1 on real tokens of the response, its end token
included, and 0 after it; what it hides counts in no mean.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from torch import Tensor

Estimator: TypeAlias = Literal["k1", "k2", "k3"]

# A token's log-ratio beyond this says nothing more, but would swamp the sum.
MAX_LOG_RATIO = 10.0


def log_probs(logits: Tensor, tokens: Tensor, temperature: float) -> Tensor:
    """Return the log-probability of each token; logits: (batch, response, vocabulary).

    The temperature must be the one that the tokens were drawn with, or ratios are wrong.
    """
    scaled = logits.float() / temperature
    return scaled.gather(-1, tokens.unsqueeze(-1)).squeeze(-1) - scaled.logsumexp(-1)


def kl_terms(policy: Tensor, reference: Tensor, estimator: Estimator) -> Tensor:
    """Return each token's share of KL(policy, reference), estimated from the policy's samples.

    k1 is unbiased and may be negative, k2 never is; k3 is neither biased nor negative
    (Schulman 2020, "Approximating KL divergence").
    """
    import torch

    ratio = (policy - reference).clamp(-MAX_LOG_RATIO, MAX_LOG_RATIO)
    if estimator == "k1":
        return ratio
    if estimator == "k2":
        return ratio.square() / 2
    return torch.exp(-ratio) - 1 + ratio


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Return the mean over real tokens."""
    return (values * mask).sum() / mask.sum().clamp(min=1)


def whiten(values: Tensor, mask: Tensor, *, shift: bool = True) -> Tensor:
    """Return the values at variance 1, and at mean 0 if they may be shifted."""
    mean = masked_mean(values, mask)
    variance = masked_mean((values - mean).square(), mask)
    scaled = (values - mean) * (variance + 1e-8).rsqrt()
    return (scaled if shift else scaled + mean) * mask


def token_rewards(
    scores: Tensor, policy: Tensor, reference: Tensor, mask: Tensor, coef: float, by: Estimator
) -> Tensor:
    """Return the reward of every token: the KL penalty, and the score on the last real one.

    scores: (batch,)
    """
    import torch

    rewards = -coef * kl_terms(policy, reference, by) * mask
    last = (mask.sum(1) - 1).long().clamp(min=0)
    rewards[torch.arange(len(scores), device=scores.device), last] += scores
    return rewards


def advantages(
    rewards: Tensor, values: Tensor, mask: Tensor, *, gamma: float, lam: float
) -> Tensor:
    """Return the generalized advantage estimates (Schulman et al. 2016), before whitening.

    Beyond the last real token the value is 0.
    """
    import torch

    result = torch.zeros_like(rewards)
    running = torch.zeros_like(rewards[:, 0])
    width = rewards.shape[1]
    for t in reversed(range(width)):
        after = values[:, t + 1] * mask[:, t + 1] if t + 1 < width else torch.zeros_like(running)
        delta = rewards[:, t] + gamma * after - values[:, t]
        running = (delta + gamma * lam * running) * mask[:, t]
        result[:, t] = running
    return result


def policy_loss(new: Tensor, old: Tensor, advantage: Tensor, mask: Tensor, clip: float) -> Tensor:
    """Return the clipped surrogate loss."""
    import torch

    ratio = torch.exp((new - old) * mask)
    clipped = ratio.clamp(1 - clip, 1 + clip)
    return masked_mean(torch.max(-advantage * ratio, -advantage * clipped), mask)


def value_loss(new: Tensor, old: Tensor, returns: Tensor, mask: Tensor, clip: float) -> Tensor:
    """Return the squared error of the values, which may move by `clip` at a time."""
    import torch

    clipped = old + (new - old).clamp(-clip, clip)
    worse = torch.max((new - returns).square(), (clipped - returns).square())
    return 0.5 * masked_mean(worse, mask)


def adapted(coef: float, kl: float, *, target: float, batch: int, horizon: int) -> float:
    """Return the next coefficient of an adaptive penalty (Ziegler et al. 2019, §2.2).

    `kl` is that of whole responses; the error counts at most 20 %.
    """
    error = max(-0.2, min(0.2, kl / target - 1))
    return coef * (1 + error * batch / horizon)
