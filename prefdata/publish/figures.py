"""Measurements of a bounded sample for the report: lengths, ratios, register, drift."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import yaml

from prefdata.core.records import Conversation, Preference
from prefdata.text import limits
from prefdata.text.bitext import Bitext
from prefdata.text.register import register_of

READ = 400  # records whose texts MeCab reads: about a second
BINS = 24
RATIO, RATIO_BINS = 2.0, 50  # the last bin takes everything above
_REFERENCE = Path(limits.__file__).with_name("reference.yaml")


@cache
def reference() -> Mapping[str, Any]:
    """Return what features look like on known translations, by feature: p0.5, p50, p99.5."""
    found: dict[str, Any] = yaml.safe_load(_REFERENCE.read_text(encoding="utf-8"))
    return found


def lengths(records: Iterable[Preference]) -> dict[str, Any]:
    """Return histograms of the characters of better and worse answers, over the same bins.

    The last bin takes everything above the 99th percentile.
    """
    better, worse = [], []
    for record in records:
        better.append(_size(record.chosen))
        worse.append(_size(record.rejected))
    if not better:
        return {}
    top = max(10.0, float(np.percentile([*better, *worse], 99)))
    edges = np.linspace(0, top, BINS + 1)
    bars = {
        name: np.histogram(np.minimum(values, top), edges)[0].tolist()
        for name, values in (("chosen", better), ("rejected", worse))
    }
    return {"bars": bars, "edges": [round(edge) for edge in edges.tolist()]}


def _size(conversation: Conversation) -> int:
    return sum(len(message.content) for message in conversation)


def measured(records: Sequence[Preference]) -> dict[str, Any]:
    """Return ratios by band and what tells better from worse answers, from the first `READ`.

    `ratios` holds a row for each band: name, texts, own percentiles and histogram (`bars`),
    percentiles of known human and machine translations. `drift` holds a row for each feature: its
    value over the better answers, over the worse ones, and how many texts were read.
    """
    ratios: dict[str, list[float]] = {}
    sides: dict[str, dict[str, list[float]]] = {"chosen": {}, "rejected": {}}
    for record in records[:READ]:
        for side, text in _texts(record):
            if text.band:
                ratios.setdefault(text.band, []).append(text.ratio)
            if side != "prompt":
                for name, value in _features(text):
                    sides[side].setdefault(name, []).append(value)
    return {"ratios": _bands(ratios), "drift": _drift(sides), "longer": _longer(records)}


def _texts(record: Preference) -> Iterable[tuple[str, Bitext]]:
    original = record.original
    places = [("prompt", record.prompt, original and original.prompt)]
    places += [
        ("chosen", record.chosen, original and original.completions[0]),
        ("rejected", record.rejected, original and original.completions[-1]),
    ]
    for side, targets, sources in places:
        for n, target in enumerate(targets):
            source = sources[n].content if sources and n < len(sources) else None
            yield side, Bitext(source, target.content, target.role, record.origin.kind)


def _features(text: Bitext) -> Iterable[tuple[str, float]]:
    yield "characters", len(text.target)
    if text.band:
        yield "length ratio", text.ratio
    register = register_of(text.words)
    if register.total:
        yield "polite sentences", register.polite / register.total


def _longer(records: Iterable[Preference]) -> dict[str, float]:
    """Return how often the better answer is the longer one, before and after translation.

    `turned` is the share of translated pairs in which translation turned that round.
    """
    pairs = [
        (
            _size(r.original.completions[0]) > _size(r.original.completions[-1]),
            _size(r.chosen) > _size(r.rejected),
        )
        for r in records
        if r.original
    ]
    if not pairs:
        return {}
    n = len(pairs)
    return {
        "source": sum(before for before, _ in pairs) / n,
        "japanese": sum(after for _, after in pairs) / n,
        "turned": sum(before != after for before, after in pairs) / n,
        "pairs": n,
    }


def _bands(ratios: Mapping[str, Sequence[float]]) -> list[dict[str, Any]]:
    known = reference()
    rows = []
    for name in known:
        feature, _, band = name.partition(" ")
        if feature == "length_ratio" and band in ratios:
            values = ratios[band]
            own = [round(float(p), 2) for p in np.percentile(values, (0.5, 50, 99.5))]
            bars = np.histogram(np.minimum(values, RATIO), RATIO_BINS, (0, RATIO))[0].tolist()
            row = {"band": band, "texts": len(values), "own": own, "bars": bars}
            rows.append(row | {who: known[name][who] for who in ("human", "llm")})
    return rows


def _drift(sides: Mapping[str, Mapping[str, Sequence[float]]]) -> list[dict[str, Any]]:
    return [
        {
            "feature": name,
            "chosen": round(median(values), 3),
            "rejected": round(median(sides["rejected"].get(name) or [0.0]), 3),
            "chosen_mean": round(float(np.mean(values)), 3),
            "rejected_mean": round(float(np.mean(sides["rejected"].get(name) or [0.0])), 3),
            "texts": len(values),
        }
        for name, values in sides["chosen"].items()
    ]
