"""The run as one HTML page: no network, light and dark, whatever the data holds."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence, Set
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from prefdata.core.errors import InputError
from prefdata.core.finding import Finding
from prefdata.core.records import Conversation, Preference
from prefdata.publish import samples
from prefdata.publish.figures import RATIO, lengths, measured
from prefdata.publish.package import AUDIT
from prefdata.publish.templates import environment
from prefdata.store.dataset import MANIFEST, Dataset
from prefdata.store.files import read_json

KEPT = 400  # kept records that are measured; SHOWN of them can be read
SHOWN = 120
TEXT = 700  # characters of a turn that can be read
BYTES = 1_800_000  # of all samples together, so that the page stays under 3 MB
BUILD = "build.json"
RELEASE = ("croissant.json", AUDIT)  # a release has one of them, no other folder has


def report(path: Path) -> str:
    """Return the page of a build folder, or of a release alone.

    Raises:
        InputError: it is neither.
    """
    if (path / BUILD).is_file():
        return report_of(path, path / "release")
    if (path / MANIFEST).is_file() and any((path / name).is_file() for name in RELEASE):
        beside = path.parent if (path.parent / BUILD).is_file() else None
        return report_of(beside, path, public=True)
    raise InputError("there is no run to report on", str(path), "give a build folder or a release")


def report_of(
    build: Path | None,
    release: Path,
    manifest: Mapping[str, Any] | None = None,
    *,
    public: bool = False,
) -> str:
    """Return the page; `build` is None for a release that lies alone.

    Args:
        build: the folder of the steps, for what was dropped and the texts before translation.
        release: the release, which may not be there yet.
        manifest: the release's manifest, if it is not written yet.
        public: show no text that the license gate would not let out; for a page that travels.
    """
    if manifest is None and (release / MANIFEST).is_file():
        manifest = read_json(release / MANIFEST)
    datasets = _datasets(build)
    steps = [dataset.manifest for dataset in datasets] or list((manifest or {}).get("steps", []))
    audit = read_json(release / AUDIT) if (release / AUDIT).is_file() else None
    shelf = _Shelf(audit, public=public)
    last = next((d for d in reversed(datasets) if d.kind == "preferences"), None)
    kept = samples.kept(last, KEPT) if last else []
    shown = [shelf.row(record, "kept") for record in kept[:: max(1, len(kept) // SHOWN)]]
    shown = shown or _published(release, shelf.warned)
    for dataset in datasets:
        if dataset.kind == "preferences":
            for rows in samples.dropped(dataset).values():
                shown += [shelf.row(r["record"], "dropped", r["step"], r["findings"]) for r in rows]
    return _render(steps, manifest, audit, kept, _bounded(shown))


def _datasets(build: Path | None) -> list[Dataset]:
    if build is None:
        return []
    found = [Dataset(build / step["path"]) for step in read_json(build / BUILD)["steps"]]
    return [d for d in found if d.is_done and d.manifest["kind"] != "artifact"]


def _render(
    steps: Sequence[Mapping[str, Any]],
    manifest: Mapping[str, Any] | None,
    audit: Mapping[str, Any] | None,
    kept: Sequence[Preference],
    shown: Sequence[Mapping[str, Any]],
) -> str:
    script = environment().get_template("report.js").render()
    translate = next((step for step in steps if step["use"] == "translate"), None)
    facts = {
        "name": manifest["pipeline"]["name"] if manifest else "",
        "manifest": manifest,
        "steps": [step for step in steps if step["kind"] == "preferences"],
        "sources": _sources(steps),
        "reasons": _reasons([*steps, *_own_step(manifest)]),
        "audit": audit,
        "translate": (translate or {}).get("facts"),
        "translator": (manifest or {}).get("translator"),
        "lengths": lengths(kept),
        "ratio_top": RATIO,
        "measured": measured(kept) if kept else {"ratios": [], "drift": [], "longer": {}},
        "samples": _data(shown),
        "shown": len(shown),
        "script": script,
        "policy": f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'",
    }
    return environment().get_template("report.html.j2").render(facts)


def _sources(steps: Iterable[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for step in steps for name in step["counts"]["sources"]))


def _own_step(manifest: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    return [{"id": "publish", "counts": manifest["counts"]}] if manifest else []


def _reasons(steps: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return every reason with its step and count, largest first."""
    found = [
        {"code": code, "step": step["id"], "count": count}
        for step in steps
        for code, count in step["counts"]["reasons"].items()
    ]
    return sorted(found, key=lambda row: (-row["count"], row["code"]))


class _Shelf:
    """Records as the page's script reads them: texts of both languages, side by side.

    On a page that travels, a text is shown only if its layers are part of a combination that the
    audit allows: fewer layers are never less free. Texts of a source with a content warning
    are shown when the reader asks for them.
    """

    def __init__(self, audit: Mapping[str, Any] | None, *, public: bool) -> None:
        told = audit or {"combinations": [], "sources": []}
        self.guarded = public and audit is not None
        self.allowed = [
            {tuple(layer) for layer in row["layers"]}
            for row in told["combinations"]
            if row["verdict"] == "allow"
        ]
        self.warned = {s["id"] for s in told["sources"] if s.get("content_warning")}

    def row(
        self, record: Preference, state: str, step: str = "", findings: Sequence[Finding] = ()
    ) -> dict[str, Any]:
        """Return a record, without its texts where they may not be shown."""
        wanted = "drop" if state == "dropped" else "flag"
        why = [_finding(f) for f in findings or record.findings if f.action == wanted][:6]
        source = record.origin.source
        row = {"state": state, "step": step, "source": source, "id": record.id,
               "warned": source in self.warned, "hidden": self._is_hidden(record)}  # fmt: skip
        if row["hidden"]:
            return row | {"why": [{**w, "detail": ""} for w in why], "ja": [], "en": []}
        original = record.original
        japanese = _sides(record.prompt, [c.messages for c in record.completions], record)
        english = _sides(original.prompt, original.completions, record) if original else []
        if record.lang != "ja" and not original:
            japanese, english = [], japanese
        return row | {"why": why, "ja": japanese, "en": english}

    def _is_hidden(self, record: Preference) -> bool:
        layers = {(x.role, x.artifact, x.revision) for x in record.origin.layers}
        return self.guarded and not any(layers <= free for free in self.allowed)


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "code": finding.code,
        "side": finding.side,
        "measured": finding.measured,
        "limit": finding.limit,
        "detail": finding.detail[:200],
    }


def _sides(
    prompt: Conversation, completions: Sequence[Conversation], record: Preference
) -> list[list[str]]:
    """Return [side, role, text] of every turn."""
    named = [("prompt", prompt), *((record.side(n), c) for n, c in enumerate(completions))]
    return [[side, m.role, _cut(m.content)] for side, turns in named for m in turns]


def _cut(text: str) -> str:
    return text if len(text) <= TEXT else text[: TEXT - 1] + "…"


def _published(release: Path, warned: Set[str]) -> list[dict[str, Any]]:
    """Return rows of a release that lies without its build."""
    shown: list[dict[str, Any]] = []
    for file in sorted((release / "pairs").glob("*.parquet")):
        with pq.ParquetFile(file) as opened:
            rows = next(opened.iter_batches(SHOWN)).to_pylist()
        for row in rows[: SHOWN - len(shown)]:
            turns = [
                [side, m["role"], _cut(m["content"])]
                for side in ("prompt", "chosen", "rejected")
                for m in row[side]
            ]
            why = [{"code": code, "side": "", "measured": None, "limit": None, "detail": ""}
                   for code in row["reasons_flagged"]]  # fmt: skip
            is_japanese = row["lang"] == "ja"
            shown.append(
                {"state": "kept", "step": "", "source": row["source"], "id": row["id"], "why": why,
                 "warned": row["source"] in warned, "hidden": False,
                 "ja": turns if is_japanese else [], "en": [] if is_japanese else turns}
            )  # fmt: skip
    return shown


def _bounded(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return as many rows as `BYTES` allow, dropped and kept in turn."""
    dropped = [row for row in rows if row["state"] == "dropped"]
    kept = [row for row in rows if row["state"] == "kept"]
    order = [row for pair in zip(dropped, kept, strict=False) for row in pair]
    order += dropped[len(kept) :] + kept[len(dropped) :]
    taken: list[Mapping[str, Any]] = []
    total = 0
    for row in order:
        total += len(json.dumps(row, ensure_ascii=False).encode("utf-8", "replace"))
        if total > BYTES:
            break
        taken.append(row)
    return taken


def _data(value: Any) -> str:
    """Return JSON that no HTML parser can leave: ``<``, ``>`` and ``&`` are escapes in it."""
    text = json.dumps(value, ensure_ascii=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text
