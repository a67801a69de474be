"""Proximal policy optimization, from prompts to a better policy; to be read in one sitting.

Each step: sample responses (`rollout`), turn rewards and KL into advantages (`ppo_math`), move
policy and value head a few times over the batch, look at the monitors, keep what is best.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from statistics import fmean, pstdev
from typing import TYPE_CHECKING, Any

import torch

from prefdata.core.errors import MonitorTripped
from prefdata.training import ppo_math
from prefdata.training.metrics import spearman
from prefdata.training.monitors import WINDOW, Monitors
from prefdata.training.network import restore_state, trainable_state
from prefdata.training.policy import ActorCritic, Reference, lm_loss
from prefdata.training.rewards import CombinedReward, Scale
from prefdata.training.rollout import Prompt, Rollout, sample, value
from prefdata.training.session import Checkpoints, EventLog, StopRequest

if TYPE_CHECKING:
    from prefdata.core.stage import Context
    from prefdata.training.ppo import TrainPPO


@dataclass
class State:
    """What changes from step to step beside weights and optimizer; all of it is checkpointed.

    `baseline` holds what the reference's samples showed, `best` the step whose weights are the
    best so far and its mean score (-1: none yet).
    """

    step: int = 0
    kl_coef: float = 0.0
    scale: Scale = field(default_factory=Scale)
    baseline: dict[str, float] = field(default_factory=dict)
    history: list[dict[str, float]] = field(default_factory=list)
    best_step: int = -1
    best_score: float = -math.inf


@dataclass
class Materials:
    """What a run is made of: prompts, texts to replay, texts to measure forgetting with."""

    prompts: Sequence[Prompt]
    replay: Sequence[Sequence[int]]
    held_out: Sequence[Sequence[int]]
    prompt_order: Callable[[int], list[int]]
    replay_order: Callable[[int], list[int]]


class PPO:
    """One policy in training. A killed run goes on where its checkpoint was, bit by bit."""

    def __init__(
        self,
        lm: Any,
        tokenizer: Any,
        reward: CombinedReward,
        materials: Materials,
        config: TrainPPO.Config,
        *,
        checkpoints: Checkpoints,
        events: EventLog,
        context: Context,
        accelerator: Any,
    ) -> None:
        self.tokenizer = tokenizer
        self.reward = reward
        self.materials = materials
        self.config = config
        self.checkpoints = checkpoints
        self.events = events
        self.context = context
        self.accelerator = accelerator
        self.reference = Reference(lm)
        self.model = ActorCritic(lm, separate=config.critic == "separate").eval()
        self.optimizer = _optimizer(self.model, config)
        self.state = State(kl_coef=config.kl.coef)
        self.wrapped: Any = self.model

    def run(self) -> str:
        """Train and return which monitor stopped it, in words; empty if none did.

        Raises:
            MonitorTripped: a loss is no number; the weights before it are kept.
            Interrupted: the user stopped it, after a checkpoint.
        """
        self._resume()
        self.wrapped, self.optimizer = self.accelerator.prepare(self.model, self.optimizer)
        monitors = Monitors(self.limits(), self.state.history)
        with StopRequest() as stop:
            while self.state.step < self.config.ppo.steps:
                self._step()
                tripped = monitors.tripped()
                self._keep_best(monitors, tripped)
                if tripped or stop.asked or self.state.step % self.config.checkpoint_every == 0:
                    self.save()
                if tripped and self.config.on_trip == "stop":
                    return tripped
                if stop.asked:
                    stop.interrupt(self.state.step)
        return monitors.tripped()

    def limits(self) -> dict[str, str]:
        """Return the monitors' limits, the KL budget among them."""
        budget = {"kl": f"<={self.config.kl.stop}"} if self.config.kl.stop else {}
        return {**budget, **self.config.monitors}

    def _step(self) -> None:
        """Sample, learn, measure, log."""
        state, config = self.state, self.config
        if not state.baseline:
            self._measure_reference()
        rollout = self._sample(state.step)
        value(rollout, self.reward, state.scale, state.kl_coef, config)
        losses = self._learn(rollout)
        measured = self._measures(rollout)
        if config.kl.mode == "adaptive":
            state.kl_coef = ppo_math.adapted(
                state.kl_coef,
                measured["kl"],
                target=config.kl.target,
                batch=config.ppo.rollout,
                horizon=config.kl.horizon,
            )
        state.step += 1
        state.history.append(measured)
        del state.history[:-WINDOW]
        if self.accelerator.is_main_process:
            rounded = {k: round(v, 6) for k, v in {**measured, **losses}.items()}
            self.events.write(state.step, **rounded, kl_coef=round(state.kl_coef, 8))
            self._log_samples(rollout)
            self.context.report("progress", step=state.step, of=config.ppo.steps, **rounded)

    def _measure_reference(self) -> None:
        """Measure the policy as it is before the first step: what later steps are held against."""
        rollout = self._sample(0)
        self.state.scale = Scale(fmean(rollout.raw), pstdev(rollout.raw))
        self.state.baseline = rollout.measures(self.config.repetition_n)
        self.state.baseline["lm_loss"] = self._held_out_loss()

    def _sample(self, step: int) -> Rollout:
        mine = self.materials.prompt_order(step)[self.accelerator.process_index :: self._world()]
        prompts = [self.materials.prompts[n] for n in mine]
        with self.accelerator.autocast():
            rollout: Rollout = sample(
                self.model, self.reference, self.reward, self.tokenizer, prompts, self.config
            )
        return rollout

    def _learn(self, rollout: Rollout) -> dict[str, float]:
        """Go over the rollout in minibatches, a few times; return the mean losses."""
        ppo = self.config.ppo
        sums: dict[str, float] = {}
        updates = 0
        for epoch in range(ppo.epochs):
            order = torch.randperm(len(rollout.texts))
            for start in range(0, len(order), ppo.minibatch):
                rows = order[start : start + ppo.minibatch].to(rollout.ids.device)
                number = self.state.step * ppo.epochs + epoch
                for name, loss in self._update(rollout, rows, number).items():
                    sums[name] = sums.get(name, 0.0) + loss
                updates += 1
        return {name: total / updates for name, total in sums.items()}

    def _update(self, rollout: Rollout, rows: Any, number: int) -> dict[str, float]:
        """Move the weights once, by one minibatch and a batch of replayed texts."""
        ppo = self.config.ppo
        mask, width = rollout.mask[rows], rollout.width
        logits, values = self.wrapped(rollout.ids[rows], rollout.attention[rows])
        new = ppo_math.log_probs(
            logits[:, width - 1 : -1], rollout.response[rows], self.config.generate.temperature
        )
        policy = ppo_math.policy_loss(
            new, rollout.old[rows], rollout.advantages[rows], mask, ppo.clip
        )
        critic = ppo_math.value_loss(
            values[:, width - 1 : -1],
            rollout.values[rows],
            rollout.returns[rows],
            mask,
            ppo.value_clip,
        )
        self.accelerator.backward(policy + ppo.value_coef * critic)
        losses = {"policy_loss": float(policy.detach()), "value_loss": float(critic.detach())}
        if self.config.ptx:
            texts = [self.materials.replay[n] for n in self.materials.replay_order(number)]
            replayed = lm_loss(self.wrapped, texts, self.tokenizer.pad_token_id)
            self.accelerator.backward(self.config.ptx.coef * replayed)
            losses["ptx_loss"] = float(replayed.detach())
        self._move(losses)
        return losses

    def _move(self, losses: dict[str, float]) -> None:
        """Take the optimizer's step, unless a number has gone bad."""
        norm = float(
            self.accelerator.clip_grad_norm_(
                self.wrapped.parameters(), self.config.ppo.max_grad_norm
            )
        )
        if not all(map(math.isfinite, (norm, *losses.values()))):
            raise MonitorTripped(
                f"a loss is no number after step {self.state.step}: {losses}",
                f"the newest good weights are in {self.checkpoints.folder}",
                "lower ppo.learning_rate, or clip the reward; then build again",
            )
        self.optimizer.step()
        self.optimizer.zero_grad()

    def _measures(self, rollout: Rollout) -> dict[str, float]:
        """Return a step's measures, of all processes, beside those of the reference."""
        found = rollout.measures(self.config.repetition_n)
        found["score_length_spearman"] = spearman_of(rollout)
        if self._world() > 1:
            mine = torch.tensor(list(found.values()), device=self.accelerator.device)
            mean = self.accelerator.reduce(mine, reduction="mean").tolist()
            found = dict(zip(found, mean, strict=True))
        before = self.state.baseline
        found["length_ratio"] = found["length"] / max(before["length"], 1.0)
        found["repetition_delta"] = found["repetition"] - before["repetition"]
        found["lm_loss_delta"] = self._held_out_loss() - before["lm_loss"]
        return found

    @torch.no_grad()
    def _held_out_loss(self) -> float:
        if not self.materials.held_out:
            return 0.0
        with self.accelerator.autocast():
            pad = self.tokenizer.pad_token_id
            return float(lm_loss(self.model, self.materials.held_out, pad))

    def _keep_best(self, monitors: Monitors, tripped: str) -> None:
        """Remember the weights with the best mean score that no monitor objects to."""
        state = self.state
        if tripped or state.step % self.config.keep_best_every or len(state.history) < WINDOW:
            return
        score = self.config.reward.sign * monitors.mean("score")
        if score > state.best_score:
            state.best_score, state.best_step = score, state.step
            if self.accelerator.is_main_process:
                self.checkpoints.keep("best", {"model": trainable_state(self.model.lm)})

    def restore_best(self) -> int:
        """Put the best weights back and return their step; the reference's where none are."""
        best = self.checkpoints.kept("best")
        if best is None or self.state.best_step < 0:
            best = self.checkpoints.kept("start")
        if best is not None:
            restore_state(self.model.lm, best["model"])
        return max(self.state.best_step, 0)

    def save(self) -> None:
        """Write a checkpoint: weights, optimizer, and everything that decides the next step."""
        if self.accelerator.is_main_process:
            self.checkpoints.save(
                self.state.step,
                {
                    "model": trainable_state(self.model),
                    "optimizer": self.optimizer.state_dict(),
                    "state": asdict(self.state),
                },
            )

    def _resume(self) -> None:
        saved = self.checkpoints.newest()
        if saved:
            restore_state(self.model, saved["model"])
            self.optimizer.load_state_dict(saved["optimizer"])
            values = dict(saved["state"])
            self.state = State(**{**values, "scale": Scale(**values["scale"])})
            self.context.report("progress", resumed=self.state.step)
        elif self.accelerator.is_main_process:
            self.checkpoints.keep("start", {"model": trainable_state(self.model.lm)})
        if not saved:
            torch.manual_seed(self.context.seed * 100_003 + self.accelerator.process_index)
        self.events.rewind(self.state.step)

    def _log_samples(self, rollout: Rollout) -> None:
        if self.state.step % self.config.samples_every:
            return
        log = EventLog(self.events.path.with_name("samples.jsonl"))
        for n in range(min(4, len(rollout.texts))):
            log.write(self.state.step, text=rollout.texts[n], reward=round(rollout.raw[n], 4))

    def _world(self) -> int:
        return int(self.accelerator.num_processes)


def _optimizer(model: ActorCritic, config: TrainPPO.Config) -> Any:
    critic = [p for n, p in model.named_parameters() if not n.startswith("lm.") and p.requires_grad]
    policy = [p for p in model.lm.parameters() if p.requires_grad]
    groups = [
        {"params": policy, "lr": config.ppo.learning_rate},
        {"params": critic, "lr": config.ppo.critic_learning_rate},
    ]
    return torch.optim.AdamW(groups, weight_decay=0.0)


def spearman_of(rollout: Rollout) -> float:
    """Return the rank correlation of reward and length within a batch, 0.0 where undefined."""
    import numpy as np

    lengths = [len(row) for row in rollout.tokens]
    return spearman(np.asarray(rollout.raw), np.asarray(lengths)) or 0.0
