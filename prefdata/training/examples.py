"""Comparisons as token ids, with a length policy that counts what it does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from prefdata.core.errors import InputError
from prefdata.core.records import Conversation
from prefdata.training.data import Comparison
from prefdata.training.settings import Length
from prefdata.training.template import render


@dataclass(frozen=True, slots=True)
class Example:
    """A comparison and the token ids of each of its completions, prompt included."""

    comparison: Comparison
    ids: tuple[tuple[int, ...], ...]


@dataclass
class LengthCounts:
    """What the length policy did: in = kept + dropped; truncated texts are among the kept."""

    n_in: int = 0
    n_kept: int = 0
    n_dropped: int = 0
    n_truncated: int = 0

    def as_dict(self) -> dict[str, int]:
        """Return the counts for metrics.json."""
        return asdict(self)


class Encoder:
    """Text to token ids, through the one template and the tokenizer's own special tokens."""

    def __init__(self, tokenizer: Any, template: str, longest: int) -> None:
        self.tokenizer = tokenizer
        self.template = template
        self.longest = longest

    def ids(self, prompt: Conversation, completion: Conversation) -> list[int]:
        """Return the ids of one completion, not cut."""
        return self.text_ids(render(self.template, prompt, completion))

    def text_ids(self, text: str) -> list[int]:
        """Return the ids of a text as it stands, not cut."""
        return list(self.tokenizer(text, add_special_tokens=True)["input_ids"])

    def cut_ids(self, text: str) -> list[int]:
        """Return the ids of a text, cut at the end; special tokens stay."""
        return list(
            self.tokenizer(text, add_special_tokens=True, truncation=True, max_length=self.longest)[
                "input_ids"
            ]
        )


def encode_all(
    encoder: Encoder, comparisons: Sequence[Comparison], length: Length
) -> tuple[list[Example], LengthCounts]:
    """Return the examples and what the length policy did to them.

    Raises:
        InputError: a text is too long and the policy is ``raise``.
    """
    counts = LengthCounts(n_in=len(comparisons))
    examples = []
    for comparison in comparisons:
        example = _example(encoder, comparison, length, counts)
        if example is None:
            counts.n_dropped += 1
        else:
            examples.append(example)
    counts.n_kept = len(examples)
    return examples, counts


def _example(
    encoder: Encoder, comparison: Comparison, length: Length, counts: LengthCounts
) -> Example | None:
    """Return the example, or None if the policy drops it."""
    texts = [render(encoder.template, comparison.prompt, c) for c in comparison.completions]
    ids = [encoder.text_ids(text) for text in texts]
    long = [n for n, row in enumerate(ids) if len(row) > length.max]
    if not long:
        return Example(comparison, tuple(map(tuple, ids)))
    if length.on_excess == "raise":
        raise InputError(
            f"a text has {max(map(len, ids))} tokens, more than {length.max}",
            f"row {comparison.ids[:1]}",
            "raise length.max, or set length.on_excess to truncate or drop",
        )
    for n in long:
        ids[n] = encoder.cut_ids(texts[n])
    if length.on_excess == "drop" or len(set(map(tuple, ids))) < len(ids):
        return None
    counts.n_truncated += len(long)
    return Example(comparison, tuple(map(tuple, ids)))


def batch_order(total: int, size: int, seed: int) -> tuple[int, Callable[[int], list[int]]]:
    """Return the steps of one epoch, and a function from a step to its examples.

    Each epoch has an order of its own, drawn from the seed, so a resumed run needs no state. The
    last batch is filled up from the epoch's start: every batch has the same size.
    """
    import torch

    size = min(size, total)
    steps = -(-total // size)

    def batch(step: int) -> list[int]:
        epoch, place = divmod(step, steps)
        generator = torch.Generator().manual_seed(seed * 100_003 + epoch)
        order = torch.randperm(total, generator=generator).tolist()
        return [order[(place * size + n) % total] for n in range(size)]

    return steps, batch
