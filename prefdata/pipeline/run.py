"""A plan run through an engine: what is done is skipped, what is finished is visible at once."""

from __future__ import annotations

import fcntl
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from prefdata.core.errors import GateFailed, InputError, LicenseDenied, UsageError
from prefdata.core.stage import Engine
from prefdata.pipeline.intact import refuse_torn
from prefdata.pipeline.plan import Plan, Step, artifact_key
from prefdata.pipeline.task import SourceTask, StageTask, Work, counts_name, write_counts
from prefdata.store.dataset import MANIFEST, Dataset
from prefdata.store.files import read_json, sha256, write_json
from prefdata.store.shards import rows_of

BUILD = "build.json"


def run_plan(plan: Plan, engine: Engine) -> list[Step]:
    """Run what is not done yet and return those steps.

    Raises:
        GateFailed: a step dropped more than it may, or everything; or too many rows are broken.
        IntegrityError: a finished step has lost a file, or somebody has changed one.
        UsageError: another build works in the same folder.
    """
    with _locked(plan.out):
        _write_build(plan)
        todo = [step for step in plan.steps if not step.is_done]
        refuse_torn(step for step in plan.steps if step not in todo)
        _run_sources(plan, [step for step in plan.sources if step in todo], engine)
        for step in plan.sources:
            _check_bad_rows(step, plan.max_bad_rows)
        for step in plan.stages:
            if step in todo:
                _run_stage(step, plan, engine)
            _check_drops(step)
    return todo


@contextmanager
def _locked(out: Path) -> Iterator[None]:
    """Hold the build folder's lock."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        file = (out / ".lock").open("w")
    except OSError as error:
        raise InputError(
            f"cannot write to the build folder: {error.strerror}", str(out), "use --out"
        ) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(
                "another build works in this folder",
                str(out),
                "wait for it to end, or give this one another --out",
            ) from None
        yield


def _write_build(plan: Plan) -> None:
    """Write which folders the present steps are in, for `show`, `drops` and the release."""
    steps = [
        {
            "id": step.id,
            "use": step.use,
            "group": step.group,
            "key": step.key,
            "kind": step.writes,
            "path": step.artifact.name,
        }
        for step in plan.steps
    ]
    write_json(plan.out / BUILD, {"name": plan.name, "steps": steps})


def _run_sources(plan: Plan, steps: Sequence[Step], engine: Engine) -> None:
    for step in steps:
        shutil.rmtree(step.path, ignore_errors=True)  # reading is cheap: begin again
        step.context.report("start", what=step.use)
    task = SourceTask(
        works=tuple(Work.of(step) for step in steps),
        folders=tuple(step.path for step in steps),
        shard_size=plan.shard_size,
        limit=plan.context.limit,
    )
    for number in engine.map(task, range(len(steps))) if steps else ():
        _finish(steps[number])


def _run_stage(step: Step, plan: Plan, engine: Engine) -> None:
    if step.writes == "artifact" or hasattr(step.component, "run"):
        step.context.report("start", what=step.use)
        _run_dataset_stage(step)
        return
    inputs = tuple(path for folder in _inputs(step) for path in folder.shards())
    todo = [n for n in range(len(inputs)) if not (step.path / counts_name(n)).is_file()]
    records = sum(rows_of(inputs[n]) for n in todo)
    step.context.report("start", what=step.use, records=records)
    needs = getattr(step.component, "needs", None)
    cpus, gpus = needs(step.config) if needs else (1.0, 0.0)
    task = StageTask(
        work=Work.of(step),
        inputs=inputs,
        folder=step.path,
        cpus=getattr(step.component, "cpus", cpus),
        gpus=getattr(step.component, "gpus", gpus),
        parallel=getattr(step.component, "parallel", True),
    )
    done = len(inputs) - len(todo)
    for _ in engine.map(task, todo):
        done += 1
        step.context.report("progress", shards=done, shards_of=len(inputs))
    _finish(step, _facts(step, task.work))


def _facts(step: Step, work: Work) -> dict[str, Any]:
    """Return what a stage that ran in this process says of its run: nodes, hits, seconds."""
    return work.build().facts if hasattr(step.component, "facts") else {}


def _inputs(step: Step) -> list[Dataset]:
    value = next(iter(step.inputs.values()))
    return [value.dataset()] if isinstance(value, Step) else [s.dataset() for s in value]


def _finish(step: Step, facts: dict[str, Any] | None = None) -> None:
    """Write the manifest of a step whose shards are all there: from now on it is done."""
    parts = sorted(step.path.glob("part-*.json"))
    counts = _sum([read_json(part) for part in parts])
    files = [
        {
            "name": path.relative_to(step.path).as_posix(),
            "bytes": path.stat().st_size,
            "sha256": sha256(path),
        }
        for path in sorted(step.path.rglob("part-*.parquet"))
    ]
    manifest = {
        "schema_version": 1,
        "id": step.id,
        "use": step.use,
        "group": step.group,
        "key": step.key,
        "kind": step.writes,
        "version": step.component.version,
        "settings": step.config.model_dump(mode="json"),
        "counts": counts,
        **({"facts": facts} if facts else {}),
        "files": files,
    }
    write_json(step.path / MANIFEST, manifest)
    step.context.report("done", counts=counts)


def _sum(parts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Add up the counts of shards."""
    total: dict[str, Any] = {
        name: sum(part[name] for part in parts) for name in ("in", "kept", "dropped", "bad")
    }
    total["reasons"] = _ranked(Counter[str](), *(part["reasons"] for part in parts))
    names = sorted({name for part in parts for name in part["sources"]})
    total["sources"] = {}
    for name in names:
        own = [part["sources"][name] for part in parts if name in part["sources"]]
        total["sources"][name] = {
            "kept": sum(part["kept"] for part in own),
            "dropped": sum(part["dropped"] for part in own),
            "reasons": _ranked(Counter[str](), *(part["reasons"] for part in own)),
        }
    return total


def _ranked(total: Counter[str], *parts: dict[str, int]) -> dict[str, int]:
    for part in parts:
        total.update(part)
    return dict(sorted(total.items(), key=lambda item: (-item[1], item[0])))


def _run_dataset_stage(step: Step) -> None:
    """Run a stage that sees everything once, in a folder that becomes visible when whole."""
    work = step.path.with_name(f".{step.path.name}.partial")
    whole = _whole(step)
    if not whole.is_dir():
        if not getattr(step.component, "resumable", False):
            shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True, exist_ok=True)
        Work.of(step).make().run(_datasets(step), work)
        if step.writes == "preferences":
            write_counts(work)
        work.rename(whole)
    if step.writes == "preferences":
        _finish(step)
        return
    _promote(step, whole)
    step.context.report("done", path=str(step.artifact))


def _datasets(step: Step) -> dict[str, Dataset]:
    """Return the inputs of a stage that sees everything; several sources are numbered."""
    found: dict[str, Dataset] = {}
    for name, value in step.inputs.items():
        if isinstance(value, Step):
            found[name] = value.dataset()
        else:
            found |= {f"{name}-{n}": source.dataset() for n, source in enumerate(value)}
    return found


def _whole(step: Step) -> Path:
    """Return where a finished artifact lies before it becomes the newest."""
    folder = getattr(step.component, "folder", None)
    return step.path.with_name(f"{folder}-{step.key[:8]}") if folder else step.path


def _promote(step: Step, whole: Path) -> None:
    """Make a whole artifact the newest; the one before it is kept under its own digest."""
    newest = step.artifact
    if newest == whole:
        return
    if newest.is_dir():
        older = artifact_key(newest) or "unknown0"
        kept = newest.with_name(f"{newest.name}-{older[:8]}")
        shutil.rmtree(kept, ignore_errors=True)
        newest.rename(kept)
    whole.rename(newest)


def _check_bad_rows(step: Step, allowed: float) -> None:
    counts = step.dataset().manifest["counts"]
    if counts["bad"] <= allowed * counts["in"]:
        return
    first = next(row for row in step.dataset().drops() if row["bad"])
    raise GateFailed(
        f"{counts['bad']:,} of {counts['in']:,} rows are broken, more than max_bad_rows "
        f"{allowed:.1%} allows: {_listed(counts['reasons'])}",
        f"{step.id}, first at {first['row']}: {first['detail'] or first['reasons'][0]}",
        f"see them with 'prefdata drops {step.path}', repair the file, or raise max_bad_rows",
    )


def _check_drops(step: Step) -> None:
    if step.writes == "artifact":
        return
    counts = step.dataset().manifest["counts"]
    see = f"see 'prefdata drops {step.path}'"
    if counts["in"] and not counts["kept"] and not _is_listed(step):
        error = LicenseDenied if step.use == "license_gate" else GateFailed
        raise error(
            f"the step {step.id!r} dropped every record: {_listed(counts['reasons'])}", fix=see
        )
    if counts["dropped"] > step.max_dropped * counts["in"]:
        raise GateFailed(
            f"the step {step.id!r} dropped {counts['dropped']:,} of {counts['in']:,} records, more "
            f"than its max_dropped {step.max_dropped:.1%}: {_listed(counts['reasons'])}",
            fix=f"{see}, or raise max_dropped",
        )


def _is_listed(step: Step) -> bool:
    """Tell whether a stage's release lists what the stage leaves out: a pointer release."""
    lists = getattr(step.component, "lists_pointers", None)
    return bool(lists and lists(step.config))


def _listed(reasons: dict[str, int]) -> str:
    return ", ".join(f"{code} {n:,}" for code, n in reasons.items())
