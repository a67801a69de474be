"""A reward model's directory and the one way to load it: text in, rewards out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from prefdata.core.errors import InputError, IntegrityError
from prefdata.core.records import Conversation
from prefdata.store.files import read_json, write_json
from prefdata.training import network
from prefdata.training.examples import Encoder
from prefdata.training.remote_code import made_before
from prefdata.training.template import digest_of, render

if TYPE_CHECKING:
    from torch import Tensor

CONFIG = "reward_config.json"
FORMAT = 1
BATCH = 64


@dataclass(frozen=True)
class AspectScale:
    """One aspect's share of the reward: weight x (logit - mean) / std, over the training texts."""

    name: str
    weight: float
    mean: float
    std: float


@dataclass(frozen=True)
class RewardConfig:
    """What a reward directory says of itself, beside the plain model folder ``model/``.

    `head` is how logits become one number: ``single`` (the logit), ``difference`` (the second
    less the first) or ``aspects``. `mean` and `std` are those of the rewards of the validation
    texts. `base_digest` is that of the weights, new head included, before the first step.
    """

    objective: str
    head: Literal["single", "difference", "aspects"]
    input_template: str
    max_length: int
    tokenizer_sha256: str
    base_digest: str
    temperature: float = 1.0
    mean: float = 0.0
    std: float = 1.0
    aspects: tuple[AspectScale, ...] = ()

    def write(self, folder: Path) -> None:
        """Write ``reward_config.json``."""
        tree = {"format": FORMAT, **asdict(self)}
        tree["input_template_sha256"] = digest_of(self.input_template)
        tree["special_tokens"] = "the tokenizer's own"
        write_json(folder / CONFIG, tree)

    @classmethod
    def read(cls, folder: Path) -> RewardConfig:
        """Read and check it.

        Raises:
            InputError: this is no reward directory, or one of another format.
            IntegrityError: the template or the tokenizer is not the one the model learned with.
        """
        if not (folder / CONFIG).is_file():
            raise InputError(
                "this is no reward directory: it has no reward_config.json",
                str(folder),
                "give the folder of a train_reward_model or soup step",
            )
        tree = read_json(folder / CONFIG)
        if tree.pop("format", None) != FORMAT:
            raise InputError("a reward directory of another format", str(folder), "train it again")
        tree.pop("special_tokens", None)
        if tree.pop("input_template_sha256") != digest_of(tree["input_template"]):
            raise IntegrityError(
                "the input template is not the one the model learned with",
                str(folder / CONFIG),
                "restore it, or train again with the new template",
            )
        if tree["tokenizer_sha256"] != network.tokenizer_digest(folder / "model"):
            raise IntegrityError(
                "the tokenizer is not the one the model learned with",
                str(folder / "model"),
                "restore its files, or train again",
            )
        aspects = tuple(AspectScale(**aspect) for aspect in tree.pop("aspects"))
        return cls(**tree, aspects=aspects)


class RewardModel:
    """A loaded reward model. All consumers score through it, so all see the same text.

    It tokenizes with its own tokenizer, special tokens included, whatever the policy uses: scored
    without them, an encoder's rewards are noise that a policy gladly climbs.
    """

    def __init__(self, config: RewardConfig, model: Any, tokenizer: Any) -> None:
        self.config = config
        self.model = model
        self.tokenizer = tokenizer
        self.encoder = Encoder(tokenizer, config.input_template, config.max_length)

    @classmethod
    def load(cls, folder: Path, device: str = "") -> RewardModel:
        """Load a reward directory onto a device (the first GPU, else the processor)."""
        config = RewardConfig.read(folder)
        tokenizer = network.load_tokenizer(made_before(folder / "model"))
        outputs = {"single": 1, "difference": 2, "aspects": len(config.aspects)}[config.head]
        model = network.load_reward(folder / "model", tokenizer, outputs)
        return cls(config, model.to(device or network.device()).eval(), tokenizer)

    def score(
        self, prompts: Sequence[Conversation], completions: Sequence[Conversation]
    ) -> list[float]:
        """Return the reward of each completion to its prompt."""
        texts = [
            render(self.config.input_template, p, c)
            for p, c in zip(prompts, completions, strict=True)
        ]
        return self.score_texts(texts)

    def score_texts(self, texts: Sequence[str]) -> list[float]:
        """Return the rewards of texts that are rendered already."""
        return self.score_ids([self.encoder.cut_ids(text) for text in texts])

    def score_ids(self, ids: Sequence[Sequence[int]]) -> list[float]:
        """Return the rewards of token ids; longest first, so that batches pad little."""
        if not ids:
            return []
        logits = logits_of(self.model, ids, self.tokenizer.pad_token_id)
        return [float(x) for x in reduce_logits(logits, self.config)]


def logits_of(model: Any, ids: Sequence[Sequence[int]], pad: int, size: int = BATCH) -> Tensor:
    """Return the logits of token ids in their order, (texts, outputs), without gradients."""
    import torch

    order = sorted(range(len(ids)), key=lambda n: -len(ids[n]))
    rows: dict[int, Tensor] = {}
    with torch.no_grad():
        for start in range(0, len(order), size):
            part = order[start : start + size]
            logits = forward(model, [ids[n] for n in part], pad)
            rows.update(zip(part, logits.float().cpu(), strict=True))
    return torch.stack([rows[n] for n in range(len(ids))])


def forward(model: Any, ids: Sequence[Sequence[int]], pad: int) -> Tensor:
    """Return the logits of one batch, (texts, outputs).

    Only ids and mask are passed: code of the hub's may know no other argument.
    """
    device = next(model.parameters()).device
    input_ids, mask = network.padded(ids, pad)
    logits: Tensor = model(input_ids=input_ids.to(device), attention_mask=mask.to(device)).logits
    return logits


def reduce_logits(logits: Tensor, config: RewardConfig) -> Tensor:
    """Return one reward a text, (texts,), from its logits, (texts, outputs)."""
    if config.head == "aspects":
        import torch

        scales = [(a.mean, a.std, a.weight) for a in config.aspects]
        mean, std, weight = torch.tensor(scales, device=logits.device).T
        return (weight * (logits - mean) / std).sum(1)
    return single_reward(logits)


def single_reward(logits: Tensor) -> Tensor:
    """Return the logit, or with two of them the second less the first."""
    return logits[:, 0] if logits.shape[1] == 1 else logits[:, 1] - logits[:, 0]
