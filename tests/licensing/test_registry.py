"""The registry holds what it quotes; a user's folder may add or tighten, never loosen."""

from __future__ import annotations

import shutil
from datetime import date
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from prefdata.assets import asset
from prefdata.core.errors import ConfigError
from prefdata.core.origin import Layer
from prefdata.core.verdict import Verdict
from prefdata.licensing.decider import Decider
from prefdata.licensing.entry import read_entry
from prefdata.licensing.policies import preset, presets
from prefdata.licensing.registry import Registry, shipped
from prefdata.licensing.registry_check import check_registry, files_with_schema
from prefdata.licensing.registry_files import load_yaml
from tests.licensing.builds import CALM, HH, three

DAY = date(2026, 11, 21)
MINIMUM = [
    "MIT",
    "MIT-0",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "0BSD",
    "Unlicense",
    "CC0-1.0",
    "PDDL-1.0",
    "CC-BY-3.0",
    "CC-BY-4.0",
    "CC-BY-SA-3.0",
    "CC-BY-SA-4.0",
    "CC-BY-NC-4.0",
    "CC-BY-NC-SA-3.0",
    "CC-BY-NC-SA-4.0",
    "CC-BY-ND-3.0",
    "CC-BY-ND-4.0",
    "CC-BY-NC-ND-4.0",
    "ODC-By-1.0",
    "ODbL-1.0",
    "CDLA-Permissive-1.0",
    "CDLA-Permissive-2.0",
    "C-UDA-1.0",
    "GPL-3.0-only",
    "OpenMDW-1.0",
    "LicenseRef-prefdata-openai-modified-mit-2020",
]
TERMS = [
    "llama-2-license-2023",
    "llama-3.1-license-2024",
    "llama-3.2-license-2024",
    "llama-3.3-license-2024",
    "llama-4-cla-2025",
    "gemma-tou-2024-04-01",
    "gemma-tou-2025-03-24",
    "qwen-2024",
    "tongyi-qianwen-2023",
    "openai-tou-20230314",
    "openai-tou-20241211",
    "deepseek-la-1.0",
    "bigscience-open-rail-m",
    "nvidia-open-model-2025-04-28",
]


def decider(registry: Registry, policy: str = "permissive-only") -> Decider:
    return Decider(registry, preset(policy), DAY)


def verdict(registry: Registry, *layers: Layer, policy: str = "permissive-only") -> str:
    return str(decider(registry, policy).decide(layers).verdict)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped registry to break."""
    shutil.copytree(asset("licenses"), tmp_path / "licenses")
    return tmp_path / "licenses"


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A user's folder, empty."""
    (tmp_path / "own" / "registry" / "sources").mkdir(parents=True)
    return tmp_path / "own"


def test_the_shipped_registry_is_without_an_error_or_a_warning() -> None:
    assert check_registry(shipped(), DAY) == []


def test_terms_that_nobody_has_read_are_never_released() -> None:
    unread = load_yaml(asset("licenses") / "registry" / "licenses.yaml").tree["unread"]
    models = [
        entry.id
        for path in (asset("licenses") / "registry" / "sources").glob("*.yaml")
        for entry in [read_entry(load_yaml(path))]
        if {part.license for part in entry.components} & {item["id"] for item in unread}
    ]

    assert len(models) == len(unread)
    for name, preset_name in product(models, presets()):
        layers = three("Anthropic/hh-rlhf", HH, Layer("translator", name))
        assert verdict(shipped(), *layers, policy=preset_name) == "deny"


def test_every_kind_of_file_has_a_schema_and_every_file_of_the_registry_one() -> None:
    folder = asset("licenses")
    with_schema = {path for path, _ in files_with_schema(folder)}

    assert set(folder.rglob("*.yaml")) == with_schema


@pytest.mark.parametrize("name", [*MINIMUM, *(f"LicenseRef-scancode-{name}" for name in TERMS)])
def test_every_license_of_the_minimum_is_registered_with_its_text(name: str) -> None:
    entry = shipped().book.get(name)

    assert entry is not None
    assert (asset("licenses") / "texts" / entry.text_file).stat().st_size > 100


def test_the_hub_has_83_tags_and_six_of_them_name_a_family() -> None:
    tags = shipped().book.hub_tags

    assert len(tags) == 83
    families = {tag for tag, meaning in tags.items() if meaning == "family"}
    assert families == {"cc", "bsd", "gpl", "lgpl", "gfdl", "openrail"}


HUB = "09be8c5bbc57cb3887f3a9732ad6aa7ec602a1fa"
EXCERPT = "sha256:e75c9f214ec640064cd68cc9fde174063fb5fe1114e49815d9c9264902512f29"
WEBGPT = (
    Layer("source_text", "openai/webgpt_comparisons eli5", "f30e1bd"),
    Layer("response", "openai/webgpt_comparisons", "f30e1bd"),
    Layer("label", "openai/webgpt_comparisons", "f30e1bd"),
)
SUMMARIES = (
    Layer("source_text", "openai/summarize_from_feedback reddit_posts", "b8f7d16"),
    Layer("response", "openai/summarize_from_feedback labels_and_model_summaries", "b8f7d16"),
    Layer("label", "openai/summarize_from_feedback labels_and_model_summaries", "b8f7d16"),
)
QUICKSTART = three(
    "prefdata/quickstart", "sha256:ac021835ff5100ab4f81656a4e2107ac05844eb973bfb8b468b932825bf2b5e6"
)
FACTS = [
    (three("Anthropic/hh-rlhf", HH, CALM), "permissive-only", "allow"),
    (three("Anthropic/hh-rlhf", HUB, CALM), "permissive-only", "allow"),
    (three("Anthropic/hh-rlhf", EXCERPT, CALM), "permissive-only", "allow"),
    (three("Anthropic/hh-rlhf", "0" * 40, CALM), "permissive-only", "review"),
    (three("Anthropic/hh-rlhf", "", CALM), "permissive-only", "review"),
    ((*WEBGPT, CALM), "research", "deny"),
    (three("Dahoas/synthetic-instruct-gptj-pairwise", "cc92d8d", CALM), "research", "deny"),
    ((*SUMMARIES, CALM), "permissive-only", "review"),
    (QUICKSTART, "quickstart", "allow"),
    (QUICKSTART, "permissive-only", "deny"),
    (three("Anthropic/hh-rlhf", HH, Layer("translator", "meta-llama/Llama-3.3-70B-Instruct")),
     "commercial", "allow"),
    (three("Anthropic/hh-rlhf", HH, Layer("translator", "google/gemma-2-27b-it")),
     "permissive-only", "deny"),
    (three("Anthropic/hh-rlhf", HH, Layer("judge", "openai/gpt-4")), "commercial", "review"),
    (three("Anthropic/hh-rlhf", HH, Layer("translator", "deepl/free")), "commercial", "deny"),
    (three("Anthropic/hh-rlhf", HH, Layer("translator", "nobody/knows")), "commercial", "deny"),
    (three("nobody/knows", HH, CALM), "research", "deny"),
]  # fmt: skip


@pytest.mark.parametrize(("layers", "policy", "wanted"), FACTS)
def test_what_is_known_of_the_sources_decides_as_the_facts_say(
    layers: tuple[Layer, ...], policy: str, wanted: str
) -> None:
    assert verdict(shipped(), *layers, policy=policy) == wanted


def test_evidence_grows_old() -> None:
    layers = three("Anthropic/hh-rlhf", HH, CALM)
    later = Decider(shipped(), preset("permissive-only"), date(2028, 1, 1))

    decision = later.decide(layers)

    assert (str(decision.verdict), "EVIDENCE_STALE" in decision.reasons) == ("review", True)


def entry(**changes: Any) -> str:
    fields = {
        "id": "own/pairs", "type": "dataset", "title": "t", "creator": "c",
        "url": "https://example.com", "recheck_by": '"2027-11-21"', **changes,
    }  # fmt: skip
    part = """components:
- name: all
  roles: [source_text, response, label]
  status: declared
  license: MIT
  coverage: data
  evidence:
  - {kind: license_file, by: rights_holder, url: LICENSE, captured: "2026-11-21"}
"""
    return "".join(f"{k}: {v}\n" for k, v in fields.items()) + part


def test_a_users_folder_may_add_an_entry(own: Path) -> None:
    text = entry() + f'files: [{{name: f, sha256: "{"ab" * 32}"}}]\n'
    (own / "registry/sources/own--pairs.yaml").write_text(text)
    both = Registry((asset("licenses"), own))

    assert verdict(both, *three("own/pairs", "sha256:" + "ab" * 32, CALM)) == "allow"
    assert [f for f in check_registry(both, DAY) if f.level == "error"] == []


def test_a_users_folder_cannot_loosen_a_shipped_entry(own: Path) -> None:
    text = entry(
        id="Dahoas/synthetic-instruct-gptj-pairwise", revisions="[{id: cc92d8d, where: h}]"
    )
    path = own / "registry/sources/Dahoas--synthetic-instruct-gptj-pairwise.yaml"
    path.write_text(text)
    both = Registry((asset("licenses"), own))

    with pytest.raises(ConfigError, match="contradict"):
        verdict(both, *three("Dahoas/synthetic-instruct-gptj-pairwise", "cc92d8d", CALM))
    assert any("contradict" in f.what for f in check_registry(both, DAY) if f.level == "error")


def test_a_users_folder_may_tighten_a_shipped_entry(own: Path) -> None:
    text = (
        entry(id="Anthropic/hh-rlhf")
        .replace("declared", "undisclosed")
        .replace("license: MIT\n  ", "")
    )
    (own / "registry/sources/Anthropic--hh-rlhf.yaml").write_text(text)
    both = Registry((asset("licenses"), own))

    assert verdict(both, *three("Anthropic/hh-rlhf", HH, CALM)) == "deny"


def test_a_license_registered_twice_is_an_error(own: Path) -> None:
    source = asset("licenses") / "registry" / "licenses.yaml"
    shutil.copyfile(source, own / "registry" / "licenses.yaml")
    both = Registry((asset("licenses"), own))

    with pytest.raises(ConfigError, match="registered twice"):
        verdict(both, *three("Anthropic/hh-rlhf", HH, CALM))


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


HHF = "registry/sources/Anthropic--hh-rlhf.yaml"
DECISION = """id: d1
decision: allow
by: A. Person
scope: webis/tldr-17 posts
revision: abcdef1
covers: [THIRD_PARTY_CONTENT]
basis: read by counsel
decided: "2026-01-01"
expires: "2026-12-31"
"""
BROKEN = [
    ("an unknown id", lambda f: edit(f / "registry/sources/prefdata--quickstart.yaml",
                                     "- anthropic/claude", "- nobody/knows"), "nobody/knows"),
    ("a key given twice", lambda f: edit(f / HHF, "type: dataset", "type: dataset\ntype: model"),
     "twice"),
    ("an unknown status", lambda f: edit(f / HHF, "status: declared", "status: fine"), "fine"),
    ("an unknown key", lambda f: edit(f / HHF, "title:", "allowed: true\ntitle:"), "allowed"),
    ("a changed text", lambda f: edit(f / "texts/MIT.txt", "free of charge", "for a fee"),
     "not the registered text"),
    ("a lost text", lambda f: (f / "texts/MIT.txt").unlink(), "missing"),
    ("a clause that the text does not have",
     lambda f: edit(f / "registry/licenses.yaml", "A copy of this agreement", "x")
     if "A copy of this agreement" in (f / "registry/licenses.yaml").read_text("utf-8")
     else edit(f / "registry/licenses.yaml", "own the Output", "rent the Output"),
     "the clause is not in the text"),
    ("changed evidence", lambda f: next((f / "evidence").glob("*.txt")).write_text("x"),
     "not what its name says"),
    ("an expired decision", lambda f: (f / "decisions/d1.yaml").write_text(
        DECISION.replace("2026-12-31", "2026-06-30")), "expired"),
    ("a wildcard", lambda f: (f / "decisions/d1.yaml").write_text(
        DECISION.replace("webis/tldr-17 posts", '"*"')), "wildcard"),
    ("a decision without an end", lambda f: (f / "decisions/d1.yaml").write_text(
        DECISION.replace("2026-12-31", "2028-12-31")), "at most one year|runs from"),
    ("a policy that lets the unknown pass", lambda f: edit(
        f / "policies/research.yaml", "on_undisclosed: deny", "on_undisclosed: allow"),
     "on_undisclosed"),
    ("a policy that accepts unread terms", lambda f: edit(
        f / "policies/research.yaml", "publish_model: [none, notice]",
        "publish_model: [none, unknown]"), "unknown"),
]  # fmt: skip


@pytest.mark.parametrize(("fault", "told"), [row[1:] for row in BROKEN], ids=[r[0] for r in BROKEN])
def test_a_broken_registry_is_named_and_never_an_allow(folder: Path, fault: Any, told: str) -> None:
    import re

    fault(folder)

    errors = [f for f in check_registry(Registry((folder,)), DAY) if f.level == "error"]

    assert any(re.search(told, error.what) for error in errors), errors


def test_human_decisions_on_disk_resolve_a_review_until_they_end(folder: Path) -> None:
    (folder / "decisions" / "d1.yaml").write_text(
        DECISION.replace("webis/tldr-17 posts", "openai/summarize_from_feedback reddit_posts")
        .replace("abcdef1", "b8f7d16")
        .replace("[THIRD_PARTY_CONTENT]", "[THIRD_PARTY_CONTENT, CONDITIONAL]")
    )
    registry = Registry((folder,))
    layers = (*SUMMARIES, CALM)

    decision = decider(registry).decide(layers)
    after = Decider(registry, preset("permissive-only"), date(2027, 1, 1)).decide(layers)

    assert (decision.verdict, decision.decisions) == (Verdict.ALLOW, ("d1",))
    assert after.verdict == Verdict.REVIEW
