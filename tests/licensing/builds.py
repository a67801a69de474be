"""A small build made by hand: records through the real gate, the real views, the real bundle."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from prefdata.core.origin import Layer, Origin
from prefdata.core.records import Completion, Message, Preference, group_of, pair_key, record_id
from prefdata.core.stage import Context
from prefdata.licensing.audit import Bundle, seal, write_bundle
from prefdata.licensing.gate import GateSettings, LicenseGate
from prefdata.publish import views
from prefdata.store.arrow import encode
from prefdata.store.dataset import MANIFEST, Dataset
from prefdata.store.files import write_json, write_text
from prefdata.store.shards import write_shard

HH = "354e5c3cb8960630860dd5774a6ac2a58313bf4d"
CALM = Layer("translator", "cyberagent/calm3-22b-chat")
MARKERS = {"system": "S: ", "user": "Q: ", "assistant": "A: "}
CONTEXT = Context(pipeline="test", as_of="2026-11-21", released="2026-11-21")


def three(artifact: str, revision: str, *others: Layer) -> tuple[Layer, ...]:
    """Return source text, response and label of one artifact, and other layers."""
    roles = ("source_text", "response", "label")
    return (*(Layer(role, artifact, revision) for role in roles), *others)  # type: ignore[arg-type]


def a_record(row: int, layers: Sequence[Layer], source: str, ranks: Sequence[int] = (1, 2)) -> Any:
    """Return a record with a text of its own."""
    key = pair_key(source, "r", str(row))
    prompt = (Message("user", f"質問{row}\n「引用」と\\バックスラッシュ"),)
    return Preference(
        id=record_id(key, "ja"),
        pair_key=key,
        kind="pair" if len(ranks) == 2 else "ranking",
        prompt=prompt,
        completions=tuple(
            Completion((Message("assistant", f"答え{row}-{n}"),), rank)
            for n, rank in enumerate(ranks)
        ),
        lang="ja",
        group=group_of(prompt),
        origin=Origin(source, "hh", "r", str(row), f"{row:064d}", tuple(layers)),
        translation="t",
    )


def some_records(n: int = 20) -> list[Preference]:
    """Return allowed pairs, a ranking, and pairs of an undisclosed source."""
    hh = three("Anthropic/hh-rlhf", HH, CALM)
    webgpt = three("openai/webgpt_comparisons", "f30e1bd", CALM)
    rows = [a_record(row, hh, "Anthropic/hh-rlhf") for row in range(n)]
    rows.append(a_record(n, hh, "Anthropic/hh-rlhf", ranks=(1, 2, 2, 4)))
    return rows + [a_record(row, webgpt, "openai/webgpt_comparisons") for row in range(5)]


def a_release(
    folder: Path, records: Sequence[Preference] | None = None, **settings: Any
) -> tuple[Path, Bundle]:
    """Return a release folder with card, manifest and sealed bundle, and what the bundle says."""
    config = GateSettings.from_tree({"policy": "permissive-only", "outbound": "MIT", **settings})
    kept, drops = LicenseGate(config, CONTEXT).table(encode(records or some_records()))
    step = folder / "01-license_gate-0"
    write_shard(step / "part-00000.parquet", kept)
    write_shard(step / "dropped" / "part-00000.parquet", drops)
    write_json(step / MANIFEST, {"use": "license_gate", "settings": config.model_dump(mode="json")})
    write_json(
        folder / "build.json",
        {"steps": [{"id": "license_gate", "use": "license_gate", "path": step.name}]},
    )
    release = folder / "release"
    _write_views(release, kept)
    bundle = write_bundle(release, Dataset(step), CONTEXT)
    write_text(release / "README.md", card_of(bundle))
    write_json(
        release / MANIFEST,
        {
            "pipeline": {"name": "test", "as_of": "2026-11-21", "released": "2026-11-21"},
            "settings": {"template": {**MARKERS, "separator": "\n"}},
            "steps": [{"id": "relabel", "kind": "labels", "settings": {"rankings": "all"}}],
        },
    )
    seal(release)
    return release, bundle


def _write_views(release: Path, entries: pa.Table) -> None:
    derived = views.derive(entries)
    labeled = views.labeled(entries, derived)
    tables = {
        "pairs": views.pairs_view(entries, derived, margin=False),
        "rankings": views.rankings_view(entries),
        "unpaired": views.unpaired_view(labeled),
        "labels": views.labels_view(labeled, MARKERS, "\n"),
        "sft": views.sft_view(entries),
    }
    for name, table in tables.items():
        if len(table):
            (release / name).mkdir(parents=True)
            pq.write_table(table, release / name / "train-00000-of-00001.parquet")


def card_of(bundle: Bundle, **changes: str) -> str:
    """Return a card with the fields of the bundle."""
    fields = {"license": bundle.license, "license_name": bundle.license_name,
              "license_link": bundle.license_link, **changes}  # fmt: skip
    head = "".join(f"{key}: {value}\n" for key, value in fields.items() if value)
    return f"---\n{head}---\n\n# test\n\nMerkle root: {bundle.merkle_root}\n"


def rewrite(path: Path, change: Any) -> None:
    """Change a Parquet file's rows as plain values and write it back."""
    table = pq.read_table(path)
    rows = table.to_pylist()
    change(rows)
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), path)


def read_audit(release: Path) -> Any:
    """Return the release's audit.json."""
    return json.loads((release / "audit" / "audit.json").read_bytes())
