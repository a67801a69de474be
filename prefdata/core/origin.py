"""Where a record came from, and who had a hand in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

LayerRole: TypeAlias = Literal[
    "source_text",
    "response",
    "label",
    "translator",
    "response_model",
    "judge",
    "compilation",
    "tool",
]


@dataclass(frozen=True, slots=True, order=True)
class Layer:
    """One hand in a record, by its entry in the license registry.

    `artifact` is an entry's id, or id, space, component (``openai/webgpt_comparisons eli5``).
    `revision` is a commit (40 hex digits), ``sha256:…`` of a local file, or empty for a service
    or model without a pinned revision.
    """

    role: LayerRole
    artifact: str
    revision: str = ""


@dataclass(frozen=True, slots=True)
class Origin:
    """The source row of a record.

    `source` is the id in the registry, `kind` the family that prompts and filter profiles go by
    (hh, webgpt, synthetic, summarize, native, …). `revision` is 40 hex digits, or ``local``.
    `row` is the source's own key of the row; `digest` the SHA-256 of the row as it was read.
    `split` is the source's own split, empty where it has none. Layers come back from disk sorted.
    """

    source: str
    kind: str
    revision: str
    row: str
    digest: str
    layers: tuple[Layer, ...]
    config: str = ""
    split: str = ""
