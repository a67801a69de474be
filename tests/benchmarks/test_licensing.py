"""Licenses at scale: deciding, the audit bundle and its verification over a million records."""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from generated_release import SHARD, sentences, shard
from measure import child, cpu_seconds, ratio, write_results

from prefdata.core.origin import Layer
from prefdata.core.stage import Context
from prefdata.licensing.audit import seal
from prefdata.licensing.gate import GateSettings, LicenseGate
from prefdata.licensing.standalone import check_sums
from prefdata.publish import views
from prefdata.publish.settings import Template
from prefdata.store.arrow import layers_to_text
from prefdata.store.dataset import MANIFEST
from prefdata.store.files import write_json
from prefdata.store.shards import shard_name, write_shard

pytestmark = pytest.mark.benchmark

RECORDS = 1_000_000
TEMPLATE = Template()
HH = "354e5c3cb8960630860dd5774a6ac2a58313bf4d"
MAKERS = [
    "cyberagent/calm3-22b-chat", "rinna/japanese-gpt-neox-3.6b-instruction-ppo",
    "retrieva-jp/bert-1.3b", "prefdata/fake",
]  # fmt: skip
SETTINGS = {"policy": "permissive-only", "outbound": "MIT"}
CONTEXT = {"pipeline": "benchmark", "as_of": "2026-11-21", "released": "2026-11-21"}

BUNDLE = """
import json, sys
from pathlib import Path
from prefdata.core.stage import Context
from prefdata.licensing.audit import seal, write_bundle
from prefdata.store.dataset import Dataset
folder = Path(sys.argv[1])
bundle = write_bundle(folder / 'release', Dataset(folder / '0-license_gate'),
                      Context(**json.loads(sys.argv[2])))
(folder / 'release' / 'README.md').write_text(
    f'---\\nlicense: {bundle.license}\\n---\\n{bundle.merkle_root}\\n')
seal(folder / 'release')
"""
VERIFY = """
import sys
from pathlib import Path
from prefdata.licensing.verify import verify
found = verify(Path(sys.argv[1]) / 'release')
assert found.problems == [], found.problems[:3]
"""
STANDALONE = """
import runpy, sys
sys.argv = sys.argv[1:]
try:
    runpy.run_path(sys.argv[0], run_name='__main__')
except SystemExit as end:
    assert end.code == 0, end.code
"""


def combinations() -> list[str]:
    """Return 12 combinations of layers: three revisions of one content, four translators."""
    revisions = (HH, HH[:12], "09be8c5bbc57cb3887f3a9732ad6aa7ec602a1fa")
    roles = ("source_text", "response", "label")
    return [
        layers_to_text(
            (
                *(Layer(role, "Anthropic/hh-rlhf", revision) for role in roles),  # type: ignore[arg-type]
                Layer("translator", maker),
            )
        )
        for revision in revisions
        for maker in MAKERS
    ]


def with_layers(table: pa.Table) -> pa.Table:
    texts = combinations()
    column = pa.array([texts[n % len(texts)] for n in range(len(table))])
    table = table.set_column(table.column_names.index("layers"), "layers", column)
    source = pa.array(["Anthropic/hh-rlhf"] * len(table))
    return table.set_column(table.column_names.index("source"), "source", source)


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A gate's step and a release with one view of a million pairs."""
    folder = tmp_path_factory.mktemp("build")
    pool = sentences(2_000)
    gate = LicenseGate(GateSettings.from_tree(SETTINGS), Context(**CONTEXT))  # type: ignore[arg-type]
    with _writer(folder / "release", "pairs", views.PAIRS) as writer:
        for number in range(RECORDS // SHARD):
            kept, _ = gate.table(with_layers(shard(number, pool)))
            write_shard(folder / "0-license_gate" / shard_name(number), kept)
            writer.write_table(views.pairs_view(kept, views.derive(kept), margin=False))
    manifest = {"use": "license_gate", "settings": gate.config.model_dump(mode="json")}
    write_json(folder / "0-license_gate" / MANIFEST, manifest)
    return folder


def repeat(release: Path, pool: pa.Array) -> None:
    """Write the views that repeat the texts of the pairs, and seal the release again."""
    tree = {"settings": {"template": TEMPLATE.model_dump()}, "steps": []}
    write_json(release / MANIFEST, tree)
    gate = LicenseGate(GateSettings.from_tree(SETTINGS), Context(**CONTEXT))  # type: ignore[arg-type]
    with (
        _writer(release, "unpaired", views.UNPAIRED) as unpaired,
        _writer(release, "labels", views.LABELS) as labels,
    ):
        for number in range(RECORDS // SHARD):
            kept, _ = gate.table(with_layers(shard(number, pool)))
            rows = views.labeled(kept, views.derive(kept))
            unpaired.write_table(views.unpaired_view(rows))
            labels.write_table(views.labels_view(rows, TEMPLATE.markers(), TEMPLATE.separator))
    seal(release)


def _writer(release: Path, view: str, schema: pa.Schema) -> pq.ParquetWriter:
    (release / view).mkdir(parents=True)
    path = release / view / "train-00000-of-00001.parquet"
    return pq.ParquetWriter(path, schema, compression="zstd")


def test_licenses(build: Path) -> None:
    pool = sentences(2_000)
    table = with_layers(shard(0, pool))
    start, wall = cpu_seconds(), time.perf_counter()
    gate = LicenseGate(GateSettings.from_tree(SETTINGS), Context(**CONTEXT))  # type: ignore[arg-type]
    for _ in range(RECORDS // SHARD):
        gate.table(table)
    gated, gated_wall = cpu_seconds() - start, time.perf_counter() - wall
    made, made_peak = child(BUNDLE, str(build), json.dumps(CONTEXT))
    verified, verified_peak = child(VERIFY, str(build))
    alone, alone_peak = child(STANDALONE, str(build / "release" / "audit" / "verify.py"))
    repeat(build / "release", pool)
    every, every_peak = child(VERIFY, str(build))
    data = [path for path in (build / "release").rglob("*") if path.is_file()]
    hashing = ratio(
        lambda: check_sums(build / "release"), lambda: [_plain(p) for p in data], rounds=3
    )
    write_results(
        "licensing",
        [
            ("a million records, 12 combinations, through the gate: CPU s", f"{gated:.1f}", "≤ 5"),
            ("the same: s of wall clock", f"{gated_wall:.1f}", ""),
            ("bundle: µs of CPU a record", f"{made / RECORDS * 1e6:.1f}", "≤ 40"),
            ("bundle: peak MiB", f"{made_peak:,.0f}", "≤ 1,024"),
            ("`audit verify`: µs of CPU a record", f"{verified / RECORDS * 1e6:.1f}", "≤ 40"),
            ("`audit verify`: peak MiB", f"{verified_peak:,.0f}", "≤ 1,024"),
            ("the same with `unpaired` and `labels`: µs of CPU a record",
             f"{every / RECORDS * 1e6:.1f}", ""),
            ("the same: peak MiB", f"{every_peak:,.0f}", "≤ 1,024"),
            ("stand-alone verify.py: µs of CPU a record", f"{alone / RECORDS * 1e6:.1f}", ""),
            ("stand-alone verify.py: peak MiB", f"{alone_peak:,.0f}", "≤ 1,024"),
            ("speed of hashing all files beside plain sha256", str(hashing), "≥ 0.5"),
        ],
        packages=["pyarrow"],
        note=f"{RECORDS:,} generated pairs; CPU ÷ wall while hashing {hashing.cpu_per_wall:.2f}.",
    )  # fmt: skip

    assert gated <= 5
    assert max(made, verified) / RECORDS * 1e6 <= 40
    assert max(made_peak, verified_peak, every_peak, alone_peak) <= 1024
    assert hashing.median >= 0.5


def _plain(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(2**20):
            digest.update(block)
    return digest.hexdigest()
