"""How fast the text checks are beside a bare wakati parse of the same texts."""

from __future__ import annotations

import json
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter

import pytest

from prefdata.text.assess import assess
from prefdata.text.features import Pure
from prefdata.text.mecab import analyze
from tests.benchmarks.measure import ratio, write_results

pytestmark = pytest.mark.benchmark
TILES = 12  # so that a round takes long beside the clock's step
Row = tuple[str, str]


def documents(root: Path) -> list[Row]:
    """Turns of the quick start joined to 100-800 Japanese characters, with their English."""
    found: list[Row] = []
    english = japanese = ""
    lines = (root / "data/quickstart/translations.jsonl").read_text(encoding="utf-8").splitlines()
    for node in map(json.loads, lines):
        english, japanese = f"{english}\n{node['en']}".strip(), f"{japanese}\n{node['ja']}".strip()
        if len(japanese) >= 200:
            found.append((english[:2000], japanese[:800]))
            english = japanese = ""
    return found


def wakati(texts: list[str]) -> None:
    """Do the least that any use of MeCab must do."""
    import fugashi

    tagger = wakati.__dict__.setdefault("tagger", fugashi.Tagger("-Owakati"))
    for text in texts:
        tagger.parse(text)


def suite(rows: list[Row]) -> None:
    """Run every check over every text, nothing remembered."""
    for english, japanese in rows:
        analyze.cache_clear()
        assess.__wrapped__(english, japanese, "assistant", "hh")


def _share(rows: list[Row]) -> None:
    suite(rows)


def test_the_checks_beside_a_bare_parse(root: Path) -> None:
    rows = documents(root) * TILES
    texts = [japanese for _, japanese in rows]
    pure = Pure()
    checks = ratio(lambda: suite(rows), lambda: wakati(texts))
    counts = ratio(lambda: pure.many(texts), lambda: wakati(texts))
    found = [
        ("the whole suite of checks, of a wakati parse of the Japanese", str(checks), "≥ 0.35"),
        (
            "features (words, content, unknown, bigrams), pure Python, of the same",
            str(counts),
            "≥ 0.67",
        ),
    ]
    if find_spec("numba"):
        from prefdata.text.accelerated import Accelerated

        fast = Accelerated()
        accelerated = ratio(lambda: fast.counts(texts), lambda: wakati(texts))
        found.append(("the same features, accelerated", str(accelerated), "≥ 0.95"))
    found.append(("two processes beside one, by the clock", f"{two_processes(rows):.2f}", "≥ 1.7"))
    mean = sum(map(len, texts)) // len(texts)
    write_results(
        "text-speed", found, packages=["fugashi", "unidic-lite"],
        note=f"{len(rows) // TILES} texts of {mean} Japanese characters with their English; CPU ÷ "
        f"wall {checks.cpu_per_wall:.2f}. A wakati parse through fugashi is 0.96 of a C loop.",
    )  # fmt: skip


def two_processes(rows: list[Row]) -> float:
    """Return how many times faster two processes are than one, each with half of the texts."""
    half = len(rows) // 2
    with get_context("spawn").Pool(2) as pool:
        pool.map(suite, [rows, rows])  # both have started and loaded their dictionary
        begun = perf_counter()
        pool.apply(_share, (rows,))
        one = perf_counter() - begun
        begun = perf_counter()
        pool.map(_share, [rows[:half], rows[half:]])
        return one / (perf_counter() - begun)
