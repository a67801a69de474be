"""Proximal policy optimization, from prompts to a better policy; to be read in one sitting.

Each step: sample responses (`rollout`), turn rewards and KL into advantages (`ppo_math`), move
policy and value head a few times over the batch, look at the monitors, keep what is best.
"""

from __future__ import annotations

import math
from statistics import fmean, pstdev
from typing import TYPE_CHECKING, Any

import torch

from prefdata.training import ppo_math
from prefdata.training.monitors import WINDOW, Monitors
from prefdata.training.policy import ActorCritic, Reference, lm_loss
from prefdata.training.ppo_state import Progress
from prefdata.training.prompts import Materials
from prefdata.training.rewards import CombinedReward, Scale
from prefdata.training.rollout import Rollout, sample, value
from prefdata.training.session import Checkpoints, EventLog, StopRequest

if TYPE_CHECKING:
    from prefdata.core.stage import Context
    from prefdata.training.ppo import TrainPPO


class BadNumber(Exception):
    """A loss or a gradient is no number; the weights have not been moved by it."""


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
        self.events = events
        self.context = context
        self.accelerator = accelerator
        self.reference = Reference(lm)
        self.model = ActorCritic(lm, separate=config.critic == "separate").eval()
        self.optimizer = optimizer_of(self.model, config)
        self.progress = Progress(self.model, checkpoints, is_main=accelerator.is_main_process)
        self.wrapped: Any = self.model

    def run(self) -> str:
        """Train and return what stopped it, in words; empty if nothing did.

        Raises:
            Interrupted: the user stopped it, after a checkpoint.
        """
        seed = self.context.seed * 100_003 + self.accelerator.process_index
        self.progress.begin(self.optimizer, seed=seed, kl_coef=self.config.kl.coef)
        self.events.rewind(self.progress.state.step)
        self.wrapped, self.optimizer = self.accelerator.prepare(self.model, self.optimizer)
        state = self.progress.state
        monitors = Monitors(self.limits(), state.history)
        with StopRequest() as stop:
            while state.step < self.config.ppo.steps:
                try:
                    self._step()
                except BadNumber as error:
                    return str(error)
                tripped = monitors.tripped()
                if not tripped and self._is_due(self.config.keep_best_every):
                    score = self.config.reward.sign * monitors.mean("score")
                    self.progress.keep_if_best(score)
                asked = stop.is_agreed(self.accelerator)
                is_last = state.step == self.config.ppo.steps
                if tripped or asked or is_last or self._is_due(self.config.checkpoint_every):
                    self.progress.save(self.optimizer)
                if tripped and self.config.on_trip == "stop":
                    return tripped
                if asked:
                    stop.interrupt(state.step)
        return monitors.tripped()

    def limits(self) -> dict[str, str]:
        """Return the monitors' limits, the KL budget among them."""
        budget = {"kl": f"<={self.config.kl.stop}"} if self.config.kl.stop else {}
        return {**budget, **self.config.monitors}

    def _is_due(self, every: int) -> bool:
        return self.progress.state.step % every == 0

    def _step(self) -> None:
        """Sample, learn, measure, log."""
        state, config = self.progress.state, self.config
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
            self._log(rollout, {**measured, **losses})

    def _measure_reference(self) -> None:
        """Measure the policy as it is before the first step: what later steps are held against."""
        rollout = self._sample(0)
        state = self.progress.state
        state.scale = Scale(fmean(rollout.raw), pstdev(rollout.raw))
        state.baseline = rollout.measures(self.config.repetition_n)
        state.baseline["lm_loss"] = self._held_out_loss()

    def _sample(self, step: int) -> Rollout:
        """Sample this process's share of a step's prompts."""
        rank, world = self.accelerator.process_index, self.accelerator.num_processes
        mine = self.materials.prompt_order(step)[rank::world]
        prompts = [self.materials.prompts[n] for n in mine]
        with self.accelerator.autocast():
            rollout: Rollout = sample(
                self.model, self.reference, self.reward, self.tokenizer, prompts, self.config
            )
        return rollout

    def _learn(self, rollout: Rollout) -> dict[str, float]:
        """Go over the rollout in minibatches, a few times; return the mean losses."""
        ppo, step = self.config.ppo, self.progress.state.step
        found = []
        for number in range(step * ppo.epochs, (step + 1) * ppo.epochs):
            order = torch.randperm(len(rollout.texts)).to(rollout.ids.device)
            found += [self._update(rollout, rows, number) for rows in order.split(ppo.minibatch)]
        return {name: fmean(losses[name] for losses in found) for name in found[0]}

    def _update(self, rollout: Rollout, rows: torch.Tensor, number: int) -> dict[str, float]:
        """Move the weights once, by one minibatch and a batch of replayed texts.

        Raises:
            BadNumber: before the weights are moved.
        """
        ppo = self.config.ppo
        mask, answer = rollout.mask[rows], slice(rollout.width - 1, -1)
        logits, values = self.wrapped(rollout.ids[rows], rollout.attention[rows])
        new = ppo_math.log_probs(
            logits[:, answer], rollout.response[rows], self.config.generate.temperature
        )
        policy = ppo_math.policy_loss(
            new, rollout.old[rows], rollout.advantages[rows], mask, ppo.clip
        )
        critic = ppo_math.value_loss(
            values[:, answer], rollout.values[rows], rollout.returns[rows], mask, ppo.value_clip
        )
        self.accelerator.backward(policy + ppo.value_coef * critic)
        losses = {"policy_loss": float(policy.detach()), "value_loss": float(critic.detach())}
        if self.config.ptx:
            texts = [self.materials.replay[n] for n in self.materials.replay_order(number)]
            replayed = lm_loss(self.wrapped, texts, self.tokenizer.pad_token_id)
            self.accelerator.backward(self.config.ptx.coef * replayed)
            losses["ptx_loss"] = float(replayed.detach())
        norm = self.accelerator.clip_grad_norm_(self.wrapped.parameters(), ppo.max_grad_norm)
        if not all(map(math.isfinite, (float(norm), *losses.values()))):
            raise BadNumber(f"a loss is no number: {losses}")
        self.optimizer.step()
        self.optimizer.zero_grad()
        return losses

    def _measures(self, rollout: Rollout) -> dict[str, float]:
        """Return a step's measures, of all processes, beside those of the reference."""
        found = rollout.measures(self.config.repetition_n)
        if self.accelerator.num_processes > 1:
            mine = torch.tensor(list(found.values()), device=self.accelerator.device)
            mean = self.accelerator.reduce(mine, reduction="mean").tolist()
            found = dict(zip(found, mean, strict=True))
        before = self.progress.state.baseline
        found["length_ratio"] = found["length"] / max(before["length"], 1.0)
        found["repetition_delta"] = found["repetition"] - before["repetition"]
        found["lm_loss_delta"] = self._held_out_loss() - before["lm_loss"]
        return found

    @torch.no_grad()
    def _held_out_loss(self) -> float:
        """Return how surprised the policy is by texts that it is not trained on."""
        if not self.materials.held_out:
            return 0.0
        with self.accelerator.autocast():
            pad = self.tokenizer.pad_token_id
            return float(lm_loss(self.model, self.materials.held_out, pad))

    def _log(self, rollout: Rollout, values: dict[str, float]) -> None:
        """Write a step's numbers and, now and then, a few of its samples."""
        state = self.progress.state
        rounded = {name: round(number, 6) for name, number in values.items()}
        self.events.write(state.step, **rounded, kl_coef=round(state.kl_coef, 8))
        self.context.report("progress", step=state.step, of=self.config.ppo.steps, **rounded)
        if self._is_due(self.config.samples_every):
            log = EventLog(self.events.path.with_name("samples.jsonl"))
            for text, reward in list(zip(rollout.texts, rollout.raw, strict=True))[:4]:
                log.write(state.step, text=text, reward=round(reward, 4))


def optimizer_of(model: ActorCritic, config: TrainPPO.Config) -> Any:
    """Return AdamW with a learning rate for the policy and one for the critic."""
    critic = [p for n, p in model.named_parameters() if not n.startswith("lm.") and p.requires_grad]
    policy = [p for p in model.lm.parameters() if p.requires_grad]
    groups = [
        {"params": policy, "lr": config.ppo.learning_rate},
        {"params": critic, "lr": config.ppo.critic_learning_rate},
    ]
    return torch.optim.AdamW(groups, weight_decay=0.0)
