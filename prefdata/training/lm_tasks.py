"""Policies on lm-evaluation-harness, with our own task files over local questions; no network."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from prefdata.training.benchmarks import Question
from prefdata.training.remote_code import made_before

TASKS = Path(__file__).parent / "tasks"


def write_task(title: str, questions: Sequence[Question], folder: Path) -> str:
    """Write the questions as JSON Lines with a task file beside them; return the task's name."""
    import yaml

    name = "prefdata_" + "".join(c if c.isalnum() else "_" for c in title)
    folder.mkdir(parents=True, exist_ok=True)
    rows = [
        {"prompt": q.prompt and f"{q.prompt}\n", "choices": [q.choices[0], *q.choices[q.right :]]}
        for q in questions
    ]
    data = folder / f"{name}.jsonl"
    data.write_text(
        "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8"
    )
    shape = "choice" if any(q.prompt for q in questions) else "preference"
    tree = yaml.safe_load((TASKS / f"{shape}.yaml").read_text(encoding="utf-8"))
    tree |= {
        "task": name,
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": str(data)}},
    }
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(tree, allow_unicode=True), encoding="utf-8")
    return name


def measure(
    model: Path, questions: Mapping[str, Sequence[Question]], folder: Path, batch_size: int
) -> dict[str, float]:
    """Return the accuracy of each set: how often the right answer is the likeliest.

    For sets without a right answer, how often the first sentence is the likelier one.
    """
    from lm_eval import simple_evaluate
    from lm_eval.models.huggingface import HFLM
    from lm_eval.tasks import TaskManager

    from prefdata.training.network import device, quiet

    quiet()
    names = {write_task(title, own, folder): title for title, own in questions.items()}
    results: dict[str, Any] = simple_evaluate(
        model=HFLM(
            pretrained=str(model),
            device=device(),
            batch_size=batch_size,
            trust_remote_code=made_before(model).trust_remote_code,
        ),
        tasks=list(names),
        task_manager=TaskManager(include_path=str(folder), include_defaults=False),
        bootstrap_iters=0,
        verbosity="ERROR",
    )["results"]
    return {title: float(results[name]["acc,none"]) for name, title in names.items()}
