"""The training session: devices, signals, checkpoints, events; and torch's faults in our words."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from prefdata.core.errors import ConfigError, IntegrityError, Interrupted, MissingExtra
from prefdata.store.files import atomic

KEPT = 2


def need(*packages: str, by: str, extra: str = "train") -> None:
    """Refuse early if a package of an extra is missing.

    Raises:
        MissingExtra: with the line that installs it.
    """
    from importlib.util import find_spec

    for package in packages:
        if find_spec(package) is None:
            raise MissingExtra.needed(package, by=by, extra=extra)


class StopRequest:
    """Turns SIGTERM and ctrl-C into a wish that the loop looks at between two steps."""

    def __init__(self) -> None:
        self.asked = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> StopRequest:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                self._before[number] = signal.signal(number, self._ask)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self.asked = True

    def is_agreed(self, accelerator: Any) -> bool:
        """Tell whether any process was asked: all of them stop after the same step."""
        if accelerator.num_processes == 1:
            return self.asked
        import torch

        mine = torch.tensor([float(self.asked)], device=accelerator.device)
        return bool(accelerator.reduce(mine, reduction="sum").item())

    def interrupt(self, step: int) -> None:
        """Stop after a checkpoint was written.

        Raises:
            Interrupted: always; the same command goes on from here.
        """
        raise Interrupted(f"stopped after step {step}, which is kept", fix="run the same command")


class Checkpoints:
    """Numbered states in a folder, each written whole; the newest ones are kept.

    `identity` names the configuration. A state of another one is refused rather than mixed in.
    """

    def __init__(self, folder: Path, identity: str) -> None:
        self.folder = folder
        self.identity = identity

    def save(self, step: int, state: dict[str, Any]) -> None:
        """Write the state after `step` steps, with torch's own random state."""
        import torch

        random = {"cpu": torch.get_rng_state()}
        if torch.cuda.is_available():
            random["cuda"] = torch.cuda.get_rng_state()
        whole = {
            "identity": self.identity,
            "step": step,
            "threads": torch.get_num_threads(),
            "random": random,
            **state,
        }
        with atomic(self.folder / f"step-{step:07d}.pt") as temporary:
            torch.save(whole, temporary)
        for old in self.files()[:-KEPT]:
            old.unlink()

    def newest(self) -> dict[str, Any] | None:
        """Return the newest state and set torch's random state to its; None if there is none.

        Raises:
            IntegrityError: it was written under another configuration, or is torn.
        """
        import pickle

        import torch

        files = self.files()
        if not files:
            return None
        try:
            state: dict[str, Any] = torch.load(files[-1], map_location="cpu", weights_only=True)
        except (RuntimeError, OSError, EOFError, pickle.UnpicklingError) as error:
            raise IntegrityError(
                f"the checkpoint cannot be read: {error}", str(files[-1]), "delete this file"
            ) from error
        if state["identity"] != self.identity:
            raise IntegrityError(
                "the checkpoint belongs to another configuration",
                str(files[-1]),
                f"delete {self.folder}, or go back to the settings that it was made with",
            )
        torch.set_rng_state(state["random"]["cpu"])
        if "cuda" in state["random"] and torch.cuda.is_available():
            torch.cuda.set_rng_state(state["random"]["cuda"])
        return state

    def keep(self, name: str, state: dict[str, Any]) -> None:
        """Write a state that is kept under a name, such as the best so far."""
        import torch

        with atomic(self.folder / f"{name}.pt") as temporary:
            torch.save({"identity": self.identity, **state}, temporary)

    def kept(self, name: str) -> dict[str, Any] | None:
        """Return the state kept under a name, None if there is none of this configuration."""
        import torch

        path = self.folder / f"{name}.pt"
        if not path.is_file():
            return None
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        return state if state["identity"] == self.identity else None

    def files(self) -> list[Path]:
        """Return the states on disk, oldest first."""
        return sorted(self.folder.glob("step-*.pt"))


class EventLog:
    """A JSON Lines file with one object a step; no clock, so a resumed run writes the same."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)

    def rewind(self, step: int) -> None:
        """Forget what was written after `step`, or was torn by a kill."""
        kept = [line for line in self._lines() if _step_of(line) <= step]
        self.path.write_text("".join(kept), encoding="utf-8")

    def write(self, step: int, **values: Any) -> None:
        """Add what happened in a step."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"step": step, **values}, ensure_ascii=False) + "\n")

    def read(self) -> list[dict[str, Any]]:
        """Return everything written."""
        return [json.loads(line) for line in self._lines()]

    def _lines(self) -> list[str]:
        if not self.path.exists():
            return []
        return self.path.read_text(encoding="utf-8").splitlines(keepends=True)


def _step_of(line: str) -> float:
    try:
        return float(json.loads(line)["step"])
    except ValueError:
        return float("inf")


@contextmanager
def out_of_memory_explained(*, asked: str, lower: str) -> Iterator[None]:
    """Turn torch's out-of-memory errors into ours.

    Raises:
        ConfigError: memory ran out; it says what was asked for and which settings to lower.
    """
    import torch

    try:
        yield
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise ConfigError(
            f"out of memory: {_first_line(error)}", asked, f"lower {lower}"
        ) from error
    except RuntimeError as error:
        if "allocate memory" not in str(error):  # the wording of torch's CPU allocator
            raise
        raise ConfigError(
            f"out of memory: {_first_line(error)}", asked, f"lower {lower}"
        ) from error


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0][:300] if str(error).strip() else "no detail"
