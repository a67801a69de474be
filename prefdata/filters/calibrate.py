"""Percentiles of every text feature of a data set, beside those of known translations."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import yaml

from prefdata.core.errors import InputError
from prefdata.core.records import Preference
from prefdata.filters.dropped import steps_of
from prefdata.filters.view import Turn, blind
from prefdata.store.dataset import Dataset
from prefdata.text import script
from prefdata.text.bitext import Bitext
from prefdata.text.limits import Limits
from prefdata.text.register import register_of
from prefdata.text.style import PRONOUNS

PERCENTILES: Final = (0.5, 50.0, 99.5)
SHORTEST: Final = 20  # Japanese words; shorter texts have no stable shares
_REFERENCE = Path(__file__).parent.parent / "text" / "reference.yaml"


@dataclass(frozen=True, slots=True)
class FeatureRow:
    """One feature: how many texts, its percentiles, and those of human and of LLM translations."""

    feature: str
    texts: int
    own: tuple[float, ...]
    human: tuple[float | None, ...] | None
    llm: tuple[float | None, ...] | None


@cache
def reference() -> Mapping[str, Any]:
    """Return the reference percentiles by feature."""
    found: dict[str, Any] = yaml.safe_load(_REFERENCE.read_text(encoding="utf-8"))
    return found


def calibrate(path: Path, limit: int | None = None) -> list[FeatureRow]:
    """Return the percentiles of every feature over the texts of a step's folder.

    Raises:
        InputError: the folder has no Japanese records.
    """
    values: dict[str, list[float]] = defaultdict(list)
    for text in texts(_scored(records(path), values), limit):
        for name, value in features(text):
            values[name].append(value)
    if not values:
        raise InputError("there is no Japanese text here", str(path), "give a step after translate")
    order = [*reference(), *sorted(set(values) - set(reference()))]
    return [_row(name, values[name]) for name in order if name in values]


def _scored(found: Iterable[Preference], values: dict[str, list[float]]) -> Iterator[Preference]:
    """Yield the records; their scores by optional filters, such as a cosine, go into `values`."""
    rules = Limits().rules
    for record in found:
        for finding in record.findings:
            name = f"{finding.code}.{finding.band}"
            if finding.band and finding.measured is not None and name not in rules:
                values[name].append(finding.measured)
        yield record


def last_step(path: Path) -> Dataset:
    """Return the filter step of a build, else its translate step, else the last with records.

    Raises:
        InputError: there is none.
    """
    steps = [step for step in steps_of(path) if step.kind == "preferences"]
    for use in ("filter", "translate"):
        for step in steps:
            if step.manifest["use"] == use:
                return step
    if not steps:
        raise InputError("there are no records here", str(path), "give a build folder or a step")
    return steps[-1]


def records(path: Path) -> Iterator[Preference]:
    """Yield the Japanese records of the step that `last_step` finds."""
    for record in last_step(path).records():
        if record.lang.startswith("ja"):
            yield record


def texts(found: Iterable[Preference], limit: int | None = None) -> Iterator[Bitext]:
    """Yield every turn of the records as a pair of texts, each pair of texts once."""
    seen: set[int] = set()
    for n, record in enumerate(found):
        if limit is not None and n >= limit:
            return
        view = blind(record).view
        turns: list[Turn] = [*view.prompt, *(turn for side in view.completions for turn in side)]
        for turn in turns:
            key = hash((turn.source, turn.target))
            if key not in seen:
                seen.add(key)
                yield Bitext(turn.source, turn.target, turn.role, view.kind)


def features(text: Bitext) -> Iterator[tuple[str, float]]:
    """Yield the features of one text; shares only for texts of some length."""
    if text.band:
        yield f"length_ratio {text.band}", text.ratio
    if text.words.count < SHORTEST:
        return
    yield from _shares(text)
    if text.source_sentence_count >= 3:
        yield "sentence_ratio", len(text.target_sentences) / text.source_sentence_count


def _shares(text: Bitext) -> Iterator[tuple[str, float]]:
    words = text.words
    content = sum(map(words.classes.count, "NPUJAVrEO"))
    pronouns = sum(word in PRONOUNS for word in words.surfaces)
    yield "japanese_share", script.japanese_share(text.japanese.text)
    yield "hiragana_share", script.hiragana_share(text.japanese.text)
    yield "kanji_share", text.kanji_share
    yield "content_words", content / words.count
    yield "particles", words.particles / words.count
    yield "repeated_bigrams", 1 - words.distinct_bigrams / max(len(words.surfaces) - 1, 1)
    yield "pronouns per 100", 100 * pronouns / words.count
    register = register_of(words)
    if register.total >= 4:
        yield "register_mixture", register.mixture


def _row(name: str, values: list[float]) -> FeatureRow:
    own = tuple(round(float(v), 3) for v in np.percentile(values, PERCENTILES))
    known = reference().get(name) or {}
    human, llm = known.get("human"), known.get("llm")
    return FeatureRow(name, len(values), own, human and tuple(human), llm and tuple(llm))
