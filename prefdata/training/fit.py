"""The one training loop: steps, checkpoints, signals, bad numbers; used by all but PPO."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from prefdata.core.errors import MonitorTripped
from prefdata.training.network import restore_state, trainable_state
from prefdata.training.session import Checkpoints, EventLog, StopRequest
from prefdata.training.settings import Optimization

if TYPE_CHECKING:
    from torch import Tensor

    from prefdata.core.stage import Context


@dataclass(frozen=True)
class Run:
    """What a loop needs beside a model: where its state goes, and who is told."""

    checkpoints: Checkpoints
    events: EventLog
    context: Context
    every: int
    name: str = ""


def accelerator_of(precision: str) -> Any:
    """Return accelerate's view of this process: device, number of processes, precision."""
    import torch
    from accelerate import Accelerator

    mixed = {"auto": "bf16" if torch.cuda.is_available() else "no", "fp32": "no", "bf16": "bf16"}
    return Accelerator(mixed_precision=mixed[precision], cpu=not torch.cuda.is_available())


def fit(
    model: Any,
    *,
    steps: int,
    losses: Callable[[Any, int], Iterator[Tensor]],
    optimization: Optimization,
    run: Run,
    accelerator: Any,
) -> Any:
    """Train for `steps` steps, going on from the newest checkpoint, and return the model.

    `losses(model, step)` yields the parts of a step's loss, which add up to it; each part is
    taken back through the model before the next is made, so that parts need not fit in memory
    together. It must depend on the step alone: then a resumed run has the same weights, bit by
    bit, on the same machine with the same number of threads.

    Raises:
        MonitorTripped: the loss or its gradient is no number; the weights before it are kept.
        Interrupted: the user stopped it, after a checkpoint.
    """
    optimizer, scheduler = _optimizer(model, steps, optimization)
    start = _resume(model, optimizer, scheduler, run)
    wrapped, optimizer = accelerator.prepare(model, optimizer)
    wrapped.train(optimization.dropout)
    with StopRequest() as stop:
        for step in range(start, steps):
            total = 0.0
            for part in losses(wrapped, step):
                accelerator.backward(part)
                total += float(part.detach())
            norm = float(
                accelerator.clip_grad_norm_(wrapped.parameters(), optimization.max_grad_norm)
            )
            if not (math.isfinite(total) and math.isfinite(norm)):
                _stop_at_bad_number(model, optimizer, scheduler, step, run)
            optimizer.step()
            scheduler.step()
            optimizer.zero_grad()
            _log(run, accelerator, step + 1, steps, total)
            asked = stop.is_agreed(accelerator)
            # The last state is kept too: a kill while the model is measured repeats no step.
            is_due = (step + 1) % run.every == 0 or step + 1 == steps or asked
            if accelerator.is_main_process and is_due:
                run.checkpoints.save(step + 1, _state(model, optimizer, scheduler))
            if asked:
                stop.interrupt(step + 1)
    return accelerator.unwrap_model(wrapped).eval()


def _optimizer(model: Any, steps: int, optimization: Optimization) -> tuple[Any, Any]:
    import torch
    from transformers import get_linear_schedule_with_warmup

    optimizer = torch.optim.AdamW(
        [p for p in model.parameters() if p.requires_grad],
        lr=optimization.learning_rate,
        weight_decay=optimization.weight_decay,
    )
    warm = round(steps * optimization.warmup)
    return optimizer, get_linear_schedule_with_warmup(optimizer, warm, steps)


def _resume(model: Any, optimizer: Any, scheduler: Any, run: Run) -> int:
    state = run.checkpoints.newest()
    start = int(state["step"]) if state else 0
    run.events.rewind(start)
    if state:
        restore_state(model, state["model"])
        optimizer.load_state_dict(state["optimizer"])
        scheduler.load_state_dict(state["scheduler"])
        run.context.report("progress", resumed=start)
    return start


def _state(model: Any, optimizer: Any, scheduler: Any) -> dict[str, Any]:
    return {
        "model": trainable_state(model),
        "optimizer": optimizer.state_dict(),
        "scheduler": scheduler.state_dict(),
    }


def _stop_at_bad_number(model: Any, optimizer: Any, scheduler: Any, step: int, run: Run) -> None:
    optimizer.zero_grad()
    run.checkpoints.save(step, _state(model, optimizer, scheduler))
    raise MonitorTripped(
        f"the loss or its gradient is no number at step {step + 1}",
        f"the weights before it are in {run.checkpoints.files()[-1]}",
        "lower learning_rate, or look at the rows of that step; then build again",
    )


def _log(run: Run, accelerator: Any, step: int, steps: int, loss: float) -> None:
    if accelerator.is_main_process:
        run.events.write(step, loss=round(loss, 6), **({"run": run.name} if run.name else {}))
        run.context.report("progress", step=step, of=steps, loss=round(loss, 4))
