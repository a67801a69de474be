"""Three pictures of a reward model: is it calibrated, how far apart, does length pay."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prefdata.training.metrics import Judged, reliability

NAMES = ("reliability", "margins", "length")


def draw(judged: Judged, temperature: float, folder: Path) -> None:
    """Write ``reliability.png``, ``margins.png`` and ``length.png``; none without pairs."""
    import numpy as np

    if not judged.chosen:
        return
    folder.mkdir(parents=True, exist_ok=True)
    difference = np.asarray(judged.chosen) - np.asarray(judged.rejected)
    axes = _axes("confidence in the preferred side", "share that was right")
    axes.plot([0.5, 1], [0.5, 1], color="grey", linewidth=1, label="perfect")
    for name, rows in (
        ("as trained", reliability(difference)),
        ("with temperature", reliability(difference / temperature)),
    ):
        said, was = [r[0] for r in rows], [r[1] for r in rows]
        sizes = [10 + 200 * r[2] / len(difference) for r in rows]  # a bin of few pairs says little
        (line,) = axes.plot(said, was, linewidth=1, label=name)
        axes.scatter(said, was, s=sizes, color=line.get_color())
    axes.legend()
    _save(axes, folder / "reliability.png")

    axes = _axes("reward of chosen less reward of rejected", "pairs")
    axes.hist(difference, bins=30)
    axes.axvline(0, color="black", linewidth=1)
    _save(axes, folder / "margins.png")

    axes = _axes("characters", "reward")
    axes.scatter(judged.chosen_length, judged.chosen, s=6, label="chosen")
    axes.scatter(judged.rejected_length, judged.rejected, s=6, label="rejected")
    axes.legend()
    _save(axes, folder / "length.png")


def _axes(x: str, y: str) -> Any:
    from matplotlib.figure import Figure

    axes = Figure(figsize=(5, 3.5), layout="constrained").add_subplot()
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    return axes


def _save(axes: Any, path: Path) -> None:
    axes.figure.savefig(path, dpi=120, metadata={"Software": None})  # the same bytes each time
