"""The stage ``export``: a release and a reward model in the shapes that OpenRLHF and verl read."""

from __future__ import annotations

import json
import shlex
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from prefdata.store.files import write_text
from prefdata.training.data import SPLITS, read_split
from prefdata.training.stage import TrainingSettings, TrainingStage

if TYPE_CHECKING:
    from prefdata.store.dataset import Dataset


class Export(TrainingStage):
    """Write prompts and pairs for trainers that use many machines, and serve our rewards to them.

    Inputs: ``pairs``, a release; ``reward`` (optional), a step that leaves a reward model. The
    reward model is served over HTTP (`prefdata.training.serve`), through its own template and
    tokenizer, as everywhere else.
    """

    name = "export"

    class Config(TrainingSettings):
        """Settings of an export."""

        to: Literal["openrlhf", "verl"]
        lang: str = Field(default="ja", description="rows of this language; empty: of all")

    config: Config

    @classmethod
    def packages(cls, config: Config, inputs: Collection[str]) -> Mapping[str, Sequence[str]]:
        """Return no module: data is written without torch."""
        return {}

    def run(self, inputs: Mapping[str, Dataset], out: Path) -> None:
        """Write data, server and a line to start with."""
        folders = {name: dataset.path for name, dataset in inputs.items()}
        self.permit(folders, out)
        release = self.release(folders)
        for split in SPLITS:
            rows = [
                row
                for row in read_split(release, "pairs", split)
                if not self.config.lang or row["lang"] == self.config.lang
            ]
            write_lines(out / f"{split}.prompts.jsonl", distinct(map(prompt_row, rows)))
            if self.config.to == "openrlhf":
                write_lines(out / f"{split}.pairs.jsonl", map(openrlhf_pair, rows))
            else:
                write_parquet(out / f"{split}.parquet", list(distinct(map(verl_row, rows))))
        write_text(out / "README.md", readme(self.config.to, folders))
        self.sign(folders, out)


def openrlhf_pair(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a pair as whole conversations: OpenRLHF's ``--chosen_key``, ``--rejected_key``."""
    return {
        "chosen": [*row["prompt"], *row["chosen"]],
        "rejected": [*row["prompt"], *row["rejected"]],
    }


def prompt_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a prompt with its id, by which the reward server finds its messages again."""
    return {"id": row["id"], "prompt": row["prompt"]}


def verl_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a prompt as verl's RLHF data has it; the reward comes from a function."""
    return {
        "data_source": row["source"],
        "prompt": row["prompt"],
        "ability": "preference",
        "reward_model": {"style": "model", "ground_truth": row["id"]},
        "extra_info": {"id": row["id"], "group": row["group"]},
    }


def distinct(rows: Iterable[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    """Yield rows whose prompt has not been seen."""
    seen = set()
    for row in rows:
        key = json.dumps(row["prompt"], ensure_ascii=False)
        if key not in seen:
            seen.add(key)
            yield row


def write_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write JSON Lines."""
    write_text(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def write_parquet(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write a Parquet file, none without rows."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if rows:
        pq.write_table(pa.Table.from_pylist(rows), path)


def readme(to: str, folders: Mapping[str, Path]) -> str:
    """Return how to start."""
    reward = shlex.quote(str(folders["reward"])) if "reward" in folders else "REWARD_DIR"
    lines = [
        f"# Exported for {to}",
        "",
        "Serve the reward model, then train against it:",
        "",
        f"    python -m prefdata.training.serve {reward} train.prompts.jsonl --port 5000",
    ]
    if to == "openrlhf":
        lines += [
            "    python -m openrlhf.cli.train_ppo_ray --data.prompt_dataset train.prompts.jsonl \\",
            "      --data.input_key prompt --data.label_key id --data.apply_chat_template \\",
            "      --reward.remote_url http://127.0.0.1:5000/get_reward",
        ]
    else:
        lines += [
            "    REWARD_URL=http://127.0.0.1:5000/get_reward python -m verl.trainer.main_ppo \\",
            "      data.train_files=train.parquet data.val_files=validation.parquet \\",
            "      reward.custom_reward_function.path=pkg://prefdata.training.serve \\",
            "      reward.custom_reward_function.name=verl_score",
        ]
    told = (
        "Option names are those of OpenRLHF 0.11 and verl 0.9. Their data classes read these files "
        "and their reward calls reach the server; whole trainings need their GPUs and were not run."
    )
    return "\n".join([*lines, "", told, ""])
