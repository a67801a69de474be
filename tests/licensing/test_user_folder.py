"""A user's own folder of licenses adds and tightens; it never loosens what ships."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from prefdata.assets import asset
from prefdata.core.errors import ConfigError
from prefdata.core.origin import Layer
from prefdata.licensing.audit_content import Facts, account
from prefdata.licensing.audit_sources import Tally, generators_of
from prefdata.licensing.decider import Decider
from prefdata.licensing.decision_files import read_decision
from prefdata.licensing.policies import find_policy, preset
from prefdata.licensing.policy import Policy
from prefdata.licensing.registry import Registry
from prefdata.licensing.registry_check import check_registry
from prefdata.licensing.registry_copy import artifacts_of
from prefdata.store.arrow import layers_to_text

DAY = date(2026, 11, 21)
SHIPPED = asset("licenses")
CALM = Layer("translator", "cyberagent/calm3-22b-chat")
REVISION = "1234567"
LABEL = Layer("label", "me/data", REVISION)


def write(path: Path, tree: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(tree), encoding="utf-8")


def entry(name: str, **rest: Any) -> dict[str, Any]:
    piece = {
        "kind": "license_file", "by": "rights_holder", "url": "LICENSE",
        "revision": REVISION, "captured": "2026-11-20",
    }  # fmt: skip
    part = {
        "name": "all", "roles": ["source_text", "response", "label"], "status": "declared",
        "license": "MIT", "coverage": "data", "evidence": [piece],
    }  # fmt: skip
    return {
        "id": name, "type": "dataset", "title": "t", "creator": "c", "url": "u",
        "revisions": [{"id": REVISION, "where": "hub"}], "components": [part],
        "recheck_by": "2027-11-20", **rest,
    }  # fmt: skip


def add_entry(folder: Path, tree: dict[str, Any]) -> Registry:
    name = tree["id"].replace("/", "--").replace(" ", "_")
    write(folder / "registry" / "sources" / f"{name}.yaml", tree)
    return Registry((SHIPPED, folder))


def verdict(registry: Registry, artifact: str, policy: Policy | None = None) -> str:
    roles: tuple[Any, ...] = ("source_text", "response", "label")
    layers = (*(Layer(role, artifact, REVISION) for role in roles), CALM)
    return str(Decider(registry, policy or preset("permissive-only"), DAY).decide(layers).verdict)


def test_an_entry_of_ones_own_is_decided_like_any_other(tmp_path: Path) -> None:
    assert verdict(add_entry(tmp_path, entry("me/data")), "me/data") == "allow"


def test_evidence_without_a_revision_is_of_none_in_particular(tmp_path: Path) -> None:
    tree = entry("me/data")
    del tree["components"][0]["evidence"][0]["revision"]

    assert verdict(add_entry(tmp_path, tree), "me/data") == "review"


def test_evidence_of_what_has_no_revisions_needs_none(tmp_path: Path) -> None:
    tree = entry("me/service", type="service", revisions=[])
    del tree["components"][0]["evidence"][0]["revision"]

    (case,) = add_entry(tmp_path, tree).resolve(Layer("response", "me/service"), DAY)

    assert [piece["at_revision"] for piece in case["evidence"]] == ["same"]


def test_an_id_in_other_case_is_the_shipped_id_registered_twice(tmp_path: Path) -> None:
    items = yaml.safe_load((SHIPPED / "registry" / "licenses.yaml").read_text(encoding="utf-8"))
    mit = next(item for item in items["licenses"] if item["id"] == "MIT")
    tree = {"licenses": [{**mit, "id": "cc-by-nc-4.0"}]}
    write(tmp_path / "registry" / "licenses.yaml", tree)

    with pytest.raises(ConfigError, match="twice"):
        _ = Registry((SHIPPED, tmp_path)).book


def test_an_entry_named_like_a_shipped_component_does_not_replace_it(tmp_path: Path) -> None:
    name = "openai/summarize_from_feedback reddit_posts"

    assert verdict(add_entry(tmp_path, entry(name)), name) != "allow"


def test_an_entry_named_like_a_shipped_one_does_not_replace_it(tmp_path: Path) -> None:
    name = "openai/webgpt_comparisons"
    registry = add_entry(tmp_path, entry(name))

    assert verdict(registry, name) == "deny"
    assert verdict(registry, f"{name} all") == "deny"


@pytest.mark.parametrize("where", ["entry", "component"])
def test_who_wrote_the_content_counts_wherever_an_entry_names_them(
    tmp_path: Path, where: str
) -> None:
    tree = entry("me/data")
    (tree if where == "entry" else tree["components"][0])["generators"] = ["openai/gpt-4"]
    registry = add_entry(tmp_path, tree)

    layers = registry.resolve(Layer("response", "me/data", REVISION), DAY)

    assert ("response_model", "openai/gpt-4") in [(x["role"], x["artifact"]) for x in layers]
    assert verdict(registry, "me/data") == "deny"
    told = generators_of(Decider(registry, preset("research"), DAY), [LABEL])
    assert [row["artifact"] for row in told] == ["openai/gpt-4"]


@pytest.mark.parametrize("where", ["entry", "component"])
def test_the_entry_of_whoever_wrote_the_content_travels_with_it(tmp_path: Path, where: str) -> None:
    tree = entry("me/data")
    (tree if where == "entry" else tree["components"][0])["generators"] = ["google/gemma-2-9b-it"]
    decider = Decider(add_entry(tmp_path, tree), preset("research"), DAY)
    tally = Tally("me/data", layers_to_text((LABEL,)), 1)

    audit = account(decider, Facts("p", None, (tally,), (), ""))

    assert {"me/data", "google/gemma-2-9b-it"} <= artifacts_of(audit)


@pytest.mark.parametrize("key", ["generator", "component", "upstream"])
def test_an_unknown_key_of_an_entry_is_refused(tmp_path: Path, key: str) -> None:
    registry = add_entry(tmp_path, entry("me/data", **{key: ["x"]}))

    with pytest.raises(ConfigError, match=key):
        registry.entries("me/data")


def test_an_unknown_key_of_a_component_is_refused(tmp_path: Path) -> None:
    tree = entry("me/data")
    tree["components"][0]["third_party"] = "news"

    with pytest.raises(ConfigError, match="third_party"):
        add_entry(tmp_path, tree).entries("me/data")


@pytest.mark.parametrize("name", ["permissive-only", "commercial", "research", "quickstart"])
def test_the_shipped_names_of_policies_are_reserved(tmp_path: Path, name: str) -> None:
    write(tmp_path / "policies" / f"{name}.yaml", {"name": name, "commercial": "optional"})

    with pytest.raises(ConfigError, match="reserved"):
        find_policy(name, tmp_path, tmp_path)


def test_no_file_calls_itself_by_a_shipped_name(tmp_path: Path) -> None:
    write(tmp_path / "policies" / "mine.yaml", {"name": "permissive-only", "outbound": "MIT"})

    with pytest.raises(ConfigError, match="reserved"):
        find_policy("mine", tmp_path, tmp_path)


def test_a_file_without_suffix_does_not_replace_a_shipped_policy(tmp_path: Path) -> None:
    write(tmp_path / "permissive-only", {"commercial": "optional"})

    assert find_policy("permissive-only", tmp_path) == preset("permissive-only")


def test_what_a_policy_file_leaves_out_is_as_in_permissive_only(tmp_path: Path) -> None:
    write(tmp_path / "policies" / "mine.yaml", {"min_evidence": "A"})

    mine = find_policy("mine", tmp_path, tmp_path)

    strict = preset("permissive-only").as_tree()
    assert mine.as_tree() == {**strict, "name": "mine", "min_evidence": "A"}


def test_the_check_of_a_registry_finds_a_reserved_name_and_unknown_authors(tmp_path: Path) -> None:
    write(tmp_path / "policies" / "research.yaml", {"name": "research"})
    registry = add_entry(tmp_path, entry("me/data", generators=["nobody/knows"]))

    told = [finding.what for finding in check_registry(registry, DAY) if finding.level == "error"]

    assert any("reserved" in what for what in told)
    assert any("nobody/knows" in what for what in told)
    assert not any("Additional properties" in what for what in told)


LAST_DAYS = [
    ("2026-11-21", "2027-11-21", True),
    ("2026-11-21", "2027-11-22", False),
    ("2027-12-01", "2028-12-01", True),
    ("2028-02-29", "2029-02-28", True),
    ("2028-02-29", "2029-03-01", False),
    ("2026-11-21", "2026-11-20", False),
]


@pytest.mark.parametrize(("decided", "expires", "is_fine"), LAST_DAYS)
def test_a_decision_holds_for_a_year_at_most(
    tmp_path: Path, decided: str, expires: str, is_fine: bool
) -> None:
    tree = {
        "id": "d1", "decision": "allow", "by": "Hanako Yamada", "scope": "me/data",
        "revision": REVISION, "covers": ["CONDITIONAL"], "basis": "read", "decided": decided,
        "expires": expires,
    }  # fmt: skip
    write(tmp_path / "d1.yaml", tree)

    if is_fine:
        assert read_decision(tmp_path / "d1.yaml")["id"] == "d1"
    else:
        with pytest.raises(ConfigError, match="runs from"):
            read_decision(tmp_path / "d1.yaml")


def test_a_policy_made_without_a_word_is_the_strict_one() -> None:
    assert Policy("permissive-only").as_tree() == preset("permissive-only").as_tree()


def errors(registry: Registry) -> list[str]:
    return [finding.what for finding in check_registry(registry, DAY) if finding.level == "error"]


def test_an_entry_under_a_license_that_nobody_lists_is_an_error(tmp_path: Path) -> None:
    tree = entry("me/data")
    tree["components"][0]["license"] = "MIT AND LicenseRef-mine"
    registry = add_entry(tmp_path, tree)

    assert errors(registry) == ["all: 'LicenseRef-mine' is not registered, nor listed as unread"]
    assert verdict(registry, "me/data") == "review"
    unread = {"id": "LicenseRef-mine", "name": "m", "url": "https://example.com", "note": "n"}
    write(tmp_path / "registry" / "licenses.yaml", {"licenses": [], "unread": [unread]})
    assert errors(registry) == []
    assert verdict(registry, "me/data") == "review"


@pytest.mark.parametrize("key", ["allow", "deny"])
def test_a_policy_that_lists_a_license_of_no_name_is_an_error(tmp_path: Path, key: str) -> None:
    write(tmp_path / "policies" / "mine.yaml", {"name": "mine", key: ["MIT", "Apache-2"]})

    found = errors(Registry((SHIPPED, tmp_path)))

    assert found == ["no license 'Apache-2' is registered, so it matches nothing"]


def test_a_key_given_twice_is_told_once_and_where(tmp_path: Path) -> None:
    registry = add_entry(tmp_path, entry("Anthropic/hh-rlhf"))
    path = tmp_path / "registry" / "sources" / "Anthropic--hh-rlhf.yaml"
    path.write_text(path.read_text() + "id: again\n")

    found = [finding for finding in check_registry(registry, DAY) if "twice" in finding.what]

    assert found
    assert all(str(path) in finding.where for finding in found)
