"""What a pipeline would do, cost and be allowed to release, before any of it is done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from prefdata.core.errors import (
    ConfigErrors,
    InputError,
    LicenseDenied,
    LicenseReview,
    MissingExtra,
    UsageError,
)
from prefdata.core.finding import Skip
from prefdata.core.origin import Layer
from prefdata.core.records import Preference
from prefdata.core.verdict import Verdict
from prefdata.pipeline.plan import Plan, Step
from prefdata.pipeline.task import BATCH, Work, apply

EXIT_CODES = {Verdict.ALLOW: 0, Verdict.DENY: 3, Verdict.REVIEW: 4}


def forecast(plan: Plan) -> dict[str, Any]:
    """Return `{sources, steps, uses, lacks, translate, exit_code}`, as the contract has it.

    `uses` holds `{id, verdict, reasons}` of stages after the gate that have a say of their own: a
    model may be denied what the release was allowed. `lacks` holds `{id, what, where, fix,
    is_extra}` of what is not there yet; packages alone do not change the exit code.

    Licenses are decided for every combination of layers that a source can have, together with
    what the stages add (translator, judges). A source that cannot be reached has `records` None;
    its verdict is there all the same. `translate` is None without that stage, or if no source
    can be reached.
    """
    sources = [{"id": step.id, "records": None, **_license(step, plan)} for step in plan.sources]
    later = _later(plan)
    lacking = _lacking(plan)
    estimate, records = _estimate(plan)
    for row in sources:
        row["records"] = records.get(row["id"])
    return {
        "sources": sources,
        "steps": [
            {"id": step.id, "use": step.use, "key": step.key, "done": step.is_done}
            for step in plan.steps
        ],
        "uses": [
            {"id": step.id, "verdict": str(verdict), "reasons": reasons}
            for step, verdict, reasons in later
        ],
        "lacks": [
            {
                "id": step.id,
                "what": error.what,
                "where": error.where,
                "fix": error.fix,
                "is_extra": isinstance(error, MissingExtra),
            }
            for step, error in lacking
        ],
        "translate": estimate,
        "exit_code": next(
            (error.exit_code for _, error in lacking if not isinstance(error, MissingExtra)),
            _exit_code(plan, [row["verdict"] for row in sources])
            or EXIT_CODES[max((verdict for _, verdict, _ in later), default=Verdict.ALLOW)],
        ),
    }


def refuse_lacking(plan: Plan) -> None:
    """Stop before any work if a package or a file that a step needs is not there.

    Raises:
        UsageError: all of it at once.
    """
    errors = [error for _, error in _lacking(plan)]
    if errors:
        raise errors[0] if len(errors) == 1 else ConfigErrors(errors)


def _lacking(plan: Plan) -> list[tuple[Step, UsageError]]:
    """Return what steps that are not done say is not there, the same thing once."""
    found: dict[str, tuple[Step, UsageError]] = {}
    for step in plan.stages:
        if not step.is_done and hasattr(step.component, "lacks"):
            for error in step.component.lacks(step.config, step.context, list(step.inputs)):
                known = error.fix if isinstance(error, MissingExtra) else str(error)
                found.setdefault(known, (step, error))
    return list(found.values())


def refuse_denied(plan: Plan) -> None:
    """Stop before any work if the gate would stop the build at its end.

    Raises:
        LicenseDenied: a license denies what the gate is asked to let through.
        LicenseReview: a person must decide first.
    """
    rows = [(step.id, _license(step, plan)) for step in plan.sources]
    code = _exit_code(plan, [row["verdict"] for _, row in rows])
    if not code:
        _refuse_later(plan)
        return
    lines = [f"{name}: {line}" for name, row in rows for line in row["unlock"]]
    error = LicenseDenied if code == LicenseDenied.exit_code else LicenseReview
    raise error(
        "the license gate would stop this build at its end:\n  " + "\n  ".join(lines),
        plan.name,
        "leave the source out, add the evidence, or set 'gate: exclude' to release the rest",
    )


def layers_added(plan: Plan) -> tuple[Layer, ...]:
    """Return the hands that stages before the gate add to every translated record."""
    found: list[Layer] = []
    gate = plan.gate
    for step in plan.stages:
        if step is gate:
            break
        layers = getattr(step.component, "layers", None)
        found += layers(step.config, step.context) if layers else ()
    return tuple(found)


def _license(source: Step, plan: Plan) -> dict[str, Any]:
    """Return `{verdict, reasons, unlock}` of a source under the pipeline's gate."""
    gate = plan.gate
    if gate is None:
        return {"verdict": None, "reasons": [], "unlock": []}
    found: dict[str, Any] = gate.component.foresee(
        gate.config, gate.context, _combinations(source, plan)
    )
    return found


def _combinations(source: Step, plan: Plan) -> list[tuple[Layer, ...]]:
    """Return the layers that a source's records can have at the gate."""
    combinations = Work.of(source).make().layers()
    added = () if getattr(source.config, "lang", "en") == "ja" else layers_added(plan)
    return [(*layers, *added) for layers in combinations]


def _later(plan: Plan) -> list[tuple[Step, Verdict, list[str]]]:
    """Return what stages after the gate, which use the rows otherwise, will say of them.

    A stage has a say by a static method `foresee`, as the gate has: a model may be denied what
    the data set was allowed.
    """
    gate = plan.gate
    stages = [
        step
        for step in plan.stages
        if step is not gate and hasattr(step.component, "foresee") and step.use != "license_gate"
    ]
    if not stages:
        return []
    allowed = [c for source in plan.sources for c in _combinations(source, plan) if _goes(c, plan)]
    found = []
    for step in stages:
        told = step.component.foresee(step.config, step.context, allowed)
        found.append((step, Verdict[told["verdict"].upper()], told["reasons"]))
    return found


def _goes(combination: tuple[Layer, ...], plan: Plan) -> bool:
    gate = plan.gate
    if gate is None:
        return False
    told = gate.component.foresee(gate.config, gate.context, [combination])
    return bool(told["verdict"] == str(Verdict.ALLOW))


def _refuse_later(plan: Plan) -> None:
    """Stop before any work if a stage after the gate would stop the build.

    Raises:
        LicenseDenied: a license denies what the stage does.
        LicenseReview: a person must decide first.
    """
    for step, verdict, reasons in _later(plan):
        if verdict != Verdict.ALLOW:
            error = LicenseDenied if verdict == Verdict.DENY else LicenseReview
            raise error(
                f"the stage {step.id!r} would stop this build:\n  " + "\n  ".join(reasons),
                step.id,
                "ask for less (licensing.target), leave the source out, or add the evidence",
            )


def _exit_code(plan: Plan, verdicts: Sequence[str | None]) -> int:
    """Return what a build would end with for its licenses: rule R17."""
    gate = plan.gate
    found = [Verdict[verdict.upper()] for verdict in verdicts if verdict]
    if gate is None or not found or gate.component.lists_pointers(gate.config):
        return 0
    if gate.component.excludes(gate.config, gate.context):
        return 0 if Verdict.ALLOW in found else EXIT_CODES[Verdict.DENY]
    return EXIT_CODES[max(found)]


def _estimate(plan: Plan) -> tuple[dict[str, Any] | None, dict[str, int]]:
    """Return what translation would take, and how many records each source has."""
    records: dict[str, int] = {}
    translate = plan.find("translate")
    stream = _through_screens(_records(plan, records), plan)
    if translate is None:
        for _ in stream:
            pass
        return None, records
    estimate: dict[str, Any] = translate.component.estimate(
        translate.config, translate.context, stream
    )
    return (estimate if records else None), records


def _records(plan: Plan, counts: dict[str, int]) -> Iterator[Preference]:
    """Yield the records of every source that can be reached, counting them."""
    for step in plan.sources:
        n = 0
        try:
            for record in _of_source(step):
                n += 1
                yield record
        except InputError as error:
            step.context.report("unreachable", why=str(error))
            continue
        counts[step.id] = n


def _of_source(step: Step) -> Iterator[Preference]:
    if step.is_done:
        yield from step.dataset().records()
        return
    rows = Work.of(step).make().records()
    found = (row for row in rows if not isinstance(row, Skip))
    yield from islice(found, step.context.limit)


def _through_screens(records: Iterator[Preference], plan: Plan) -> Iterator[Preference]:
    """Take records through the stages before translation, which cost little."""
    stages = []
    for step in plan.stages:
        if step.use == "translate":
            break
        if step.writes == "preferences" and not hasattr(step.component, "run"):
            stages.append(Work.of(step).make())
    while batch := list(islice(records, BATCH)):
        kept: Sequence[Preference] = batch
        for stage in stages:
            kept = apply(stage, kept).kept
        yield from kept
