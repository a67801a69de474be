"""Licenses stop training before torch is there, and travel with the model when it is allowed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from prefdata.core.errors import LicenseDenied, LicenseReview
from prefdata.core.stage import Context
from prefdata.pipeline.build import build_pipeline, plan_pipeline
from prefdata.pipeline.forecast import forecast
from prefdata.training import licenses
from prefdata.training.card import write_card
from prefdata.training.settings import BaseModelSettings, Licensing
from tests.training import toy

LOCAL = Licensing()
PUBLISH = Licensing(target="publish_model")


def context(tmp_path: Path) -> Context:
    return Context(step="rm", licenses=toy.registry(tmp_path), as_of=toy.AS_OF)


def release(tmp_path: Path, source: str = "toy/a") -> Path:
    rows = [{**row, "source": source} for row in toy.pairs(6, seed=1)]
    return toy.release(tmp_path / "release", pairs={"train": rows})


def gate(tmp_path: Path, source: str, settings: Licensing, base: str = "") -> dict[str, object]:
    model = BaseModelSettings(path="model", artifact=base, revision="") if base else None
    return licenses.gate(release(tmp_path, source), model, settings, context(tmp_path), [])


def test_declared_rows_may_be_trained_on_and_the_model_says_why(tmp_path: Path) -> None:
    report = gate(tmp_path, "toy/a", PUBLISH)

    assert report["verdict"] == "allow"
    assert report["combinations"][0]["rows"] == 6  # type: ignore[index]
    assert "CC0-1.0" in str(report["expression"])


def test_undisclosed_rows_wait_for_a_person_or_are_refused(tmp_path: Path) -> None:
    with pytest.raises(LicenseReview, match=r"6 rows, review: UNDISCLOSED \(someone/data\)"):
        gate(tmp_path, "someone/data", LOCAL)
    with pytest.raises(LicenseDenied, match="publish_model"):
        gate(tmp_path, "someone/data", PUBLISH)


DECISION = """\
id: toy-decision-1
decision: allow
by: A. Person
scope: toy/posts
revision: {revision}
covers: [THIRD_PARTY_CONTENT]
basis: the writers of these posts agreed in writing
decided: 2026-11-01
expires: 2027-10-31
"""


def test_a_persons_decision_opens_a_review_and_stands_on_the_card(tmp_path: Path) -> None:
    with pytest.raises(LicenseReview, match="THIRD_PARTY_CONTENT"):
        gate(tmp_path, "toy/posts", LOCAL)
    again = tmp_path / "again"
    decisions = toy.registry(again) / "decisions"
    decisions.mkdir()
    (decisions / "one.yaml").write_text(DECISION.format(revision=toy.REVISION), encoding="utf-8")

    report = gate(again, "toy/posts", LOCAL)

    assert report["decisions"] == ["toy-decision-1"]

    folder = tmp_path / "model"
    folder.mkdir()
    (folder / licenses.FILE).write_text(json.dumps(report), encoding="utf-8")
    measured = {"passed": True, "checks": [], "metrics": {"n": 3}, "environment": {"torch": "2"}}
    (folder / "metrics.json").write_text(json.dumps(measured), encoding="utf-8")
    write_card(folder, "reward model", None, context(tmp_path), "train_reward_model", {})
    head = (folder / "README.md").read_text(encoding="utf-8").split("## 日本語")[0]
    assert "toy-decision-1" in head
    assert "license: other" in head


def test_an_unregistered_base_model_is_undisclosed_too(tmp_path: Path) -> None:
    with pytest.raises(LicenseReview, match="base model someone/model"):
        gate(tmp_path, "toy/a", LOCAL, base="someone/model")
    told = licenses.foresee(
        LOCAL, context(tmp_path), {}, base=BaseModelSettings(path="someone/model")
    )
    assert told["verdict"] == "review"
    assert "base model someone/model" in told["reasons"][0]


def test_a_registered_base_model_counts_with_its_terms(tmp_path: Path) -> None:
    report = gate(tmp_path, "toy/a", LOCAL, base="cyberagent/calm3-22b-chat")

    assert "Apache-2.0" in str(report["expression"])


def test_what_an_earlier_model_was_made_of_reaches_the_next(tmp_path: Path) -> None:
    made = gate(tmp_path, "toy/a", LOCAL)
    earlier = tmp_path / "earlier"
    earlier.mkdir()
    for part in made["combinations"]:  # type: ignore[attr-defined]
        part["layers"] = [[role, "someone/data", ""] for role, *_ in part["layers"]]
    (earlier / licenses.FILE).write_text(json.dumps(made))

    with pytest.raises(LicenseReview, match="someone/data"):
        licenses.gate(release(tmp_path), None, LOCAL, context(tmp_path), [earlier])


@pytest.mark.parametrize(("target", "code"), [("train_local", 4), ("publish_model", 3)])
def test_a_refusal_comes_before_torch(tmp_path: Path, target: str, code: int) -> None:
    folder, registry = release(tmp_path, "someone/data"), toy.registry(tmp_path)
    script = f"""
import sys
from pathlib import Path
from prefdata.core.stage import Context
from prefdata.core.errors import PrefdataError
from prefdata.training.reward_model import TrainRewardModel as Stage
tree = {{"release": {str(folder)!r}, "licensing": {{"target": "{target}"}}}}
config = Stage.Config.from_tree(tree)
try:
    context = Context(licenses=Path({str(registry)!r}), as_of="{toy.AS_OF}")
    Stage(config, context).run({{}}, Path("x"))
except PrefdataError as error:
    sys.exit(error.exit_code + 10 * ("torch" in sys.modules))
"""
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == code


def test_plan_and_settings_import_nothing_heavy() -> None:
    code = (
        "import sys, prefdata.training.reward_model, prefdata.training.ppo, "
        "prefdata.training.tiny_model\n"
        "sys.exit(bool({'torch', 'transformers', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False)

    assert done.returncode == 0


def test_planning_decides_a_finished_release(tmp_path: Path) -> None:
    folder = release(tmp_path, "someone/data")

    told = licenses.foresee(LOCAL, context(tmp_path), {}, release=folder)

    assert told["verdict"] == "review"
    assert "6 rows" in told["reasons"][0]
    assert "someone/data" in told["reasons"][0]


@pytest.mark.train
def test_planning_foresees_that_a_model_may_not_be_published(root: Path, tmp_path: Path) -> None:
    """The sample's texts came from a model whose terms forbid competing models."""
    tiny = root / "pipelines" / "rlhf_tiny.yaml"
    target = "stages.rm.licensing={policy: quickstart, target: publish_model}"

    def plan(*overrides: str) -> int:
        planned = plan_pipeline(tiny, out=tmp_path / "out", overrides=overrides)
        code: int = forecast(planned)["exit_code"]
        return code

    assert plan() == 0
    assert plan(target) == 3
    with pytest.raises(LicenseDenied, match="OUTPUT_TERMS"):
        build_pipeline(tiny, out=tmp_path / "out", overrides=[target])
    assert not list((tmp_path / "out").glob("*/part-*"))  # before any work
