"""Settings that several training stages share; nothing heavy is imported here."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from prefdata.config.settings import Settings

Limit = Annotated[str, StringConstraints(pattern=r"^(>=|<=)\s*-?\d+(\.\d+)?$")]


class BaseModelSettings(Settings):
    """A model to start from: a folder, or a name on the hub with its commit.

    `artifact` is its id in the license registry; without one, `path` is looked up. A folder that
    another stage of prefdata wrote brings its own ``licenses.json``. Code of a model's own runs
    only where it is trusted and pinned: on the hub by `revision`, in a folder by `code`, a digest
    that the refusal names.
    """

    path: str
    revision: str = ""
    artifact: str = ""
    trust_remote_code: bool = False
    code: str = ""

    @property
    def is_pinned(self) -> bool:
        """Tell whether the revision is a commit, not a branch that moves."""
        return len(self.revision) == 40 and all(c in "0123456789abcdef" for c in self.revision)

    @model_validator(mode="after")
    def _remote_code_is_pinned(self) -> BaseModelSettings:
        if self.trust_remote_code and not (self.is_pinned or self.code):
            raise ValueError("trust_remote_code needs a revision of 40 hex digits, or 'code'")
        return self


class Lora(Settings):
    """A low-rank adapter: its rank, its scale, and the layers it goes into (all linear ones)."""

    rank: int = Field(default=16, ge=1)
    alpha: float = Field(default=32.0, gt=0)
    targets: tuple[str, ...] = ()


class Length(Settings):
    """How long a text may be, in the model's tokens, and what happens to longer ones.

    ``truncate`` cuts the end, so the prompt stays; a pair whose prompt alone fills the limit is
    dropped, because nothing of the completions would be left. All three are counted.
    """

    max: int = Field(default=512, ge=8)
    on_excess: Literal["truncate", "drop", "raise"] = "truncate"


class Optimization(Settings):
    """How the weights move: AdamW, linear warm-up, linear decay to zero."""

    epochs: int = Field(default=1, ge=1)
    batch_size: int = Field(default=32, ge=1, description="prompts in one step")
    learning_rate: float = Field(default=1e-5, gt=0)
    warmup: float = Field(default=0.03, ge=0, le=1, description="share of the steps")
    weight_decay: float = Field(default=0.0, ge=0)
    max_grad_norm: float = Field(default=1.0, gt=0)
    dropout: bool = Field(default=False, description="off: rewards of one text do not waver")


class Checkpoints(Settings):
    """How often the state is written, in steps; the two newest are kept."""

    every: int = Field(default=100, ge=1)


class Licensing(Settings):
    """Under which policy, and for which use, the data and the base model must be allowed."""

    policy: str = "permissive-only"
    target: Literal["train_local", "publish_model"] = "train_local"
