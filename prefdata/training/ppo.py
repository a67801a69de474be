"""The stage ``train_ppo``: a policy moved towards a reward model, held near where it began."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from prefdata.config.settings import Settings
from prefdata.core.errors import ConfigError, MonitorTripped, UsageError
from prefdata.core.records import digest
from prefdata.core.stage import Context
from prefdata.store.files import read_json
from prefdata.training.artifact import METRICS, write_metrics
from prefdata.training.launch import in_processes
from prefdata.training.monitors import MEASURES
from prefdata.training.ppo_math import Estimator
from prefdata.training.rewards import RewardSettings
from prefdata.training.session import Checkpoints, EventLog, out_of_memory_explained
from prefdata.training.settings import BaseModelSettings, Limit, Lora
from prefdata.training.stage import TORCH, TrainingSettings, TrainingStage
from prefdata.training.thresholds import Check, refuse_unknown

if TYPE_CHECKING:
    from prefdata.store.dataset import Dataset


class Kl(Settings):
    """The penalty on leaving the reference; target and stop are in nats for a whole response."""

    coef: float = Field(default=0.05, ge=0)
    estimator: Estimator = "k1"
    mode: Literal["fixed", "adaptive"] = "fixed"
    target: float = Field(default=6.0, gt=0)
    horizon: int = Field(default=10_000, ge=1, description="samples")
    stop: float = Field(default=25.0, ge=0, description="a monitor's limit; 0: none")


class Generation(Settings):
    """How responses are drawn."""

    max_new_tokens: int = Field(default=256, ge=1)
    temperature: float = Field(default=1.0, gt=0)
    max_prompt: int = Field(default=1024, ge=1, description="longer prompts are left out, counted")


class Replay(Settings):
    """PPO-ptx: the loss on earlier texts, mixed in against forgetting (Ouyang et al. 2022).

    `data` is JSON Lines of ``{"text": …}`` and `artifact` its entry in the license registry;
    without it, the release's chosen completions.
    """

    data: str = ""
    artifact: str = ""
    coef: float = Field(default=0.1, gt=0)
    batch_size: int = Field(default=16, ge=1)


class Steps(Settings):
    """The sizes and rates of PPO. A step draws `rollout` samples and learns from them."""

    steps: int = Field(default=500, ge=1)
    rollout: int = Field(default=512, ge=2)
    minibatch: int = Field(default=64, ge=1)
    epochs: int = Field(default=2, ge=1)
    clip: float = Field(default=0.2, gt=0)
    value_clip: float = Field(default=0.2, gt=0)
    value_coef: float = Field(default=0.5, ge=0)
    gamma: float = Field(default=1.0, gt=0, le=1)
    lam: float = Field(default=0.95, ge=0, le=1)
    whiten_rewards: bool = False
    learning_rate: float = Field(default=1e-6, gt=0)
    critic_learning_rate: float = Field(default=5e-6, gt=0)
    max_grad_norm: float = Field(default=1.0, gt=0)
    missing_eos_penalty: float = Field(default=0.0, ge=0)


class TrainPPO(TrainingStage):
    """Train a policy with PPO against reward models.

    Inputs: ``prompts``, a release; ``reward`` (and any other whose name begins so), steps that
    leave a reward model; ``policy`` (optional), a step that leaves a model.
    """

    name = "train_ppo"
    release_inputs = ("prompts", "pairs")
    start = "policy"
    resumable = True

    class Config(TrainingSettings):
        """Settings of PPO."""

        policy: BaseModelSettings | None = Field(default=None, description="the model to start at")
        lang: str = Field(default="ja", description="prompts of this language; empty: of all")
        reward: RewardSettings = RewardSettings()
        kl: Kl = Kl()
        ptx: Replay | None = None
        generate: Generation = Generation()
        ppo: Steps = Steps()
        critic: Literal["shared_detached", "separate"] = "shared_detached"
        lora: Lora | None = None
        monitors: dict[str, Limit] = Field(
            default={"repetition_delta": "<=0.25"}, description="measure: '<=0.25'; else code 7"
        )
        repetition_n: int = Field(default=4, ge=1, description="tokens in a repeated n-gram")
        on_trip: Literal["stop", "go_on"] = "stop"
        held_out: int = Field(default=32, ge=0, description="texts to measure forgetting with")
        checkpoint_every: Annotated[int, Field(ge=1, description="steps")] = 50
        keep_best_every: Annotated[int, Field(ge=1, description="steps")] = 10
        samples_every: Annotated[int, Field(ge=1, description="steps")] = 10
        precision: Literal["auto", "fp32", "bf16"] = "auto"
        processes: int = Field(default=1, ge=0, description="0: one for each GPU")

    config: Config

    @classmethod
    def packages(cls, config: Config, inputs: Collection[str]) -> Mapping[str, Sequence[str]]:
        """Return the modules that `run` imports, by the extra that brings them."""
        return {"train": (*TORCH, *(("peft",) if config.lora else ()))}

    @classmethod
    def models(cls, config: Config) -> list[str]:
        """Return the reward directories that the settings name."""
        return list(config.reward.folders)

    @classmethod
    def texts(cls, config: Config) -> dict[str, str]:
        """Return the file of texts to replay, and its registry entry."""
        return {config.ptx.data: config.ptx.artifact} if config.ptx and config.ptx.data else {}

    @classmethod
    def lacks(cls, config: Config, context: Context, inputs: Collection[str]) -> list[UsageError]:
        """Return what must be installed, built, fetched or named before the stage can run."""
        found = super().lacks(config, context, inputs)
        if not config.reward.folders and not any(name.startswith("reward") for name in inputs):
            found.append(no_reward())
        return found

    @staticmethod
    def plan(config: Config, context: Context) -> None:
        """Refuse settings that cannot work, before anything is downloaded or loaded."""
        if config.lora and config.critic == "separate":
            raise ConfigError(
                "a separate critic is a second whole model, which lora is there to avoid",
                context.step,
                "use critic: shared_detached, or no lora",
            )
        if config.ppo.minibatch > config.ppo.rollout:
            raise ConfigError(
                f"ppo.minibatch {config.ppo.minibatch} is more than ppo.rollout "
                f"{config.ppo.rollout}",
                context.step,
            )
        refuse_unknown(config.monitors, MEASURES, context.step, kind="monitor")

    def run(self, inputs: Mapping[str, Dataset], out: Path) -> None:
        """Train, write the policy, and say so if a monitor stopped it."""
        folders = {name: dataset.path for name, dataset in inputs.items()}
        self.permit(folders, out)
        if not in_processes(self, folders, out):
            self.work(folders, out)
        self.finish(folders, out)

    def reward_folders(self, folders: Mapping[str, Path]) -> list[Path]:
        """Return the reward directories: inputs named ``reward…``, and those of the settings."""
        found = [path for name, path in sorted(folders.items()) if name.startswith("reward")]
        found += [self.context.path(name) for name in self.config.reward.folders]
        if not found:
            raise no_reward()
        return found

    def work(self, folders: Mapping[str, Path], out: Path) -> None:
        """Train; runs in every process of a launch."""
        from prefdata.training import network
        from prefdata.training.fit import accelerator_of
        from prefdata.training.ppo_loop import PPO
        from prefdata.training.prompts import materials_of
        from prefdata.training.rewards import CombinedReward

        config = self.config
        base = self.base(folders)
        accelerator = accelerator_of(config.precision)
        tokenizer = network.load_tokenizer(base)
        with out_of_memory_explained(
            asked=f"ppo.minibatch {config.ppo.minibatch}, ppo.rollout {config.ppo.rollout}, "
            f"generate.max_new_tokens {config.generate.max_new_tokens}",
            lower="ppo.minibatch, ppo.rollout or generate.max_new_tokens, or set lora",
        ):
            lm = network.load_policy(base, tokenizer, dtype="auto" if config.lora else "float32")
            longest = config.generate.max_prompt + config.generate.max_new_tokens
            network.refuse_longer(lm, longest, "generate.max_prompt")
            if config.lora:
                lm = network.with_adapter(lm, config.lora, "CAUSAL_LM", seed=self.context.seed)
            device = str(accelerator.device)
            reward = CombinedReward(self.reward_folders(folders), config.reward, device)
            ppo = PPO(
                lm.to(device),
                tokenizer,
                reward,
                materials_of(config, self.release(folders), tokenizer, self.context),
                config,
                checkpoints=Checkpoints(out / "checkpoints", self.identity()),
                events=EventLog(out / "events.jsonl"),
                context=self.context,
                accelerator=accelerator,
            )
            tripped = ppo.run()
        if accelerator.is_main_process:
            self.save(ppo, tripped, out)

    def identity(self) -> str:
        """Return what a checkpoint must agree with."""
        return digest("ppo", self.context.key, self.config.model_dump_json())

    def save(self, ppo: Any, tripped: str, out: Path) -> None:
        """Write model and metrics: the last policy, or the best one if a monitor tripped."""
        from prefdata.training import network

        state = ppo.progress.state
        best = ppo.progress.restore_best() if tripped else state.step
        network.save_model(ppo.model.lm, ppo.tokenizer, out / "model")
        names = state.history[0] if state.history else ()
        last = {name: fmean(step[name] for step in state.history) for name in names}
        metrics = {
            **last,
            "kl_coef": state.kl_coef,
            "steps": state.step,
            "step_of_model": best,
            "before": state.baseline,
            "prompts": len(ppo.materials.prompts),
            "stopped_by": tripped,
        }
        checks = [
            Check(name, limit, last.get(name), not tripped.startswith(f"{name} is"))
            for name, limit in ppo.limits().items()
        ]
        write_metrics(out, metrics, checks)

    def finish(self, folders: Mapping[str, Path], out: Path) -> None:
        """Write card and manifest, and report a monitor that tripped."""
        self.sign(folders, out, card="policy")
        metrics = read_json(out / METRICS)["metrics"]
        if metrics["stopped_by"]:
            raise MonitorTripped(
                f"{metrics['stopped_by']} after step {metrics['steps']}",
                f"the best policy, of step {metrics['step_of_model']}, is in {out / 'model'}",
                "raise kl.coef, lower ppo.learning_rate or add ptx; look at samples.jsonl",
            )


def no_reward() -> ConfigError:
    """Return the error of PPO without a reward model."""
    return ConfigError(
        "there is no reward model", fix="name the step: 'inputs: {reward: ID}', or reward.folders"
    )
