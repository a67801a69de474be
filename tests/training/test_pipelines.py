"""The shipped training pipelines: they are read, and the tiny one is walked from end to end."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from prefdata.config.load import load_pipeline
from prefdata.core.errors import ConfigError, UsageError
from prefdata.pipeline.build import build_pipeline, plan_pipeline
from prefdata.pipeline.forecast import forecast
from tests.training import toy

NAMES = ("reward_model", "ppo", "rlhf_tiny")


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_training_pipeline_is_read_without_torch(root: Path, name: str) -> None:
    found = load_pipeline(root / "pipelines" / f"{name}.yaml")

    assert found.stages
    assert {step.use for step in found.stages} & {"train_reward_model", "train_ppo"}


def planned(root: Path, name: str, out: Path, *overrides: str) -> dict[str, Any]:
    return forecast(
        plan_pipeline(root / "pipelines" / f"{name}.yaml", out=out, overrides=overrides)
    )


@pytest.mark.parametrize("name", ["reward_model", "ppo"])
def test_a_pipeline_over_a_finished_release_is_planned_without_torch_and_says_what_is_not_there(
    root: Path, tmp_path: Path, name: str
) -> None:
    found = planned(root, name, tmp_path)

    assert found["sources"] == []
    assert {row["verdict"] for row in found["uses"]} == {"allow"}
    told = [row["where"] for row in found["lacks"] if not row["is_extra"]]
    assert any("hh_rlhf_ja/release" in where for where in told)
    assert any("../models/" in where for where in told)
    assert found["exit_code"] == 2
    with pytest.raises(UsageError, match="hh_rlhf_ja/release"):
        build_pipeline(root / "pipelines" / f"{name}.yaml", out=tmp_path)


def test_planning_a_model_decides_base_model_and_release_for_its_use(
    root: Path, tmp_path: Path
) -> None:
    folder = toy.release(tmp_path / "release", pairs={"train": toy.pairs(6, seed=1)})
    (tmp_path / "model").mkdir()
    own = [
        f"stages.rm.release={folder}", f"stages.soup.release={folder}",
        "stages.rm.base={path: %s, artifact: %s}",
    ]  # fmt: skip

    def verdicts(artifact: str) -> tuple[int, list[str]]:
        base = own[2] % (tmp_path / "model", artifact)
        pipeline = yaml.safe_load((root / "pipelines" / "reward_model.yaml").read_text())
        pipeline |= {"licenses": str(toy.registry(tmp_path)), "as_of": toy.AS_OF}
        (tmp_path / "rm.yaml").write_text(yaml.safe_dump(pipeline))
        overrides = [own[0], own[1], base]
        found = forecast(plan_pipeline(tmp_path / "rm.yaml", out=tmp_path, overrides=overrides))
        return found["exit_code"], [row["verdict"] for row in found["uses"]]

    assert verdicts("retrieva-jp/bert-1.3b") == (0, ["allow", "allow"])
    assert verdicts("someone/undisclosed") == (3, ["deny", "allow"])  # target: publish_model


def test_a_tiny_pipeline_is_planned_whole_with_torch_or_without(root: Path, tmp_path: Path) -> None:
    found = planned(root, "rlhf_tiny", tmp_path)

    assert found["exit_code"] == 0
    assert [row["id"] for row in found["uses"]] == ["encoder", "sft", "rm", "soup", "ppo"]
    assert all(row["is_extra"] for row in found["lacks"])


def test_stages_that_read_records_need_sources(tmp_path: Path) -> None:
    file = tmp_path / "pipeline.yaml"
    file.write_text("name: x\nstages:\n  - use: relabel\n")

    with pytest.raises(ConfigError, match="there are no sources"):
        load_pipeline(file)


def test_the_tiny_pipeline_begins_with_the_quick_start(root: Path) -> None:
    quick = load_pipeline(root / "pipelines" / "quickstart.yaml")
    tiny = load_pipeline(root / "pipelines" / "rlhf_tiny.yaml")

    assert [s.use for s in tiny.sources] == [s.use for s in quick.sources]
    assert [s.use for s in tiny.stages][: len(quick.stages)] == [s.use for s in quick.stages]


@pytest.mark.train
def test_one_build_goes_from_sample_data_to_a_policy_and_reruns_only_what_changed(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a copy, as in a fresh clone; the parts that only take time are made smaller."""
    pytest.importorskip("lm_eval")
    for name in ("pipelines", "data"):
        shutil.copytree(
            root / name, tmp_path / name, ignore=shutil.ignore_patterns("build", "cache")
        )
    monkeypatch.chdir(tmp_path)
    smaller = [
        "stages.sft.train.epochs=1", "stages.rm.train.epochs=1", "stages.rm.length.max=160",
        "stages.ppo.ppo.steps=3",
    ]  # fmt: skip

    def build(*more: str) -> list[str]:
        built = build_pipeline(
            "pipelines/rlhf_tiny.yaml", workers=1, out=Path("out"), overrides=[*smaller, *more]
        )
        return [step.id for step in built.ran]

    first = build()
    assert first[-6:] == ["encoder", "sft", "rm", "soup", "ppo", "evaluate"]
    assert build() == []
    assert build("stages.ppo.kl.coef=0.1") == ["ppo", "evaluate"]

    out = {p.name.split("-")[1]: p for p in sorted((tmp_path / "out").glob("[0-9][0-9]-*"))}
    for name in ("rm", "soup", "ppo"):
        assert (out[name] / "model" / "model.safetensors").is_file()
        report = json.loads((out[name] / "licenses.json").read_text())
        assert report["verdict"] == "allow"
        assert "LicenseRef-prefdata-anthropic-commercial-2025-06-17" in report["downstream_terms"]
        assert (out[name] / "checkpoints").is_dir() == (name != "soup")
    assert len(toy.metrics(out["soup"])["members"]) == 3
    parents = json.loads((out["ppo"] / "manifest.json").read_text())["parents"]
    assert set(parents) == {"policy", "prompts", "reward"}
    found = toy.metrics(out["evaluate"])
    assert {"reward_english", "model_english", "baseline_english"} <= set(found)
