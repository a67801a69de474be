"""Licenses before torch: may these rows and this base model be trained on, and for what?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from prefdata.core.errors import LicenseDenied, LicenseReview
from prefdata.core.origin import Layer
from prefdata.core.stage import Context
from prefdata.core.verdict import Decision, Verdict
from prefdata.licensing.case import read_inputs
from prefdata.licensing.court import Court
from prefdata.licensing.decide import decide_group, merge, worst_of
from prefdata.licensing.gate import GateSettings, court_of
from prefdata.store.arrow import layers_from_text
from prefdata.store.files import read_json
from prefdata.training.settings import BaseModelSettings, Licensing

FILE = "licenses.json"
# The rules speak of data; for a model made from a model, the weights are the content.
_COVERS = {"weights": "data", "data": "data", "code": "code", "service": "code"}
LINEAGE = Path("audit") / "lineage.parquet"


@dataclass(frozen=True)
class Part:
    """Rows with the same layers, or a base model, and what the rules say of them."""

    layers: tuple[Layer, ...]
    rows: int
    decision: Decision
    is_base: bool = False

    def as_tree(self) -> dict[str, Any]:
        """Return the part for ``licenses.json``."""
        return {
            "artifacts": list(dict.fromkeys(layer.artifact for layer in self.layers)),
            "layers": [[layer.role, layer.artifact, layer.revision] for layer in self.layers],
            "rows": self.rows,
            "is_base": self.is_base,
            "verdict": str(self.decision.verdict),
            "reasons": list(self.decision.reasons),
            "expression": self.decision.expression,
        }


def check(
    settings: Licensing,
    context: Context,
    *,
    base: BaseModelSettings | None = None,
    release: str = "",
) -> None:
    """Decide what the settings name, before anything is run: base model and finished release.

    Raises:
        LicenseDenied: the policy forbids training on it for this use.
        LicenseReview: a person must decide first.
    """
    court = _court(settings, context)
    parts = []
    if base is not None and not _own_report(base, context):
        parts.append(_base(base, court))
    if release and context.path(release).is_dir():
        found = combinations(context.path(release))
        parts += [Part(layers, rows, court.decide(layers)) for layers, rows in found.items()]
    refuse(parts, settings, context, court)


def foresee(
    config: Any, context: Context, combinations: Sequence[tuple[Layer, ...]]
) -> dict[str, Any]:
    """Return `{verdict, reasons}` of training on rows with these combinations of layers.

    Every training stage has it, so that `plan` knows before any work what the end will say.
    """
    if config.release:  # a finished release; `check` has decided it
        return {"verdict": str(Verdict.ALLOW), "reasons": []}
    court = _court(config.licensing, context)
    decisions = [court.decide(layers) for layers in dict.fromkeys(combinations)]
    found = merge(decisions, worst_of(decisions))
    told = [
        court.sentence(layers, court.decide(layers))
        for layers in dict.fromkeys(combinations)
        if court.decide(layers).verdict != Verdict.ALLOW
    ]
    return {"verdict": str(found.verdict), "reasons": told}


def gate(
    release: Path,
    base: BaseModelSettings | None,
    settings: Licensing,
    context: Context,
    folders: Mapping[str, Path],
) -> dict[str, Any]:
    """Decide rows, base model and every model made before, and return ``licenses.json``.

    Models of earlier steps bring their own ``licenses.json``; its parts are decided anew, for the
    present use. A base model counts twice: its license reaches the weights made from it, and its
    terms may say what its descendants are for.

    Raises:
        LicenseDenied: something is denied.
        LicenseReview: something waits for a person.
    """
    court = _court(settings, context)
    parts = [
        Part(layers, rows, court.decide(layers)) for layers, rows in combinations(release).items()
    ]
    for folder in inherited(base, folders, release):
        parts += [again(part, court) for part in read_json(folder / FILE)["combinations"]]
    if base is not None and not _own_report(base, context):
        parts.append(_base(base, court))
    parts = list({(p.layers, p.is_base): p for p in parts}.values())
    refuse(parts, settings, context, court)
    return report(parts, settings, court)


def report(parts: Sequence[Part], settings: Licensing, court: Court) -> dict[str, Any]:
    """Return what a model's card and its later users need."""
    decisions = [part.decision for part in parts]
    whole = merge(decisions, worst_of(decisions))
    plain = whole.expression and not whole.downstream_terms and " " not in whole.expression
    return {
        "schema_version": 1,
        "target": settings.target,
        "policy": court.policy.name,
        "as_of": court.as_of.isoformat(),
        "verdict": str(whole.verdict),
        "reasons": list(whole.reasons),
        "expression": whole.expression,
        "hub_license": whole.expression.lower() if plain else "other",
        "downstream_terms": list(whole.downstream_terms),
        "obligations": list(whole.obligations),
        "decisions": list(whole.decisions),
        "combinations": [part.as_tree() for part in parts],
    }


def refuse(parts: Sequence[Part], settings: Licensing, context: Context, court: Court) -> None:
    """Stop on the worst verdict, naming every part that has it.

    Raises:
        LicenseDenied: something is denied.
        LicenseReview: something waits for a person.
    """
    worst = worst_of(part.decision for part in parts)
    if worst == Verdict.ALLOW:
        return
    told = [_sentence(part, court) for part in parts if part.decision.verdict == worst]
    error = LicenseDenied if worst == Verdict.DENY else LicenseReview
    raise error(
        f"the policy {court.policy.name} does not allow {settings.target} with: {'; '.join(told)}",
        context.step,
        "leave it out, or add the missing evidence; what else a review holds back, a named person "
        "may decide on record (see licenses/README.md)",
    )


def _sentence(part: Part, court: Court) -> str:
    if part.is_base:
        reasons = ", ".join(part.decision.reasons)
        return f"the base model {part.layers[0].artifact} ({part.decision.verdict}: {reasons})"
    return f"{part.rows:,} rows, {court.sentence(part.layers, part.decision)}"


def combinations(release: Path) -> dict[tuple[Layer, ...], int]:
    """Return how many rows of a release have which layers.

    From the audit's lineage where there is one; else each source named in the rows counts as the
    author of all their parts.
    """
    view = "pairs" if (release / "pairs").is_dir() else "rankings"
    if (release / LINEAGE).is_file():
        table = pq.read_table(release / LINEAGE, columns=["view", "layers"])
        rows = table.filter(pc.equal(table.column("view"), view)).column("layers")
        return {layers_from_text(text): n for text, n in _counted(rows)}
    tables = [pq.read_table(f, columns=["source"]) for f in (release / view).glob("*.parquet")]
    sources = _counted(pa.concat_tables(tables).column("source")) if tables else []
    return {_by_author(source): n for source, n in sources}


def _by_author(source: str) -> tuple[Layer, ...]:
    return (
        Layer("source_text", source),
        Layer("response", source),
        Layer("label", source),
    )


def _counted(column: pa.ChunkedArray) -> list[tuple[str, int]]:
    return sorted((row["values"], row["counts"]) for row in pc.value_counts(column).to_pylist())


def inherited(
    base: BaseModelSettings | None, folders: Mapping[str, Path], release: Path
) -> list[Path]:
    """Return the folders whose ``licenses.json`` reaches the model that is made now."""
    found = [path for path in folders.values() if path != release]
    if base is not None:
        found.append(Path(base.path).parent)
    return [path for path in dict.fromkeys(found) if (path / FILE).is_file()]


def again(tree: Mapping[str, Any], court: Court) -> Part:
    """Decide a part of an earlier model under the present policy and use."""
    layers = tuple(Layer(*row) for row in tree["layers"])
    if tree["is_base"]:
        layer = layers[0]
        return Part(layers, 0, _decide_base(layer, court), is_base=True)
    return Part(layers, int(tree["rows"]), court.decide(layers))


def _base(base: BaseModelSettings, court: Court) -> Part:
    layer = Layer("response_model", base.artifact or base.path, base.revision)
    return Part((layer,), 0, _decide_base(layer, court), is_base=True)


def _decide_base(layer: Layer, court: Court) -> Decision:
    """Decide a base model: as content, for its weights are adapted, and by its output rule."""
    cases = court.registry.resolve(layer, court.as_of)
    terms = tuple(str(case["license"]) for case in cases if case.get("license"))
    policy = replace(court.policy, base_model_terms=(*court.policy.base_model_terms, *terms))
    content = [
        {
            **case,
            "role": "source_text",
            "coverage": _COVERS.get(str(case.get("coverage")), "unclear"),
        }
        for case in cases
    ]
    inputs = {"layers": [*cases, *content], "record_contains": ["source_text"]}
    return decide_group(read_inputs(inputs).groups[0], policy, court.registry.book)


def _court(settings: Licensing, context: Context) -> Court:
    own = GateSettings(policy=settings.policy, target=settings.target, gate="fail")
    return court_of(own, context)


def _own_report(base: BaseModelSettings, context: Context) -> bool:
    """Tell whether a model folder comes from a stage of ours, with a report of its own."""
    return (context.path(base.path).parent / FILE).is_file()
