"""How fast the text checks are beside a bare wakati parse of the same texts, and beside HojiChar.

The suite is what the filter stage runs over every turn: all checks of all codes, on the Japanese
with its English, nothing remembered from one text to the next. The HojiChar row needs
``pip install 'hojichar[all]'`` beside prefdata.
"""

from __future__ import annotations

import gzip
import json
import os
import random
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from statistics import mean
from tempfile import mkdtemp
from time import perf_counter
from typing import Any

import pytest

from prefdata.core.stage import Context
from prefdata.engines.local import LocalEngine
from prefdata.pipeline.task import StageTask, Work
from prefdata.store.arrow import encode
from prefdata.store.shards import shard_name, write_shard
from prefdata.text import mecab, repetition
from prefdata.text.assess import Given, assess_all
from prefdata.text.bitext import Bitext
from prefdata.text.features import Pure
from prefdata.text.mecab import analyze_all, forget, parser
from tests.benchmarks.measure import ratio, write_results
from tests.records import a_pair

pytestmark = pytest.mark.benchmark
TILES = 12  # so that a round takes long beside the clock's step
SHARDS, SHARD = 64, 256  # so many that starting the processes counts little
Row = tuple[str, str]


def documents(nodes: Iterable[Row]) -> Iterator[Row]:
    """Join turns to 200-800 Japanese characters, with their English."""
    english = japanese = ""
    for en, ja in nodes:
        english, japanese = f"{english}\n{en}".strip(), f"{japanese}\n{ja}".strip()
        if len(japanese) >= 200:
            yield english[:2000], japanese[:800]
            english = japanese = ""


def quick_start(root: Path) -> list[Row]:
    """Return the turns of the quick start."""
    lines = (root / "data/quickstart/translations.jsonl").read_text(encoding="utf-8").splitlines()
    return [(node["en"], node["ja"]) for node in map(json.loads, lines)]


def machine_translated(folder: Path) -> Iterator[Row]:
    """Yield real turns of 100 characters and more of hh-rlhf with their machine translation."""
    for path in sorted(folder.glob("*.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for row in (json.loads(line)["original_info"]["utterances"] for line in lines):
                for en, ja in zip(row["en"], row["machine_translated_ja"], strict=True):
                    if len(ja["text"]) >= 100:
                        yield en["text"], ja["text"]


def wakati(rows: list[Row], tiles: int) -> None:
    """Do the least that any use of MeCab must do."""
    import fugashi

    tagger = wakati.__dict__.setdefault("tagger", fugashi.Tagger("-Owakati"))
    for _ in range(tiles):
        for _, japanese in rows:
            tagger.parse(japanese)


def suite(rows: list[Row], tiles: int) -> None:
    """Run every check over every text, nothing remembered."""
    for _ in range(tiles):
        forget()
        assess_all(Given(english, japanese, "assistant", "hh") for english, japanese in rows)


def four_measures(rows: list[Row], tiles: int) -> None:
    """Measure with our own code what HojiChar's four filters do: see `hojichar`."""
    for _ in range(tiles):
        forget()
        texts = [Bitext(None, japanese) for _, japanese in rows]
        analyze_all(text.japanese.text for text in texts)
        for text in texts:
            list(repetition.check(text))  # of characters, words, items and sentences
            if 50 <= len(text.target) <= 5000:
                text.words.classes.count("N") / text.words.count


def hojichar() -> Any:
    """Return HojiChar's filters of length, character and word repetition, and share of nouns."""
    from hojichar import Compose
    from hojichar import document_filters as filters

    return Compose(
        [
            filters.DocumentLengthFilter(min_doc_len=50, max_doc_len=5000),
            filters.CharRepetitionRatioFilter(),
            filters.WordRepetitionRatioFilter(),
            filters.DiscardTooManyNouns(),
        ]
    )


def test_the_checks_beside_a_bare_parse(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = list(documents(quick_start(root)))
    texts = [japanese for _, japanese in rows] * TILES
    real = root.parent / "shared" / "data" / "instruction_ja"
    turns = list(machine_translated(real)) if real.is_dir() else []
    monkeypatch.setattr(mecab, "_PAYS", float("inf"))
    parser.cache_clear()
    found = list(whole_suite(rows, turns, "pure Python"))
    if find_spec("numba"):
        parser().accelerate()
        found += whole_suite(rows, turns, "with [fast]")
    pure = Pure()
    counts = ratio(lambda: pure.many(texts), lambda: wakati(rows, TILES))
    what = "features (words, content, unknown, bigrams), pure Python, of the same"
    found.append((what, str(counts), "≥ 0.68"))
    if find_spec("numba"):
        from prefdata.text.accelerated import Accelerated

        fast = Accelerated()
        accelerated = ratio(lambda: fast.counts(texts), lambda: wakati(rows, TILES))
        found.append(("the same features, accelerated", str(accelerated), "≥ 0.92"))
    if find_spec("hojichar"):
        theirs = hojichar()
        times = ratio(lambda: four_measures(rows, TILES), lambda: [theirs(t) for t in texts])
        what = "length, repetition of characters and words, share of nouns: times HojiChar's speed"
        found.append((what, str(times), "≥ 3.5"))
    what = f"the filter step over {SHARDS * SHARD:,} pairs: two processes beside one"
    clock, cpu = two_processes(quick_start(root), tmp_path)
    found += [(f"{what}, by the clock", f"{clock:.2f}", "≥ 1.7")]
    found += [(f"{what}, by the CPU seconds of the busier one", f"{cpu:.2f}", "≥ 1.7")]
    note = (
        f"{len(rows)} texts of the quick start, {_size(rows)}, with their English, assessed as one "
        f"batch of assistant turns; CPU ÷ wall {counts.cpu_per_wall:.2f}. "
        "A wakati parse through fugashi is 0.96 of a C loop; over few texts again and again it "
        "finds its dictionary in the processor's cache, which the checks have emptied."
    )
    write_results("text-speed", found, packages=["fugashi", "unidic-lite"], note=note)


def whole_suite(rows: list[Row], turns: list[Row], road: str) -> Iterator[tuple[str, str, str]]:
    """Measure all checks over real turns, if they are there, and over the quick start."""
    if turns:
        beside = ratio(lambda: suite(turns, 1), lambda: wakati(turns, 1))
        what = f"{len(turns)} machine-translated turns of hh-rlhf, {_size(turns)}"
        yield f"the whole suite, {road}, of a wakati parse: {what}", str(beside), "≥ 0.35"
    checks = ratio(lambda: suite(rows, TILES), lambda: wakati(rows, TILES))
    yield f"the whole suite, {road}: the quick start, {TILES} times over", str(checks), "≥ 0.35"


def _size(rows: list[Row]) -> str:
    return f"{mean(len(japanese) for _, japanese in rows):.0f} Japanese characters each"


def two_processes(nodes: list[Row], folder: Path) -> tuple[float, float]:
    """Return how many times faster two processes take shards through the filter stage than one.

    By the clock, and by CPU seconds, what both do at once counted half: on a busy machine the clock
    says nothing. Shards are read, checked and written; the start of the processes is included. Each
    run of two stands between two of one, whose mean it is compared with.
    """
    rng = random.Random(20)
    texts: list[Row] = []
    while len(texts) < 3 * SHARDS * SHARD:
        texts += documents(rng.sample(nodes, len(nodes)))
    inputs = tuple(folder / "in" / shard_name(n) for n in range(SHARDS))
    inputs[0].parent.mkdir()
    for n, path in enumerate(inputs):
        write_shard(path, encode([_pair(texts, n * SHARD + k) for k in range(SHARD)]))
    runs = [_filter_step(inputs, folder, workers) for workers in (1, 2, 1, 2, 1)]
    ratios = [
        [(one + other) / 2 / two for one, two, other in zip(*three, strict=True)]
        for three in (runs[:3], runs[2:])
    ]
    clock, cpu = (mean(own) for own in zip(*ratios, strict=True))
    return clock, cpu


def _filter_step(inputs: tuple[Path, ...], folder: Path, workers: int) -> tuple[float, float]:
    """Return a filter step's seconds by the clock, and the CPU seconds of one of its processes.

    Each is new, and loads what the checks need; that of this process, which waits, is added.
    """
    out = Path(mkdtemp(dir=folder))
    work = Work("stages", "filter", "{}", Context())
    task = StageTask(work, inputs, out, cpus=1, gpus=0, parallel=True)
    engine = LocalEngine(LocalEngine.Config(workers=workers), Context())
    begun, before = perf_counter(), os.times()
    assert len(list(engine.pooled(task, range(len(inputs))))) == len(inputs)
    seconds, after = perf_counter() - begun, os.times()
    used = [b - a for a, b in zip(before[:4], after[:4], strict=True)]
    return seconds, sum(used[:2]) + sum(used[2:]) / workers


def _pair(texts: list[Row], n: int) -> Any:
    (asked, prompt), (better, chosen), (worse, rejected) = texts[3 * n : 3 * n + 3]
    return a_pair(prompt, chosen, rejected, row=str(n), english=(asked, better, worse))
