"""One rollout: prompts in, responses with log-probabilities, values, rewards and advantages out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from prefdata.core.records import Conversation
from prefdata.training import ppo_math
from prefdata.training.metrics import spearman
from prefdata.training.monitors import measure
from prefdata.training.policy import ActorCritic, Reference, generate
from prefdata.training.rewards import CombinedReward, Scale

if TYPE_CHECKING:
    from prefdata.training.ppo import TrainPPO


@dataclass(frozen=True)
class Prompt:
    """A prompt as the policy reads it, and as the reward model does."""

    ids: tuple[int, ...]
    conversation: Conversation
    text: str


@dataclass
class Rollout:
    """A batch of samples; tensors are (batch, response) unless said otherwise.

    `ids` and `attention` are (batch, prompt + response); `width` is the prompts'.
    """

    ids: Tensor
    attention: Tensor
    width: int
    mask: Tensor
    old: Tensor
    reference: Tensor
    values: Tensor
    texts: list[str]
    tokens: list[list[int]]
    ended: list[bool]
    raw: list[float]
    advantages: Tensor = field(default_factory=lambda: torch.empty(0))
    returns: Tensor = field(default_factory=lambda: torch.empty(0))

    @property
    def response(self) -> Tensor:
        """Return the tokens after the prompt."""
        return self.ids[:, self.width :]

    def kl(self) -> float:
        """Return the mean over samples of the summed log-ratio: k1, whatever the penalty uses."""
        return float(((self.old - self.reference) * self.mask).sum(1).mean())

    def measures(self, n: int) -> dict[str, float]:
        """Return score, KL and what the monitors look at."""
        lengths = [len(row) for row in self.tokens]
        correlation = spearman(np.asarray(self.raw), np.asarray(lengths))
        return {
            "score": sum(self.raw) / len(self.raw),
            "kl": self.kl(),
            **measure(self.texts, self.tokens, self.ended, n),
            "score_length_spearman": correlation or 0.0,
        }


@torch.no_grad()
def sample(
    model: ActorCritic,
    reference: Reference,
    reward: CombinedReward,
    tokenizer: Any,
    prompts: Sequence[Prompt],
    config: TrainPPO.Config,
) -> Rollout:
    """Sample responses and look at them with policy, reference and reward model."""
    longest, temperature = config.generate.max_new_tokens, config.generate.temperature
    ids, attention, width = generate(
        model.lm, tokenizer, [p.ids for p in prompts], longest=longest, temperature=temperature
    )
    response, mask = ids[:, width:], attention[:, width:].float()
    logits, values = model(ids, attention)
    old = ppo_math.log_probs(logits[:, width - 1 : -1], response, temperature) * mask
    frozen = reference.logits(ids, attention)[:, width - 1 : -1]
    lengths = mask.sum(1).long().tolist()
    tokens = [row[:n] for row, n in zip(response.tolist(), lengths, strict=True)]
    texts = tokenizer.batch_decode(tokens, skip_special_tokens=True)
    return Rollout(
        ids=ids,
        attention=attention,
        width=width,
        mask=mask,
        old=old,
        reference=ppo_math.log_probs(frozen, response, temperature) * mask,
        values=values[:, width - 1 : -1].float() * mask,
        texts=texts,
        tokens=tokens,
        ended=[bool(row) and row[-1] == tokenizer.eos_token_id for row in tokens],
        raw=reward.raw([p.conversation for p in prompts], texts),
    )


def value(
    rollout: Rollout, reward: CombinedReward, scale: Scale, coef: float, config: TrainPPO.Config
) -> None:
    """Fill in the advantages and returns of a rollout."""
    ppo = config.ppo
    shaped = reward.shaped(rollout.raw, rollout.tokens, scale)
    missing = [0.0 if ended else ppo.missing_eos_penalty for ended in rollout.ended]
    scores = torch.tensor(shaped, device=rollout.old.device) - torch.tensor(
        missing, device=rollout.old.device
    )
    rewards = ppo_math.token_rewards(
        scores, rollout.old, rollout.reference, rollout.mask, coef, config.kl.estimator
    )
    if ppo.whiten_rewards:
        rewards = ppo_math.whiten(rewards, rollout.mask, shift=False)
    found = ppo_math.advantages(rewards, rollout.values, rollout.mask, gamma=ppo.gamma, lam=ppo.lam)
    rollout.returns = found + rollout.values
    rollout.advantages = ppo_math.whiten(found, rollout.mask)
