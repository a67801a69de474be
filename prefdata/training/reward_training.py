"""One reward model trained and judged: from comparisons to a reward directory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefdata.core.errors import ConfigError
from prefdata.training import network, objectives
from prefdata.training.data import Comparison
from prefdata.training.examples import Encoder, Example, LengthCounts, batch_order, encode_all
from prefdata.training.fit import Run, accelerator_of, fit
from prefdata.training.metrics import Judged, fit_temperature, report
from prefdata.training.plots import draw
from prefdata.training.reward import (
    AspectScale,
    RewardConfig,
    forward,
    logits_of,
    reduce_logits,
    single_reward,
)
from prefdata.training.session import out_of_memory_explained
from prefdata.training.settings import BaseModelSettings
from prefdata.training.template import COMPLETION_ONLY, render

if TYPE_CHECKING:
    from torch import Tensor

    from prefdata.training.reward_model import Aspect, TrainRewardModel

    Config = TrainRewardModel.Config


@dataclass(frozen=True)
class Splits:
    """The comparisons of a release, as examples, and what the length policy did to them."""

    train: Sequence[Example]
    validation: Sequence[Example]
    test: Sequence[Example]
    lengths: dict[str, LengthCounts]


def encode_splits(splits: dict[str, list[Comparison]], encoder: Encoder, config: Config) -> Splits:
    """Encode all splits; comparisons that teach the objective nothing are left out of training.

    Raises:
        ConfigError: nothing is left to train on.
    """
    found, lengths = {}, {}
    for name, comparisons in splits.items():
        found[name], lengths[name] = encode_all(encoder, comparisons, config.length)
    found["train"] = [e for e in found["train"] if e.comparison.pairs or config.aspects]
    if not found["train"]:
        raise ConfigError(
            "there is nothing to train on",
            f"language {config.lang or 'any'}, {lengths['train'].n_dropped} dropped by length",
            "look at the release's train split, 'lang', 'view' and 'length'",
        )
    return Splits(found["train"], found["validation"], found["test"], lengths)


def train_member(
    config: Config, base: BaseModelSettings, splits: Splits, run: Run, out: Path, *, seed: int
) -> dict[str, Any]:
    """Train with one order of the data, write the reward directory, return its metrics.

    The initial weights, new head included, depend on the pipeline's seed alone: members of
    different `seed` start from one point, which is what a soup needs.
    """
    tokenizer = network.load_tokenizer(base)
    outputs = {"ce": 2, "aspects": len(config.aspects)}.get(config.objective, 1)
    accelerator = accelerator_of(config.precision)
    with out_of_memory_explained(
        asked=f"batch_size {config.train.batch_size}, length.max {config.length.max}",
        lower="train.batch_size or length.max, raise accumulate, or set lora",
    ):
        dtype = "auto" if config.lora else "float32"
        model, new = network.load_classifier(
            base, tokenizer, outputs, seed=run.context.seed, dtype=dtype
        )
        network.refuse_longer(model, config.length.max, "length.max")
        base_digest = network.weights_digest(model)
        if config.lora:
            model = network.with_adapter(
                model, config.lora, "SEQ_CLS", seed=run.context.seed, new=new
            )
        pad = tokenizer.pad_token_id
        per_epoch, batch = batch_order(len(splits.train), config.train.batch_size, seed)
        losses = step_losses(config, splits.train, batch, pad, accelerator)
        steps = per_epoch * config.train.epochs
        model = fit(
            model,
            steps=steps,
            losses=losses,
            optimization=config.train,
            run=run,
            accelerator=accelerator,
        )
        if not accelerator.is_main_process:
            return {}
        network.save_model(model, tokenizer, out / "model")
        reward = describe(config, splits, model, pad, base_digest, out / "model")
        reward, metrics = judge(splits, model, tokenizer, reward, config.aspects)
        metrics["new_weights"] = new
        held_out = judged(model, splits.test or splits.validation, pad, reward)
    draw(held_out, reward.temperature, out / "plots")
    reward.write(out)
    return metrics


def step_losses(
    config: Config,
    examples: Sequence[Example],
    batch: Callable[[int], list[int]],
    pad: int,
    accelerator: Any,
) -> Callable[[Any, int], Iterator[Tensor]]:
    """Return the function that gives the parts of one step's loss on this process."""
    rank, world = accelerator.process_index, accelerator.num_processes

    def losses(model: Any, step: int) -> Iterator[Tensor]:
        mine = [examples[n] for n in batch(step)][rank::world]
        size = -(-len(mine) // config.accumulate)
        for start in range(0, len(mine), size):
            part = mine[start : start + size]
            logits = forward(model, [ids for e in part for ids in e.ids], pad).float()
            yield batch_loss(config, part, logits) * (len(part) / len(mine))

    return losses


def batch_loss(config: Config, examples: Sequence[Example], logits: Tensor) -> Tensor:
    """Return the loss of one batch, from the logits of its texts in order."""
    import torch

    device = logits.device
    if config.objective == "aspects":
        labels = aspect_labels(config.aspects, [e.comparison for e in examples]).to(device)
        return objectives.aspect_loss(logits, labels)
    rewards = single_reward(logits)
    if config.objective == "listwise":
        parts = rewards.split([len(e.ids) for e in examples])
        return torch.stack([objectives.plackett_luce(part) for part in parts]).mean()
    better, worse, margin, weight = [], [], [], []
    offset = 0
    for example in examples:
        pairs = example.comparison.pairs
        for high, low, by in pairs:
            better.append(offset + high)
            worse.append(offset + low)
            margin.append(by)
            weight.append(1 / (len(pairs) * len(examples)))
        offset += len(example.ids)
    weights = torch.tensor(weight, device=device)
    loss = objectives.pair_loss(
        config.objective,
        rewards[better],
        rewards[worse],
        torch.tensor(margin, device=device),
        weights,
    )
    if config.center:
        loss = loss + config.center * objectives.centering(rewards[better], rewards[worse], weights)
    return loss


def aspect_labels(aspects: Sequence[Aspect], comparisons: Sequence[Comparison]) -> Tensor:
    """Return 1, 0 or NaN (no score) for every text and aspect, (texts, aspects)."""
    import torch

    rows = []
    for comparison in comparisons:
        for scores in comparison.scores:
            given = [scores.get(aspect.name) for aspect in aspects]
            rows.append(
                [
                    float("nan") if score is None else float(score >= aspect.threshold)
                    for score, aspect in zip(given, aspects, strict=True)
                ]
            )
    return torch.tensor(rows)


def describe(
    config: Config, splits: Splits, model: Any, pad: int, base_digest: str, folder: Path
) -> RewardConfig:
    """Return the reward directory's configuration, aspects scaled by the training texts."""
    head = {"ce": "difference", "aspects": "aspects"}.get(config.objective, "single")
    aspects: tuple[AspectScale, ...] = ()
    if config.objective == "aspects":
        ids = [row for e in splits.train for row in e.ids]
        logits = logits_of(model, ids, pad)
        means, stds = logits.mean(0).tolist(), logits.std(0).clamp(min=1e-6).tolist()
        aspects = tuple(
            AspectScale(a.name, a.weight, m, s)
            for a, m, s in zip(config.aspects, means, stds, strict=True)
        )
    return RewardConfig(
        objective=config.objective,
        head=head,  # type: ignore[arg-type]  # one of the three, by the table above
        input_template=config.template,
        max_length=config.length.max,
        tokenizer_sha256=network.tokenizer_digest(folder),
        base_digest=base_digest,
        aspects=aspects,
    )


def judge(
    splits: Splits,
    model: Any,
    tokenizer: Any,
    reward: RewardConfig,
    aspects: Sequence[Aspect] = (),
) -> tuple[RewardConfig, dict[str, Any]]:
    """Fit the temperature on validation, measure on test, and return both."""
    pad = tokenizer.pad_token_id
    validation = judged(model, splits.validation, pad, reward)
    temperature = fit_temperature(validation.chosen, validation.rejected)
    on_validation = report(validation, temperature=temperature)
    reward = replace(
        reward,
        temperature=temperature,
        mean=on_validation["reward_mean"] or 0.0,
        std=on_validation["reward_std"] or 1.0,
    )
    held_out = splits.test or splits.validation
    metrics = report(judged(model, held_out, pad, reward), temperature=temperature)
    metrics.update(rankings(model, held_out, pad, reward))
    metrics["aspect_acc"] = aspect_accuracy(aspects, model, held_out, pad)
    metrics["measured_on"] = "test" if splits.test else "validation"
    metrics["validation_pairwise_acc"] = on_validation["pairwise_acc"]
    metrics["val_test_gap"] = gap(on_validation["pairwise_acc"], metrics["pairwise_acc"])
    metrics["prompt_blind_acc"] = prompt_blind(model, tokenizer, held_out, reward)
    for name, counts in splits.lengths.items():
        metrics[f"{name}_lengths"] = counts.as_dict()
    metrics["n_truncated"] = sum(c.n_truncated for c in splits.lengths.values())
    metrics["n_dropped"] = sum(c.n_dropped for c in splits.lengths.values())
    return reward, metrics


def aspect_accuracy(
    aspects: Sequence[Aspect], model: Any, examples: Sequence[Example], pad: int
) -> dict[str, float | None]:
    """Return for each aspect the share of texts whose label its logit gives."""
    ids = [row for e in examples for row in e.ids]
    if not aspects or not ids:
        return {}
    labels = aspect_labels(aspects, [e.comparison for e in examples])
    right = ((logits_of(model, ids, pad) > 0) == (labels > 0.5)).float()
    given = labels == labels
    return {
        aspect.name: float(right[:, n][given[:, n]].mean()) if given[:, n].any() else None
        for n, aspect in enumerate(aspects)
    }


def gap(left: float | None, right: float | None) -> float | None:
    """Return how much better the model is on validation than on test."""
    return None if left is None or right is None else left - right


def judged(model: Any, examples: Sequence[Example], pad: int, reward: RewardConfig) -> Judged:
    """Return the rewards of all pairs, with what the metrics are split by."""
    found = Judged()
    for number, (example, rewards) in enumerate(_rewards(model, examples, pad, reward)):
        comparison = example.comparison
        lengths = [sum(len(m.content) for m in c) for c in comparison.completions]
        for high, low, _ in comparison.pairs:
            found.chosen.append(rewards[high])
            found.rejected.append(rewards[low])
            found.chosen_length.append(lengths[high])
            found.rejected_length.append(lengths[low])
            found.prompt.append(number)
            found.source.append(comparison.source)
            found.lang.append(comparison.lang)
            found.origin.append(comparison.origin)
    return found


def rankings(
    model: Any, examples: Sequence[Example], pad: int, reward: RewardConfig
) -> dict[str, float | None]:
    """Return how often the best of k comes first, and Kendall's tau over all pairs."""
    best, concordant, pairs = [], 0.0, 0
    for example, rewards in _rewards(model, examples, pad, reward):
        if len(rewards) > 2 and example.comparison.pairs:
            best.append(float(max(rewards) == rewards[0]))
            for high, low, _ in example.comparison.pairs:
                concordant += (rewards[high] > rewards[low]) - (rewards[high] < rewards[low])
                pairs += 1
    return {
        "best_of_k_acc": sum(best) / len(best) if best else None,
        "kendall_tau": concordant / pairs if pairs else None,
    }


def prompt_blind(
    model: Any, tokenizer: Any, examples: Sequence[Example], reward: RewardConfig
) -> float | None:
    """Return the accuracy without the prompt: near the whole one, the prompt does not count."""
    encoder = Encoder(tokenizer, COMPLETION_ONLY, reward.max_length)
    blind = [
        Example(
            e.comparison,
            tuple(
                tuple(encoder.cut_ids(render(COMPLETION_ONLY, e.comparison.prompt, c)))
                for c in e.comparison.completions
            ),
        )
        for e in examples
    ]
    found: float | None = report(judged(model, blind, tokenizer.pad_token_id, reward))[
        "pairwise_acc"
    ]
    return found


def _rewards(
    model: Any, examples: Sequence[Example], pad: int, reward: RewardConfig
) -> Iterator[tuple[Example, list[float]]]:
    ids = [row for e in examples for row in e.ids]
    if not ids:
        return
    flat = iter(reduce_logits(logits_of(model, ids, pad), reward).tolist())
    for example in examples:
        yield example, [next(flat) for _ in example.ids]
