"""The main road: what the quick start costs, and whether memory and CPU stay flat."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from measure import child, ratio, write_results

from prefdata.store.files import sha256

pytestmark = pytest.mark.benchmark

PIPELINE = """\
name: many
as_of: 2026-11-21
licenses: licenses
sources:
  - use: jsonl
    path: pairs.jsonl
    artifact: benchmark/pairs
stages:
  - use: translate
    translator: {use: memory, path: memory.jsonl}
  - use: filter
  - use: license_gate
    policy: quickstart
    outbound: CC0-1.0
  - use: relabel
  - use: publish
"""

ENTRY = """\
id: benchmark/pairs
type: dataset
title: generated pairs
creator: this benchmark
copyright: null
url: https://creativecommons.org/publicdomain/zero/1.0/
components:
  - name: all
    roles: [source_text, response, label]
    status: declared
    license: CC0-1.0
    coverage: data
    evidence:
      - kind: license_file
        by: rights_holder
        url: README
        captured: "2026-11-21"
        quote: generated
files:
  - {{name: pairs.jsonl, sha256: "{sha256}"}}
recheck_by: "2027-11-21"
"""

BUILD = """
import sys
from pathlib import Path
from prefdata.allocators import frugal_arrow
frugal_arrow()  # as the command line does
from prefdata.pipeline.build import build_pipeline
folder = Path(sys.argv[1])
build_pipeline(folder / "many.yaml", out=folder / "out", cache=folder / "cache", workers=1)
"""

WORDS = [
    "駅",
    "港",
    "川",
    "橋",
    "坂",
    "寺",
    "庭",
    "森",
    "畑",
    "浜",
    "丘",
    "市",
    "町",
    "村",
    "島",
    "峠",
]
ENGLISH = [
    "station",
    "harbor",
    "river",
    "bridge",
    "slope",
    "temple",
    "garden",
    "wood",
    "field",
    "beach",
    "hill",
    "market",
]


def generate(folder: Path, count: int) -> None:
    """Write `count` distinct pairs and their translations."""
    folder.mkdir(parents=True)
    pairs = (folder / "pairs.jsonl").open("w", encoding="utf-8")
    memory = (folder / "memory.jsonl").open("w", encoding="utf-8")
    with pairs, memory:
        for n in range(count):
            place, word = ENGLISH[n % len(ENGLISH)], WORDS[n % len(WORDS)]
            asked = f"How do I get to the {place} number {n} from here?"
            good = f"Walk along the main street for {n % 50 + 2} minutes and you will see it."
            bad = f"I have never heard of {place} {n}, ask somebody else."
            row = {"prompt": asked, "chosen": good, "rejected": bad}
            pairs.write(json.dumps(row) + "\n")
            texts = [
                (asked, [], f"ここから{n}番の{word}へはどうやって行けばいいですか？"),
                (good, [asked], f"大通りを{n % 50 + 2}分ほど歩いていくと見えてきます。"),
                (
                    bad,
                    [asked],
                    f"{word}{n}なんて聞いたことがありません。ほかの人に聞いてください。",
                ),
            ]
            for source, context, target in texts:
                role = "assistant" if context else "user"
                entry = {"role": role, "source": source, "context": context, "target": target}
                entry |= {"translator": "anthropic/claude", "revision": ""}
                memory.write(json.dumps(entry, ensure_ascii=False) + "\n")
    (folder / "many.yaml").write_text(PIPELINE, encoding="utf-8")
    entries = folder / "licenses" / "registry" / "sources"
    entries.mkdir(parents=True)
    digest = sha256(folder / "pairs.jsonl")
    (entries / "benchmark--pairs.yaml").write_text(ENTRY.format(sha256=digest), encoding="utf-8")


def test_memory_and_cpu_are_flat_and_the_quick_start_is_cheap(tmp_path: Path) -> None:
    small, large = 20_000, 200_000
    figures = {}
    for count in (small, large):
        generate(tmp_path / str(count), count)
        figures[count] = child(BUILD, str(tmp_path / str(count)))
    quick, _ = child(
        "import sys\nfrom prefdata.cli.main import run\n"
        "assert run(['build', 'quickstart', '--out', sys.argv[1]]) == 0",
        str(tmp_path / "quick"),
    )
    help_ratio = ratio(
        lambda: subprocess.run([sys.executable, "-m", "prefdata", "--help"], capture_output=True),
        lambda: subprocess.run([sys.executable, "-c", "import click"]),
        rounds=9,
    )
    memory = figures[large][1] / figures[small][1]
    cpu = (figures[large][0] / large) / (figures[small][0] / small)
    write_results(
        "main-road",
        [
            ("quick start, CPU seconds", f"{quick:.1f}", "under 20"),
            ("`prefdata --help` ÷ `import click`", f"{1 / help_ratio.median:.2f}", "at most 2"),
            ("peak memory, 200,000 ÷ 20,000 pairs", f"{memory:.2f}", "at most 1.2"),
            ("peak memory at 200,000 pairs, MiB", f"{figures[large][1]:.0f}", "–"),
            ("CPU a pair, 200,000 ÷ 20,000 pairs", f"{cpu:.2f}", "within 15 %"),
            ("CPU a pair at 200,000, ms", f"{1000 * figures[large][0] / large:.2f}", "–"),
        ],
        packages=["prefdata", "pyarrow", "fugashi", "click"],
        note=f"CPU ÷ wall {help_ratio.cpu_per_wall:.2f}.",
    )
    assert quick < 20
    assert help_ratio.median > 0.5
    assert memory <= 1.2
    assert cpu <= 1.15
