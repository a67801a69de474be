"""The stage ``evaluate_skills``: a policy's answers, rated for FLASK's skills by a judge."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from prefdata.chat import Chat
from prefdata.config.settings import Settings
from prefdata.core.errors import ConfigError
from prefdata.core.records import Message
from prefdata.core.stage import Context
from prefdata.store.files import write_text
from prefdata.training.artifact import write_manifest, write_metrics
from prefdata.training.settings import Limit
from prefdata.training.skills import METRICS, Judge, Task, rate_all, read_tasks
from prefdata.training.stage import PlugIn
from prefdata.training.thresholds import check_all, refuse_misses, refuse_unknown

if TYPE_CHECKING:
    from prefdata.store.dataset import Dataset

BATCH = 16


class EvaluateSkills(PlugIn):
    """Let a policy answer, and a language model rate the answers.

    Inputs: ``model``, a step that leaves a policy. A judge's ratings depend on the judge: compare
    only numbers of one judge. The ratings are for measuring alone, never for training.
    """

    name = "evaluate_skills"

    class Config(Settings):
        """Settings of the evaluation by skills."""

        path: str = Field(description="FLASK's evaluation set, JSON Lines")
        judge_url: str = Field(description="an OpenAI-style endpoint, such as http://…/v1")
        judge_model: str
        judge_key_env: str = Field(
            default="", description="environment variable that holds the judge's key"
        )
        model: str = Field(default="", description="a policy's folder, instead of an input")
        limit: int = Field(default=0, ge=0, description="instructions; 0: all")
        max_new_tokens: int = Field(default=512, ge=1)
        gates: dict[str, Limit] = Field(default={}, description="metric: '>=3'; else code 6")

    config: Config

    @classmethod
    def named(cls, config: Config) -> list[str]:
        """Return the files and folders that the settings name."""
        return [config.path, config.model]

    @staticmethod
    def plan(config: Config, context: Context) -> None:
        """Refuse thresholds on unknown metrics."""
        refuse_unknown(config.gates, METRICS, context.step)

    def run(self, inputs: Mapping[str, Dataset], out: Path) -> None:
        """Answer, rate, write."""
        folders = {name: dataset.path for name, dataset in inputs.items()}
        if self.config.model:
            folders["model"] = self.context.path(self.config.model)
        if "model" not in folders:
            raise ConfigError("there is no policy", self.context.step, "'inputs: {model: ID}'")
        tasks = read_tasks(self.context.path(self.config.path), self.config.limit)
        answers = self.answers(folders["model"], tasks)
        config = self.config
        judge = Judge(Chat(config.judge_url, config.judge_model, config.judge_key_env))
        metrics, rows = rate_all(judge, tasks, answers)
        metrics["judge"] = self.config.judge_model
        checks = check_all(self.config.gates, metrics)
        write_metrics(out, metrics, checks)
        lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
        write_text(out / "ratings.jsonl", "".join(lines))
        write_manifest(out, "evaluate_skills", self.config, self.context, folders)
        refuse_misses(checks, str(out))

    def answers(self, folder: Path, tasks: Sequence[Task]) -> list[str]:
        """Return the policy's likeliest answers."""
        import torch

        from prefdata.training import network
        from prefdata.training.prompts import ids_of, prompt_text
        from prefdata.training.remote_code import made_before

        base = made_before(folder / "model" if (folder / "model").is_dir() else folder)
        tokenizer = network.load_tokenizer(base)
        model = network.load_policy(base, tokenizer, dtype="auto").to(network.device()).eval()
        prompts = [
            ids_of(tokenizer, prompt_text(tokenizer, (Message("user", task.instruction),)))
            for task in tasks
        ]
        found: list[str] = []
        for start in range(0, len(prompts), BATCH):
            ids, mask = network.padded(
                prompts[start : start + BATCH], tokenizer.pad_token_id, left=True
            )
            with torch.no_grad():
                whole = model.generate(
                    input_ids=ids.to(model.device),
                    attention_mask=mask.to(model.device),
                    max_new_tokens=self.config.max_new_tokens,
                    do_sample=False,
                    pad_token_id=tokenizer.pad_token_id,
                )
            found += tokenizer.batch_decode(whole[:, ids.shape[1] :], skip_special_tokens=True)
            self.context.report("progress", answered=len(found), of=len(tasks))
        return found
