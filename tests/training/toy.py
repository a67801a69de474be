"""A tiny Japanese world with a known truth: kind words are good, rude ones bad.

Everything is original and made here: words, texts, tokenizers and models with random weights.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from prefdata.core.origin import Layer
from prefdata.licensing.case import CONTENT
from prefdata.publish.views import PAIRS_WITH_MARGIN, RANKINGS
from prefdata.store.arrow import layers_to_text

GOOD = ["です", "ます", "ください", "ありがとう", "丁寧", "説明", "例えば", "まず"]
BAD = ["うるさい", "知らん", "ばか", "無理", "やだ", "黙れ", "適当", "たぶん"]
NEUTRAL = [
    *["私", "日本", "東京", "天気", "今日", "明日", "本", "駅", "電車", "質問", "答え"],
    *["を", "は", "が", "に", "で", "と", "。", "、", "食べる", "行く", "見る", "聞く", "書く"],
]
QUESTIONS = ["今日の天気は？", "駅に行くには？", "本を書くには？", "東京を見るには？"]
LICENSE = "LicenseRef-toy"


def truth(words: Sequence[str]) -> float:
    """The hidden reward: good words less bad ones."""
    return sum((w in GOOD) - (w in BAD) for w in words)


def strict_truth(text: str) -> float:
    """The hidden reward that punishes repetition, which no reward model here ever saw much of."""
    words = split(text)
    repeated = len(words) - len(set(words))
    return len({w for w in words if w in GOOD}) - sum(w in BAD for w in words) - 1.5 * repeated


def split(text: str) -> list[str]:
    """Cut a text back into the world's words, longest first."""
    known = sorted({*GOOD, *BAD, *NEUTRAL}, key=len, reverse=True)
    words, place = [], 0
    while place < len(text):
        word = next((w for w in known if text.startswith(w, place)), text[place])
        words.append(word)
        place += len(word)
    return words


def sample(rng: random.Random, n: int | None = None) -> list[str]:
    """A text of 4 to 12 words with a mood of its own."""
    mood, words = rng.random(), []
    for _ in range(n or rng.randint(4, 12)):
        u = rng.random()
        words.append(
            rng.choice(GOOD)
            if u < 0.35 * mood
            else rng.choice(BAD)
            if u > 1 - 0.35 * (1 - mood)
            else rng.choice(NEUTRAL)
        )
    return words


def user(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


def assistant(text: str) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": text}]


def pair_row(
    n: int, question: str, chosen: str, rejected: str, margin: float = 1.0
) -> dict[str, Any]:
    return {
        "prompt": user(question),
        "chosen": assistant(chosen),
        "rejected": assistant(rejected),
        "id": f"pair-{n}",
        "source": "toy/a" if n % 2 else "toy/b",
        "license": LICENSE,
        "lang": "ja",
        "group": f"group-{n}",
        "reasons_flagged": [],
        "margin": margin,
    }


def pairs(
    n: int,
    seed: int,
    *,
    noise: float = 0.0,
    start: int = 0,
    accept: Callable[[random.Random, list[str], list[str]], bool] = lambda *_: True,
) -> list[dict[str, Any]]:
    """Pairs of unequal truth, each under a prompt of its own."""
    rng, rows = random.Random(seed), []
    while len(rows) < n:
        a, b = sample(rng), sample(rng)
        if truth(a) == truth(b):
            continue
        if truth(a) < truth(b):
            a, b = b, a
        if not accept(rng, a, b):
            continue
        margin = truth(a) - truth(b)
        if rng.random() < noise:
            a, b = b, a
        k = start + len(rows)
        question = f"{rng.choice(QUESTIONS)}{k}"
        rows.append(pair_row(k, question, "".join(a), "".join(b), margin))
    return rows


def rankings(n: int, seed: int, k: int = 4, start: int = 0) -> list[dict[str, Any]]:
    """Rankings of k texts by truth, with three aspects scored 1 or 0."""
    rng, rows = random.Random(seed), []
    while len(rows) < n:
        texts = sorted((sample(rng) for _ in range(k)), key=truth, reverse=True)
        if len({truth(t) for t in texts}) < k:
            continue
        number = start + len(rows)
        completions = [
            {"content": assistant("".join(t)), "rank": place + 1, "scores": aspects(t)}
            for place, t in enumerate(texts)
        ]
        rows.append(
            {
                "prompt": user(f"{rng.choice(QUESTIONS)}{number}"),
                "completions": completions,
                "id": f"ranking-{number}",
                "source": "toy/rankings",
                "license": LICENSE,
                "lang": "ja",
                "group": f"group-{number}",
            }
        )
    return rows


def aspects(words: Sequence[str]) -> list[dict[str, Any]]:
    """Polite (any good word), rude (any bad word), brief (at most eight words)."""
    return [
        {"key": "polite", "value": float(any(w in GOOD for w in words))},
        {"key": "rude", "value": float(any(w in BAD for w in words))},
        {"key": "brief", "value": float(len(words) <= 8)},
    ]


def release(folder: Path, **views: dict[str, list[dict[str, Any]]]) -> Path:
    """Write a release folder: ``release(path, pairs={"train": rows, …}, rankings={…})``."""
    schemas = {"pairs": PAIRS_WITH_MARGIN, "rankings": RANKINGS}
    for view, splits in views.items():
        (folder / view).mkdir(parents=True, exist_ok=True)
        for split_name, rows in splits.items():
            table = pa.Table.from_pylist(rows, schema=schemas[view])
            pq.write_table(table, folder / view / f"{split_name}-00000-of-00001.parquet")
    lineage(folder, [row for splits in views.values() for rows in splits.values() for row in rows])
    return folder


def lineage(folder: Path, rows: list[dict[str, Any]]) -> None:
    """Write the part of an audit bundle that says whose hands the rows went through."""
    (folder / "audit").mkdir(exist_ok=True)
    layers = [
        layers_to_text(tuple(Layer(role, row["source"], REVISION) for role in CONTENT))
        for row in rows
    ]
    views = ["rankings" if "completions" in row else "pairs" for row in rows]
    table = pa.table({"view": views, "layers": layers})
    pq.write_table(table, folder / "audit" / "lineage.parquet")


# Settings with which the tiny encoder learns this world in a few seconds.
REWARD: dict[str, Any] = {
    "length": {"max": 128},
    "train": {"epochs": 3, "batch_size": 32, "learning_rate": 1e-3},
}


AS_OF = "2026-11-21"
REVISION = "0123456789abcdef" * 2 + "01234567"
_ENTRY = """\
id: {id}
type: dataset
title: A toy world
creator: the authors of prefdata
url: none
revisions:
- id: "{revision}"
components:
- name: all
  roles: [source_text, response, label]
  status: {status}
  license: CC0-1.0
  coverage: data
  evidence:
  - {{kind: license_file, by: rights_holder, captured: "2026-11-20", revision: "{revision}"}}
"""


def registry(folder: Path) -> Path:
    """A license registry of one's own, which knows the toy sources."""
    sources = folder / "licenses" / "registry" / "sources"
    sources.mkdir(parents=True, exist_ok=True)
    for name in ("toy/a", "toy/b", "toy/rankings", "toy/posts"):
        text = _ENTRY.format(id=name, status="declared", revision=REVISION)
        if name == "toy/posts":
            text = text.replace(
                "  coverage: data", "  coverage: data\n  third_party_content: posts"
            )
        (sources / (name.replace("/", "--") + ".yaml")).write_text(text, encoding="utf-8")
    return folder / "licenses"


def metrics(folder: Path) -> dict[str, Any]:
    """The metrics that a stage wrote."""
    found: dict[str, Any] = json.loads((folder / "metrics.json").read_text())["metrics"]
    return found


def events(folder: Path) -> list[dict[str, Any]]:
    """The steps that a stage logged."""
    return lines(folder / "events.jsonl")


def lines(path: Path) -> list[dict[str, Any]]:
    """The objects of a JSON Lines file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
