"""Pipeline files: strict, every mistake at once, each with its line."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefdata.config.load import load_pipeline
from prefdata.config.strict_yaml import parse, scalar
from prefdata.core.errors import ConfigError, ConfigErrors, InputError

GOOD = """\
name: demo
sources:
  - use: hh_rlhf
    path: pairs.jsonl
stages:
  - use: translate
    translator: {use: fake}
  - relabel
  - use: publish
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "demo.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def mistakes(folder: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_pipeline(write(folder, text))
    error = caught.value
    return [str(m) for m in (error.mistakes if isinstance(error, ConfigErrors) else [error])]


def test_a_good_file_is_read_in_the_order_of_work(tmp_path: Path) -> None:
    config = load_pipeline(write(tmp_path, GOOD))

    assert [step.id for step in config.stages] == ["translate", "relabel", "publish"]
    assert config.base == tmp_path


def test_five_mistakes_take_one_run(tmp_path: Path) -> None:
    text = """\
name: demo
sead: 3
sources:
  - use: hh_rhlf
  - use: jsonl
    path: 7
stages:
  - use: translate
    translator: {use: fkae}
  - use: fliter
"""
    found = mistakes(tmp_path, text)

    assert len(found) == 5
    for what, line, fix in [
        ("unknown key 'sead'", ":2", "did you mean 'seed'?"),
        ("unknown source 'hh_rhlf'", ":4", "did you mean 'hh_rlhf'?"),
        ("path is 7", ":6", ""),
        ("unknown translator 'fkae'", ":9", "did you mean 'fake'?"),
        ("unknown stage 'fliter'", ":10", "did you mean 'filter'?"),
    ]:
        assert any(what in m and line in m and fix in m for m in found), (what, found)


def test_mistakes_come_in_the_order_of_the_file_and_each_says_how_to_mend_it(
    tmp_path: Path,
) -> None:
    found = mistakes(
        tmp_path,
        GOOD + "    shard_size: many\n  - use: filter\n    profile: strct\n"
        "released: 21 Nov\nmax_bad_rows: 3\n",
    )

    assert [mistake.splitlines()[0] for mistake in found] == [
        "not a size: 'many': write it like 256MB",
        "profile is 'strct'",
        "released is '21 Nov'",
        "max_bad_rows is 3",
    ]
    for mistake, advice in zip(
        found[1:],
        ("did you mean 'strict'? known: default", "YYYY-MM-DD", "it should be less than or equal"),
        strict=True,
    ):
        assert f"fix:   {advice}" in mistake or advice in mistake


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("name: a\nname: b\n", "given twice"),
        ("name: [a\n", "not YAML"),
        ("just words", "a pipeline is a mapping"),
        ("name: a\nsources: []\nstages: []\n", "'sources' must be a list"),
        (GOOD + "    inputs: {pairs: nowhere}\n", "no earlier step"),
        (GOOD + "  - use: relabel\n", "two steps have the id 'relabel'"),
        (GOOD + "    max_dropped: 2\n", "max_dropped is 2"),
        (GOOD.replace("name: demo", "name: ../up"), "name is '../up'"),
        (GOOD.replace("{use: fake}", "{user: fake}"), "use"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, text: str, what: str) -> None:
    found = mistakes(tmp_path, text)

    assert any(what in mistake for mistake in found), found
    assert all("demo.yaml:" in mistake for mistake in found)


def test_a_pipeline_that_does_not_exist_names_the_shipped_ones() -> None:
    with pytest.raises(InputError, match=r"did you mean 'quickstart'.*hh_rlhf"):
        load_pipeline("quikstart")


@pytest.mark.parametrize(
    ("setting", "read"),
    [
        ("stages.translate.translator.use=memory", lambda c: c.stages[0].config),
        ("sources.0.path=other.jsonl", lambda c: c.sources[0].config.path),
    ],
)
def test_a_setting_is_replaced_before_validation(tmp_path: Path, setting: str, read) -> None:  # type: ignore[no-untyped-def]
    text = GOOD.replace("{use: fake}", "{use: fake, path: m.jsonl}")
    if "translator" in setting:
        text = GOOD
        with pytest.raises(ConfigError, match="path"):  # the memory translator needs one
            load_pipeline(write(tmp_path, text), [setting])
        return
    assert str(read(load_pipeline(write(tmp_path, GOOD), [setting]))).endswith("other.jsonl")


@pytest.mark.parametrize(
    ("setting", "what"),
    [
        ("stages.fliter.profile=strict", "did you mean|known: "),
        ("stages", "there is no '='"),
        ("name.deep=1", "inside a plain value"),
    ],
)
def test_a_setting_that_names_nothing_is_refused(tmp_path: Path, setting: str, what: str) -> None:
    with pytest.raises(ConfigError, match=what):
        load_pipeline(write(tmp_path, GOOD), [setting])


@pytest.mark.parametrize(
    ("text", "value"),
    [("no", "no"), ("on", "on"), ("010", 10), ("1e-5", 1e-5), ("2024-11-10", "2024-11-10"),
     ("0x1F", 31), ("1_000", "1_000"), ("~", None), ("", None), (".5", 0.5), ("12:30", "12:30")],
)  # fmt: skip
def test_scalars_are_those_of_yaml_1_2(text: str, value: object) -> None:
    assert scalar(text) == value
    assert type(scalar(text)) is type(value)


@given(st.text(st.characters(codec="utf-8"), max_size=60))
def test_any_text_parses_or_is_refused(text: str) -> None:
    with contextlib.suppress(ConfigError):
        assert parse(text, "x.yaml").name == "x.yaml"


@pytest.mark.parametrize(
    ("setting", "name", "value"),
    [
        ('stages."first.v1".profile=strict', "profile", "strict"),
        (
            'stages.second.thresholds."length_ratio_high.81+"=1.2',
            "thresholds",
            {"length_ratio_high.81+": 1.2},
        ),
    ],
)
def test_a_name_with_a_dot_stands_in_double_quotes(
    setting: str, name: str, value: object, tmp_path: Path
) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(
        "name: p\nsources: [{use: jsonl, path: a.jsonl}]\n"
        "stages: [{use: filter, id: first.v1}, {use: filter, id: second}]\n",
        encoding="utf-8",
    )
    first, second = load_pipeline(path, [setting]).stages
    assert getattr((first if "first" in setting else second).config, name) == value


@pytest.mark.parametrize("setting", ["profile", "=1", 'stages."first.profile=1', "stages..x=1"])
def test_a_setting_without_a_path_is_refused(setting: str, tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text("name: p\nsources: [{use: jsonl, path: a.jsonl}]\nstages: []\n")
    with pytest.raises(ConfigError, match="after a path"):
        load_pipeline(path, [setting])
