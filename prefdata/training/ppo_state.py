"""Where a PPO run stands, and how it comes back from disk: bit by bit, or to the best policy."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any

from prefdata.training.network import restore_state, trainable_state
from prefdata.training.policy import ActorCritic
from prefdata.training.rewards import Scale
from prefdata.training.session import Checkpoints


@dataclass
class State:
    """What changes from step to step beside weights and optimizer.

    `baseline` holds what the reference's samples showed, `history` the measures of the last steps,
    `best_step` the step whose weights are the best so far (-1: none yet) and `best_score` its
    mean score.
    """

    step: int = 0
    kl_coef: float = 0.0
    scale: Scale = field(default_factory=Scale)
    baseline: dict[str, float] = field(default_factory=dict)
    history: list[dict[str, float]] = field(default_factory=list)
    best_step: int = -1
    best_score: float = -math.inf


class Progress:
    """Writes and reads the state of a run. Of several processes only the main one writes."""

    def __init__(self, model: ActorCritic, checkpoints: Checkpoints, *, is_main: bool) -> None:
        self.model = model
        self.checkpoints = checkpoints
        self.is_main = is_main
        self.state = State()

    def begin(self, optimizer: Any, *, seed: int, kl_coef: float) -> None:
        """Go on from the newest checkpoint; without one, begin anew and keep the first weights.

        The random state comes back with a checkpoint; else it is drawn from the seed.
        """
        saved = self.checkpoints.newest()
        if saved:
            restore_state(self.model, saved["model"])
            optimizer.load_state_dict(saved["optimizer"])
            values = dict(saved["state"])
            self.state = State(**{**values, "scale": Scale(**values["scale"])})
            return
        import torch

        torch.manual_seed(seed)
        self.state = State(kl_coef=kl_coef)
        self._keep("start")

    def save(self, optimizer: Any) -> None:
        """Write a checkpoint: everything that decides the next step."""
        if self.is_main:
            whole = {
                "model": trainable_state(self.model),
                "optimizer": optimizer.state_dict(),
                "state": asdict(self.state),
            }
            self.checkpoints.save(self.state.step, whole)

    def keep_if_best(self, score: float) -> None:
        """Remember the present weights if no earlier ones had a better mean score."""
        if score > self.state.best_score:
            self.state.best_score, self.state.best_step = score, self.state.step
            self._keep("best")

    def restore_best(self) -> int:
        """Put the best weights back and return their step: 0, the first ones, if none were kept."""
        name = "best" if self.state.best_step >= 0 else "start"
        kept = self.checkpoints.kept(name)
        if kept is not None:
            restore_state(self.model.lm, kept["model"])
        return max(self.state.best_step, 0)

    def _keep(self, name: str) -> None:
        if self.is_main:
            self.checkpoints.keep(name, {"model": trainable_state(self.model.lm)})
