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
from prefdata.licensing.decide import decide_group, merge, worst_of
from prefdata.licensing.decider import Decider
from prefdata.licensing.gate import GateSettings, decider_of
from prefdata.store.arrow import layers_from_text
from prefdata.store.files import read_json
from prefdata.training.settings import BaseModelSettings, Licensing

FILE = "licenses.json"
REWARD = "reward_config.json"
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


def foresee(
    settings: Licensing,
    context: Context,
    rows: Mapping[tuple[Layer, ...], int],
    *,
    release: Path | None = None,
    base: BaseModelSettings | None = None,
    models: Sequence[Path] = (),
    texts: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return `{verdict, reasons}` of training on rows, models and texts, as far as they are there.

    `rows` are the combinations of layers that a build will have; a finished `release` has its own.
    Every training stage has it, so that `plan` knows before any work what the end will say.
    """
    decider = _decider(settings, context)
    found = dict(rows)
    if release is not None and release.is_dir():
        found |= combinations(release)
    parts = _parts(found, decider, base, [m for m in models if m.is_dir()], texts or {}, context)
    verdict = worst_of(part.decision for part in parts) if parts else Verdict.ALLOW
    told = [_sentence(part, decider) for part in parts if part.decision.verdict != Verdict.ALLOW]
    return {"verdict": str(verdict), "reasons": told}


def gate(
    release: Path,
    base: BaseModelSettings | None,
    settings: Licensing,
    context: Context,
    folders: Sequence[Path],
    *,
    texts: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Decide rows, base model and every model made before, and return ``licenses.json``.

    Models of earlier steps, among `folders`, bring their own ``licenses.json``; its parts are
    decided anew, for the present use. `texts` maps files to learn from to their registry entries.

    Raises:
        LicenseDenied: something is denied.
        LicenseReview: something waits for a person.
    """
    decider = _decider(settings, context)
    models = [path for path in dict.fromkeys(folders) if path != release]
    parts = _parts(combinations(release), decider, base, models, texts or {}, context)
    refuse(parts, settings, context, decider)
    return report(parts, settings, decider)


def _parts(
    rows: Mapping[tuple[Layer, ...], int],
    decider: Decider,
    base: BaseModelSettings | None,
    models: Sequence[Path],
    texts: Mapping[str, str],
    context: Context,
) -> list[Part]:
    """Return what is decided on its own, each once.

    A base model counts twice: its license reaches the weights made from it, and its terms may say
    what its descendants are for.
    """
    parts = [Part(layers, n, decider.decide(layers)) for layers, n in rows.items()]
    for path, artifact in texts.items():
        layers = _by_author(artifact or path)
        parts.append(Part(layers, 0, decider.decide(layers)))
    known = [context.path(base.path).parent] if base is not None else []
    for folder in dict.fromkeys([*models, *known]):
        if (folder / FILE).is_file():
            parts += [again(part, decider) for part in read_json(folder / FILE)["combinations"]]
        elif (folder / REWARD).is_file():  # somebody took the report away: nothing is known
            layer = Layer("response_model", str(folder))
            parts.append(Part((layer,), 0, _decide_base(layer, decider), is_base=True))
    if base is not None and not (known[0] / FILE).is_file():
        parts.append(_base(base, decider))
    return list({(part.layers, part.is_base): part for part in parts}.values())


def report(parts: Sequence[Part], settings: Licensing, decider: Decider) -> dict[str, Any]:
    """Return what a model's card and its later users need."""
    decisions = [part.decision for part in parts]
    whole = merge(decisions, worst_of(decisions), decider.registry.book)
    plain = whole.expression and not whole.downstream_terms and " " not in whole.expression
    return {
        "schema_version": 1,
        "target": settings.target,
        "policy": decider.policy.name,
        "as_of": decider.as_of.isoformat(),
        "verdict": str(whole.verdict),
        "reasons": list(whole.reasons),
        "expression": whole.expression,
        "hub_license": whole.expression.lower() if plain else "other",
        "downstream_terms": list(whole.downstream_terms),
        "obligations": list(whole.obligations),
        "decisions": list(whole.decisions),
        "combinations": [part.as_tree() for part in parts],
    }


def refuse(parts: Sequence[Part], settings: Licensing, context: Context, decider: Decider) -> None:
    """Stop on the worst verdict, naming every part that has it.

    Raises:
        LicenseDenied: something is denied.
        LicenseReview: something waits for a person.
    """
    worst = worst_of(part.decision for part in parts)
    if worst == Verdict.ALLOW:
        return
    told = [_sentence(part, decider) for part in parts if part.decision.verdict == worst]
    error = LicenseDenied if worst == Verdict.DENY else LicenseReview
    raise error(
        f"the policy {decider.policy.name} does not allow {settings.target} with: "
        + "; ".join(told),
        context.step,
        "leave it out, or add the missing evidence; what else a review holds back, a named person "
        "may decide on record (see licenses/README.md)",
    )


def _sentence(part: Part, decider: Decider) -> str:
    if part.is_base:
        reasons = ", ".join(part.decision.reasons)
        return f"the base model {part.layers[0].artifact} ({part.decision.verdict}: {reasons})"
    rows = f"{part.rows:,} rows, " if part.rows else ""
    return f"{rows}{decider.sentence(part.layers, part.decision)}"


def combinations(release: Path) -> dict[tuple[Layer, ...], int]:
    """Return how many rows of a release have which layers.

    From the audit's lineage where there is one; else each source named in the rows counts as the
    author of all their parts.
    """
    views = [view for view in ("pairs", "rankings") if (release / view).is_dir()]
    found: dict[tuple[Layer, ...], int] = {}
    if (release / LINEAGE).is_file():
        table = pq.read_table(release / LINEAGE, columns=["view", "layers"])
        for view in views:  # a ranking's rows stand in both
            rows = table.filter(pc.equal(table.column("view"), view)).column("layers")
            for text, n in _counted(rows):
                layers = layers_from_text(text)
                found[layers] = max(n, found.get(layers, 0))
        return found
    for view in views:
        tables = [pq.read_table(f, columns=["source"]) for f in (release / view).glob("*.parquet")]
        for source, n in _counted(pa.concat_tables(tables).column("source")) if tables else ():
            found[_by_author(source)] = max(n, found.get(_by_author(source), 0))
    return found


def _by_author(source: str) -> tuple[Layer, ...]:
    return (
        Layer("source_text", source),
        Layer("response", source),
        Layer("label", source),
    )


def _counted(column: pa.ChunkedArray) -> list[tuple[str, int]]:
    return sorted((row["values"], row["counts"]) for row in pc.value_counts(column).to_pylist())


def again(tree: Mapping[str, Any], decider: Decider) -> Part:
    """Decide a part of an earlier model under the present policy and use."""
    layers = tuple(Layer(*row) for row in tree["layers"])
    if tree["is_base"]:
        layer = layers[0]
        return Part(layers, 0, _decide_base(layer, decider), is_base=True)
    return Part(layers, int(tree["rows"]), decider.decide(layers))


def _base(base: BaseModelSettings, decider: Decider) -> Part:
    layer = Layer("response_model", base.artifact or base.path, base.revision)
    return Part((layer,), 0, _decide_base(layer, decider), is_base=True)


def _decide_base(layer: Layer, decider: Decider) -> Decision:
    """Decide a base model: as content, for its weights are adapted, and by its output rule."""
    cases = decider.registry.resolve(layer, decider.as_of)
    terms = tuple(str(case["license"]) for case in cases if case.get("license"))
    policy = replace(decider.policy, base_model_terms=(*decider.policy.base_model_terms, *terms))
    content = [
        {
            **case,
            "role": "source_text",
            "coverage": _COVERS.get(str(case.get("coverage")), "unclear"),
        }
        for case in cases
    ]
    inputs = {"layers": [*cases, *content], "record_contains": ["source_text"]}
    return decide_group(read_inputs(inputs).groups[0], policy, decider.registry.book)


def _decider(settings: Licensing, context: Context) -> Decider:
    own = GateSettings(policy=settings.policy, target=settings.target, gate="fail")
    return decider_of(own, context)
