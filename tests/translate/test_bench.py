from __future__ import annotations

from pathlib import Path

import pytest

from prefdata.core.errors import UsageError
from prefdata.pipeline.bench import bench
from prefdata.pipeline.build import plan_pipeline
from prefdata.pipeline.forecast import forecast
from tests.translate.loopback import Loopback, Say
from tests.translate.test_server import PAIRS

PIPELINE = """\
name: mine
sources: [{{use: jsonl, path: pairs.jsonl}}]
stages:
  - use: translate
    translator: {{use: server, model: m, base_url: {url}, api_key_env: NONE}}
"""


def test_what_was_measured_gives_a_plan_its_hours(tmp_path: Path) -> None:
    (tmp_path / "pairs.jsonl").write_text(
        "".join(
            f'{{"prompt": "{p.prompt[0].content}", "chosen": "Yes {n}.", "rejected": "No {n}."}}\n'
            for n, p in enumerate(PAIRS)
        )
    )
    with Loopback(lambda n, source, body: Say("訳", wait=0.001)) as server:
        pipeline = tmp_path / "mine.yaml"
        pipeline.write_text(PIPELINE.format(url=server.url))
        speed = bench(str(pipeline), records=20, cache=tmp_path / "cache")

        found = forecast(plan_pipeline(pipeline, cache=tmp_path / "cache"))["translate"]

    assert speed.requests >= 40
    assert speed.tokens_per_second > 0
    assert found["to_send"] == 60
    hours = found["target_tokens"] / speed.tokens_per_second / 3600
    assert found["hours"] == pytest.approx(hours, abs=0.001)
    assert len(server.chats) == sum(server.sources.values())


def test_a_pipeline_without_a_model_cannot_be_measured(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="translates with no model"):
        bench("quickstart", cache=tmp_path)
