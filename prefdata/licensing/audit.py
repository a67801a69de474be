"""The audit bundle beside a release: what was decided for every record, on what evidence."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from prefdata.core.errors import IntegrityError, LicenseDenied
from prefdata.core.origin import Layer
from prefdata.core.stage import Context
from prefdata.core.verdict import Verdict
from prefdata.licensing import standalone
from prefdata.licensing.audit_content import Facts, account, numbered
from prefdata.licensing.audit_sources import Tally
from prefdata.licensing.decider import Decider
from prefdata.licensing.gate import GateSettings, decider_of
from prefdata.licensing.lineage import (
    Published,
    lineage_tables,
    match,
    published_rows,
    write_lineage,
)
from prefdata.licensing.notices import write_notices
from prefdata.licensing.origins import I64, Origins
from prefdata.licensing.pointers import write_pointers
from prefdata.licensing.program import program
from prefdata.licensing.record_hashes import HASHED, data_files, merkle_root
from prefdata.licensing.registry_copy import copy_registry
from prefdata.licensing.repeats import REPEATING
from prefdata.licensing.report import html, markdown
from prefdata.licensing.spdx import document
from prefdata.licensing.translated import translated
from prefdata.store.arrow import layers_from_text
from prefdata.store.dataset import MANIFEST, Dataset
from prefdata.store.files import read_json, sha256, write_json, write_text
from prefdata.store.shards import open_shard

GATE = "license_gate"
POLICY = "audit/policy.json"


@dataclass(frozen=True)
class Bundle:
    """What the card and the manifest tell of an audit.

    `license`, `license_name`, `license_link` are the card's fields (rule R16); the last two are
    None for a single hub id. `sources` is the card's table: one mapping a source with `id, title,
    creator, url, license, records, copyright, intended_use, content_warning, translators,
    revisions, left_behind`. `terms` are the output terms that travel beside the license.
    `files` are paths under the release, written by the bundle.
    """

    license: str
    license_name: str | None
    license_link: str | None
    expression: str
    merkle_root: str
    terms: tuple[str, ...]
    sources: tuple[Mapping[str, Any], ...]
    files: tuple[str, ...]


def write_bundle(release: Path, records: Dataset, context: Context) -> Bundle:
    """Write the audit bundle into a release folder, in bounded memory.

    Call it when the data files are written and before card, Croissant and manifest: it writes
    ``audit/``, ``NOTICE``, ``LICENSE.md``, ``ATTRIBUTION.csv`` and ``license-texts/``, and returns
    what the card says. When every other file is there, the manifest too, call `seal`.

    Args:
        release: the folder; its Parquet files lie in ``pairs/``, ``labels/`` and so on.
        records: the step that the published rows come from; the license gate's step, with its
            settings and drop log, is found beside it through ``build.json``.
        context: the pipeline's context (`as_of`, `released`, `licenses`).

    Raises:
        LicenseDenied: a published record is not allowed.
        IntegrityError: a published row belongs to no record of the step.
    """
    before = set(_files(release))
    gate = gate_of(records)
    settings = GateSettings.from_tree(gate.manifest["settings"])
    decider = decider_of(settings, context)
    if settings.release == "pointers":
        write_pointers(release, gate, decider)
    rows = published_rows(release)
    origins = Origins(records, languages_of(release))
    numbers = match(rows, origins)
    published = _tallies(rows, origins, numbers)
    decided = refuse_forbidden(decider, origins, published)
    (release / "audit").mkdir(exist_ok=True)
    how = translated(records, context)
    tables = lineage_tables(release, rows, numbers, origins, decided, how)
    write_lineage(release / standalone.LINEAGE, tables)
    del numbers, origins, tables
    facts = Facts(
        pipeline=context.pipeline,
        released=context.released,
        published=tuple(published),
        excluded=tuple(_excluded(gate)),
        merkle_root=merkle_root(rows.hashes),
    )
    del rows
    audit = account(decider, facts)
    _write_account(release, audit, decider)
    card = audit["license"]["card"]
    return Bundle(
        license=card["license"],
        license_name=card.get("license_name"),
        license_link=card.get("license_link"),
        expression=audit["license"]["expression"],
        merkle_root=audit["merkle_root"],
        terms=tuple(audit["license"]["downstream_terms"]),
        sources=tuple(audit["sources"]),
        files=tuple(sorted(set(_files(release)) - before)),
    )


def seal(release: Path, known: Mapping[str, str] = MappingProxyType({})) -> None:
    """Write ``audit/SHA256SUMS`` over every file of the release but itself.

    Files whose SHA-256 is `known`, since they were hashed when they were written, are not read.
    """
    names = [name for name in _files(release) if name != standalone.SUMS]
    lines = [f"{known.get(name) or sha256(release / name)}  {name}\n" for name in names]
    write_text(release / standalone.SUMS, "".join(lines))


def _files(release: Path) -> list[str]:
    return sorted(p.relative_to(release).as_posix() for p in release.rglob("*") if p.is_file())


def find_gate(records: Dataset) -> Dataset | None:
    """Return the license gate's step: `records` itself, or the gate of the same build."""
    if records.manifest.get("use") == GATE:
        return records
    listed = records.path.parent / "build.json"
    steps = read_json(listed)["steps"] if listed.is_file() else []
    for step in reversed(steps):
        if step["use"] == GATE and (listed.parent / step["path"] / MANIFEST).is_file():
            return Dataset(listed.parent / step["path"])
    return None


def gate_of(records: Dataset) -> Dataset:
    """Return the license gate's step.

    Raises:
        LicenseDenied: no gate has decided these records.
    """
    gate = find_gate(records)
    if gate is None:
        raise LicenseDenied(
            "no license gate has decided these records",
            str(records.path),
            "put '- use: license_gate' before the stage that publishes",
        )
    return gate


def refuse_forbidden(decider: Decider, origins: Origins, published: Sequence[Tally]) -> pa.Table:
    """Decide every combination of layers anew and return one row for each, numbered.

    Raises:
        LicenseDenied: one is not allowed, or a record carries another license than decided.
    """
    rows: dict[str, dict[str, Any]] = {}
    for text, stated in sorted(origins.licensed, key=str):
        decision = decider.decide(layers_from_text(text))
        if decision.verdict != Verdict.ALLOW or decision.expression != stated:
            raise LicenseDenied(
                f"records with the license {stated!r} would be published, but the rules say "
                + decider.sentence(layers_from_text(text), decision),
                fix="build again from the license gate on",
            )
        rows[text] = {
            "layers": text,
            "translator": _translator(layers_from_text(text)),
            "decision_ids": list(decision.decisions),
            "downstream_terms": list(decision.downstream_terms),
            "verdict": str(decision.verdict),
        }
    numbers = numbered(published)
    ordered = [{**row, "combination": numbers.get(text, -1)} for text, row in rows.items()]
    schema = pa.schema(
        [
            ("layers", pa.string()), ("combination", pa.int32()), ("translator", pa.string()),
            ("decision_ids", pa.list_(pa.string())), ("downstream_terms", pa.list_(pa.string())),
            ("verdict", pa.string()),
        ]
    )  # fmt: skip
    return pa.Table.from_pylist(ordered, schema=schema)


def _translator(layers: Sequence[Layer]) -> str | None:
    """Return who translated, with the revision if there is one; None for native text."""
    made = [layer for layer in layers if layer.role == "translator"]
    named = [f"{m.artifact} @ {m.revision}" if m.revision else m.artifact for m in made]
    return ", ".join(named) or None


def languages_of(release: Path) -> list[str]:
    """Return the languages of a release's rows, sorted."""
    found: set[str] = set()
    for view in HASHED:
        for path in data_files(release, view):
            with open_shard(path) as file:
                for batch in file.iter_batches(columns=["lang"]):
                    found.update(batch.column("lang").unique().to_pylist())
    return sorted(found)


def _tallies(rows: Published, origins: Origins, numbers: I64) -> list[Tally]:
    """Count the published rows by source and layers."""
    kinds = origins.kind[numbers]
    counts = np.bincount(kinds, minlength=len(origins.kinds)).tolist()
    sizes = np.bincount(kinds, weights=rows.size, minlength=len(origins.kinds)).tolist()
    found = [
        Tally(source, layers, counts[n], int(sizes[n]))
        for (source, layers), n in origins.kinds.items()
        if counts[n]
    ]
    return sorted(found, key=lambda tally: (tally.source, tally.layers))


def _excluded(gate: Dataset) -> Iterator[Tally]:
    """Yield what the gate left out, by source and layers."""
    found: Counter[tuple[str, str]] = Counter()
    for shard in gate.dropped_shards():
        with open_shard(shard) as file:
            for batch in file.iter_batches(columns=["source", "record.layers"]):
                layers = pc.struct_field(batch.column("record"), "layers").to_pylist()
                found.update(zip(batch.column("source").to_pylist(), layers, strict=True))
    for (source, text), n in sorted(found.items(), key=str):
        if text:
            yield Tally(source, text, n)


def _write_account(release: Path, audit: Mapping[str, Any], decider: Decider) -> None:
    write_notices(release, audit, decider)
    copy_registry(release, audit, decider)
    write_json(release / POLICY, decider.policy.as_tree())
    write_json(release / standalone.AUDIT, audit)
    write_text(release / "audit" / "audit.md", markdown(audit))
    write_text(release / "audit" / "audit.html", html(audit))
    files = [
        (path.parent.name, path.relative_to(release).as_posix(), sha256(path))
        for view in (*HASHED, *REPEATING)
        for path in data_files(release, view)
    ]
    text = json.dumps(document(audit, files), ensure_ascii=False, indent=1)
    write_text(release / "audit" / "audit.spdx3.json", text + "\n")
    write_text(release / "audit" / "verify.py", program())


def read_audit(release: Path) -> dict[str, Any]:
    """Return a release's ``audit.json``.

    Raises:
        IntegrityError: it is missing or is not an audit.
    """
    audit = read_json(release / standalone.AUDIT)
    if not isinstance(audit, dict) or "merkle_root" not in audit:
        raise IntegrityError("not an audit", str(release / standalone.AUDIT), "build it again")
    return audit


def rebuild_bundle(release: Path, licenses: Path | None = None) -> Bundle:
    """Write the bundle of a release anew, from the build folder that it lies in, and seal it.

    Raises:
        IntegrityError: the release has no manifest, or the build folder is gone.
        LicenseDenied: a published record is not allowed.
    """
    manifest = read_json(release / MANIFEST)
    listed = release.resolve().parent / "build.json"
    steps = read_json(listed)["steps"]
    gate = [step for step in steps if step["use"] == GATE]
    if not gate:
        raise LicenseDenied("no license gate has decided this release", str(release))
    told = manifest.get("pipeline") or {}
    context = Context(
        pipeline=str(told.get("name", "")),
        as_of=told.get("as_of") or told.get("released"),
        released=told.get("released"),
        licenses=licenses,
    )
    bundle = write_bundle(release, Dataset(listed.parent / gate[-1]["path"]), context)
    seal(release)
    return bundle
