"""The policy, its value head and its frozen reference. Imports torch: load it when a stage runs."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn

from prefdata.training.network import padded


class ActorCritic(nn.Module):
    """A causal language model with a value for every token.

    By default the value head reads the policy's last hidden states without sending gradients
    back: one model in memory, and the critic cannot disturb the policy. With `separate`, it reads
    a copy of the policy that is trained beside it: twice the memory, better values. The head
    begins at zero, so the first advantages are those of the rewards alone.
    """

    def __init__(self, lm: Any, *, separate: bool = False) -> None:
        super().__init__()
        self.lm = lm
        self.trunk = deepcopy(lm) if separate else None
        if self.trunk is not None:
            self.trunk.get_output_embeddings().requires_grad_(False)  # its logits are not used
        self.head = nn.Linear(lm.config.hidden_size, 1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits (batch, sequence, vocabulary) and values (batch, sequence)."""
        out = run_lm(self.lm, ids, mask, hidden=True)
        if self.trunk is None:
            hidden = out.hidden_states[-1].detach()
        else:
            hidden = run_lm(self.trunk, ids, mask, hidden=True).hidden_states[-1]
        return out.logits, self.head(hidden.float()).squeeze(-1)


def run_lm(lm: Any, ids: Tensor, mask: Tensor, *, hidden: bool = False) -> Any:
    """Run a language model over left-padded ids, with the positions that padding does not shift."""
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    return lm(
        input_ids=ids,
        attention_mask=mask,
        position_ids=positions,
        output_hidden_states=hidden,
        use_cache=False,
    )


class Reference:
    """The frozen policy at the start: a copy, or the same weights with the adapter switched off."""

    def __init__(self, lm: Any) -> None:
        self.lm = lm
        self.is_adapter = hasattr(lm, "disable_adapter")
        self.copy = None if self.is_adapter else deepcopy(lm).eval().requires_grad_(False)

    @torch.no_grad()
    def logits(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return the reference's logits, (batch, sequence, vocabulary)."""
        with self.lm.disable_adapter() if self.is_adapter else nullcontext():
            logits: Tensor = run_lm(self.copy or self.lm, ids, mask).logits
            return logits


def lm_loss(model: ActorCritic, ids: Sequence[Sequence[int]], pad: int) -> Tensor:
    """Return the mean cross-entropy of the next token over whole texts.

    The values take part with weight zero, so that every process of several sees every weight.
    """
    device = model_device(model)
    tokens, mask = (t.to(device) for t in padded(ids, pad))
    logits, values = model(tokens, mask)
    targets = tokens[:, 1:].masked_fill(mask[:, 1:] == 0, -100)
    loss = nn.functional.cross_entropy(logits[:, :-1].float().transpose(1, 2), targets)
    return loss + 0.0 * values.sum()


def model_device(model: nn.Module) -> Any:
    """Return the device that a model's weights are on."""
    return next(model.parameters()).device


@torch.no_grad()
def generate(
    lm: Any, tokenizer: Any, prompts: Sequence[Sequence[int]], *, longest: int, temperature: float
) -> tuple[Tensor, Tensor, int]:
    """Sample one response to each prompt.

    Returns ids and mask, both (batch, prompt + response), and the prompts' width. Nothing but the
    temperature bends the distribution, or ratios between samples and log-probabilities break.
    """
    device = model_device(lm)
    ids, mask = (t.to(device) for t in padded(prompts, tokenizer.pad_token_id, left=True))
    whole = lm.generate(
        input_ids=ids,
        attention_mask=mask,
        max_new_tokens=longest,
        do_sample=True,
        temperature=temperature,
        top_k=0,
        top_p=1.0,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    width = ids.shape[1]
    response = whole[:, width:]
    ends = response == tokenizer.eos_token_id
    after_end = (ends.cumsum(1) - ends.long()) > 0
    return whole, torch.cat([mask, (~after_end).long()], 1), width
