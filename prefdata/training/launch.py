"""Several processes for one stage: started by torch's launcher, their error brought back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from subprocess import DEVNULL, PIPE
from typing import Any

from prefdata import components
from prefdata.core import errors
from prefdata.core.errors import ConfigError, PrefdataError
from prefdata.core.stage import Context
from prefdata.store.files import read_json, write_json
from prefdata.training.session import StopRequest

JOB = "launch.json"
ERROR = "launch-error.json"


def in_processes(stage: Any, folders: Mapping[str, Path], out: Path) -> bool:
    """Run ``stage.work`` in the processes that its settings ask for; False if that is one.

    Raises:
        PrefdataError: whatever the first process raised.
    """
    wanted = stage.config.processes or _gpus()
    if wanted <= 1 or "WORLD_SIZE" in os.environ:
        return False
    plain = {f.name: getattr(stage.context, f.name) for f in fields(Context) if f.name != "listen"}
    job = {
        "stage": stage.name,
        "settings": stage.config.model_dump_json(exclude_unset=True),
        "context": {k: str(v) if isinstance(v, Path) else v for k, v in plain.items()},
        "inputs": {key: str(path) for key, path in folders.items()},
        "out": str(out),
        "processes": wanted,
    }
    write_json(out / JOB, job)
    (out / ERROR).unlink(missing_ok=True)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += ["--nproc_per_node", str(wanted), "-m", "prefdata.training.launch", str(out / JOB)]
    code, told = _run(command)
    (out / JOB).unlink()
    if code:
        _raise(out, told)
    return True


def _run(command: list[str]) -> tuple[int, str]:
    """Run the launcher and return its exit code and last words; SIGTERM is handed on to it."""
    with (
        StopRequest() as stop,
        subprocess.Popen(command, stdout=DEVNULL, stderr=PIPE, text=True) as launcher,
    ):
        while True:
            try:
                _, told = launcher.communicate(timeout=0.2)
            except subprocess.TimeoutExpired:
                if stop.asked:
                    launcher.terminate()  # its processes write a checkpoint and end
                    stop.asked = False
            else:
                return launcher.returncode, told


def _gpus() -> int:
    import torch

    return int(torch.cuda.device_count())


def _raise(out: Path, stderr: str) -> None:
    if (out / ERROR).is_file():
        told = read_json(out / ERROR)
        (out / ERROR).unlink()
        kind = getattr(errors, told["class"], PrefdataError)
        raise kind(told["what"], told["where"], told["fix"])
    last = stderr.strip().splitlines()[-15:]
    raise PrefdataError("a training process died", fix="\n".join(last))


def main(job_file: str) -> int:
    """Do one process's share of a job; the entry of a launched process."""
    job = read_json(Path(job_file))
    world = int(os.environ.get("WORLD_SIZE", "1"))
    out = Path(job["out"])
    try:
        if world != job["processes"]:
            raise ConfigError(f"{job['processes']} processes were asked for, {world} started")
        context = dict(job["context"])
        for name in ("base", "cache", "licenses"):
            context[name] = Path(context[name]) if context[name] is not None else None
        component = components.load("stages", job["stage"])
        settings = component.Config.from_tree(json.loads(job["settings"]))
        folders = {name: Path(path) for name, path in job["inputs"].items()}
        component(settings, Context(**context)).work(folders, out)
    except PrefdataError as error:
        if os.environ.get("RANK", "0") == "0":
            told = {"what": error.what, "where": error.where, "fix": error.fix}
            write_json(out / ERROR, {"class": type(error).__name__, **told})
        return int(error.exit_code)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
