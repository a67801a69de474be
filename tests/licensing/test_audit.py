"""The bundle says what was decided, and a release that was touched no longer verifies."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import jsonschema
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from prefdata.core.errors import IntegrityError, LicenseDenied
from prefdata.licensing.audit import rebuild_bundle, seal, write_bundle
from prefdata.licensing.registry import shipped
from prefdata.licensing.registry_check import schema_of
from prefdata.licensing.registry_copy import artifacts_of, registry_digest
from prefdata.licensing.report import html, markdown
from prefdata.licensing.verify import decider_within, verify
from prefdata.store.dataset import Dataset
from prefdata.store.files import write_json
from tests.licensing.builds import (
    CONTEXT,
    a_record,
    a_release,
    card_of,
    read_audit,
    rewrite,
    some_records,
    three,
)

PAIRS = "pairs/train-00000-of-00001.parquet"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    a_release(folder)
    return folder


@pytest.fixture
def release(made: Path, tmp_path: Path) -> Path:
    """A release of its own for a test to break, in its build folder."""
    shutil.copytree(made, tmp_path / "build")
    return tmp_path / "build" / "release"


def test_a_fresh_release_verifies_and_its_program_agrees(release: Path) -> None:
    found = verify(release)

    assert (found.problems, found.changes) == ([], [])
    # 20 pairs, 5 pairs of one ranking (a tie gives none), the ranking itself
    assert found.records == 26
    run = subprocess.run(
        [sys.executable, "-I", str(release / "audit" / "verify.py")], capture_output=True, text=True
    )
    assert (run.returncode, "whole" in run.stdout) == (0, True)


def test_the_audit_follows_its_schema_and_counts_every_record(release: Path) -> None:
    audit = read_audit(release)

    jsonschema.validate(audit, schema_of("audit"))
    published = [row for row in audit["counts"] if row["published"]]
    assert [(r["source"], r["records"], r["license"]) for r in published] == [
        ("Anthropic/hh-rlhf", 26, "MIT")
    ]
    left_out = [row for row in audit["counts"] if not row["published"]]
    assert [(r["source"], r["records"], r["verdict"], r["reason"]) for r in left_out] == [
        ("openai/webgpt_comparisons", 5, "deny", "UNDISCLOSED")
    ]


def test_the_unlock_table_says_what_would_free_the_rows_left_out(release: Path) -> None:
    unlock = {row["reason"]: row for row in read_audit(release)["unlock"]}

    assert unlock["UNDISCLOSED"]["records"] == 5
    assert "rights-holder" in unlock["UNDISCLOSED"]["needs"]
    alone = [row for row in unlock.values() if row["alone"]]
    assert sum(row["alone"] for row in alone) <= 5


def test_every_id_has_its_text_and_mit_its_copyright_line(release: Path) -> None:
    audit = read_audit(release)

    ids = shipped().book.expressions.ids_in(audit["license"]["expression"])
    for name in (*ids, *audit["license"]["downstream_terms"]):
        assert (release / "license-texts" / f"{name}.txt").is_file()
    assert "Copyright (c) 2022 Anthropic" in (release / "LICENSE.md").read_text("utf-8")
    rows = list(csv.DictReader((release / "ATTRIBUTION.csv").open(encoding="utf-8")))
    assert rows[0]["copyright"] == "Copyright (c) 2022 Anthropic"
    assert (
        "translated into Japanese by cyberagent/calm3-22b-chat on 2026-11-21" in rows[0]["changes"]
    )


def test_intended_use_and_content_warning_travel(release: Path) -> None:
    text = (release / "NOTICE").read_text("utf-8")

    assert "intended for research purposes" in text
    assert "content warning" in text


def test_reports_say_that_they_are_no_legal_advice_and_print_the_assumptions(release: Path) -> None:
    for name in ("audit/audit.md", "audit/audit.html"):
        text = (release / name).read_text("utf-8")
        assert "not legal advice" in text
        assert all(f"{a}:" in text for a in ("A1", "A2", "A3", "A4"))
    assert "<script" not in text
    assert "http" not in text.split("</style>")[0]


def test_the_spdx_document_is_read_by_its_own_model(release: Path) -> None:
    model = pytest.importorskip("spdx_python_model").v3_0_1
    found = model.SHACLObjectSet()
    with (release / "audit" / "audit.spdx3.json").open("rb") as file:
        model.JSONLDDeserializer().read(file, found)

    packages = list(found.foreach_type(model.dataset_DatasetPackage))
    relations = list(found.foreach_type(model.Relationship))
    assert {p.name for p in packages} >= {"pairs", "Anthropic/hh-rlhf"}
    for package in packages:
        kinds = [r.relationshipType.rsplit("/", 1)[-1] for r in relations if r.from_ is package]
        assert kinds.count("hasDeclaredLicense") == kinds.count("hasConcludedLicense") == 1


def test_the_lineage_leads_back_to_the_source_row(release: Path) -> None:
    row = pq.read_table(release / "audit" / "lineage.parquet").to_pylist()[3]

    assert (row["source_id"], row["source_row"]) == ("Anthropic/hh-rlhf", "3")
    assert row["source_row_sha256"] == f"{3:064d}"
    assert (row["license_expression"], row["verdict"]) == ("MIT", "allow")
    assert (row["translator"], row["translation"]) == ("cyberagent/calm3-22b-chat", "t")
    assert ["translator", "cyberagent/calm3-22b-chat", ""] in json.loads(row["layers"])


def test_the_same_build_gives_the_same_bundle_byte_for_byte(tmp_path: Path) -> None:
    one, two = (a_release(tmp_path / name)[0] for name in ("one", "two"))

    files = sorted(p.relative_to(one) for p in one.rglob("*") if p.is_file())
    assert files == sorted(p.relative_to(two) for p in two.rglob("*") if p.is_file())
    assert all((one / f).read_bytes() == (two / f).read_bytes() for f in files)


def names() -> list[str]:
    return [
        PAIRS, "unpaired/train-00000-of-00001.parquet", "rankings/train-00000-of-00001.parquet",
        "README.md", "NOTICE", "LICENSE.md", "ATTRIBUTION.csv", "manifest.json",
        "license-texts/MIT.txt", "audit/audit.json", "audit/audit.md", "audit/audit.html",
        "audit/audit.spdx3.json", "audit/lineage.parquet", "audit/policy.json", "audit/verify.py",
        "audit/registry/0/registry/licenses.yaml", "audit/SHA256SUMS",
    ]  # fmt: skip


PLACES = [(name, 0.5) for name in names()]
PLACES += [(name, place) for name in (PAIRS, "audit/lineage.parquet") for place in (0.0, 0.999)]
PLACES += [("audit/policy.json", 0.999), ("audit/audit.json", 0.0), ("audit/SHA256SUMS", 0.999)]


@pytest.mark.parametrize(("name", "place"), PLACES)
def test_one_flipped_byte_in_any_file_breaks_the_release(
    release: Path, name: str, place: float
) -> None:
    path = release / name
    data = bytearray(path.read_bytes())
    data[int(place * (len(data) - 1))] ^= 1
    path.write_bytes(data)

    found = verify(release)

    assert found.problems
    with pytest.raises(IntegrityError) as error:
        found.refuse(release)
    assert error.value.exit_code == 5
    if name != "audit/SHA256SUMS":
        assert any(name in problem for problem in found.problems)


def edit_license(release: Path) -> None:
    def change(rows: list[dict[str, Any]]) -> None:
        rows[0]["license"] = "CC0-1.0"

    rewrite(release / PAIRS, change)


def edit_license_and_lineage(release: Path) -> None:
    """Edit one record's license in every view and in the lineage, its hash too."""
    from prefdata.licensing.record_hashes import merkle_root, record_hashes

    edit_license(release)
    record = pq.read_table(release / PAIRS).column("id")[0].as_py()

    def unpaired(rows: list[dict[str, Any]]) -> None:
        for row in rows:
            if row["pair_id"] == record:
                row["license"] = "CC0-1.0"

    rewrite(release / "unpaired/train-00000-of-00001.parquet", unpaired)
    (_, digests, _, _), *_ = record_hashes(release / PAIRS)

    def lineage(rows: list[dict[str, Any]]) -> None:
        rows[0]["license_expression"] = "CC0-1.0"
        rows[0]["record_sha256"] = digests[0]

    path = release / "audit" / "lineage.parquet"
    old = [row["record_sha256"] for row in pq.read_table(path).to_pylist()]
    rewrite(path, lineage)
    new = merkle_root(b"".join([digests[0], *old[1:]]))
    for name in ("README.md", "audit/audit.json", "audit/audit.md", "audit/audit.html"):
        text = (release / name).read_text("utf-8")
        (release / name).write_text(text.replace(merkle_root(b"".join(old)), new), "utf-8")


def edit_revision(release: Path) -> None:
    def change(rows: list[dict[str, Any]]) -> None:
        for row in rows:
            row["layers"] = row["layers"].replace("354e5c3c", "00000000")

    rewrite(release / "audit" / "lineage.parquet", change)


def weaken_card(release: Path) -> None:
    path = release / "README.md"
    path.write_text(path.read_text("utf-8").replace("license: mit", "license: cc0-1.0"), "utf-8")


def drop_text(release: Path) -> None:
    (release / "license-texts" / "MIT.txt").unlink()


def add_row(release: Path) -> None:
    rewrite(release / PAIRS, lambda rows: rows.append({**rows[0], "id": "f" * 32}))


def lose_row(release: Path) -> None:
    rewrite(release / PAIRS, lambda rows: rows.pop())


def edit_text(release: Path) -> None:
    def change(rows: list[dict[str, Any]]) -> None:
        rows[2]["chosen"][0]["content"] += "。"

    rewrite(release / PAIRS, change)


def edit_view(view: str, change: Callable[[list[dict[str, Any]]], None]) -> Callable[[Path], None]:
    def fault(release: Path) -> None:
        rewrite(release / view / "train-00000-of-00001.parquet", change)

    return fault


def edit_last_turn(rows: list[dict[str, Any]]) -> None:
    turns = rows[3].get("completion") or rows[3]["messages"]
    turns[-1]["content"] += "。"


def swap_labels(rows: list[dict[str, Any]]) -> None:
    rows[0]["label"], rows[1]["label"] = rows[1]["label"], rows[0]["label"]


def move_text_between_turns(rows: list[dict[str, Any]]) -> None:
    prompt, answer = rows[0]["messages"]
    prompt["content"], answer["content"] = prompt["content"][:-1], prompt["content"][-1:]


def move_to_another_split(release: Path) -> None:
    path = release / "labels" / "train-00000-of-00001.parquet"
    path.rename(path.with_name("test-00000-of-00001.parquet"))


def hide_a_pair_behind_a_ranking(release: Path) -> None:
    """Say in the lineage that a pair is a ranking's, and leave it out of the other views."""
    lineage = release / "audit" / "lineage.parquet"
    rows = pq.read_table(lineage).to_pylist()
    pair = rows[0]["record_id"]
    ranking = next(row["of_record"] for row in rows if row["of_record"] != row["record_id"])
    rewrite(lineage, lambda rows: rows[0].update(of_record=ranking))
    for view in ("labels", "unpaired"):
        path = release / view / "train-00000-of-00001.parquet"
        table = pq.read_table(path)
        pq.write_table(table.filter(pc.not_equal(table.column("pair_id"), pair)), path)


def loosen_policy(release: Path) -> None:
    path = release / "audit" / "policy.json"
    tree = json.loads(path.read_bytes())
    path.write_text(json.dumps(tree | {"commercial": "optional"}), "utf-8")


def hide_what_was_left_out(release: Path) -> None:
    path = release / "audit" / "audit.json"
    tree = json.loads(path.read_bytes())
    tree["unlock"] = []
    path.write_text(json.dumps(tree), "utf-8")


FAULTS = [
    (edit_license, "license"),
    (edit_license_and_lineage, "the rules say 'MIT'"),
    (edit_revision, "EVIDENCE_REVISION_MISMATCH"),
    (weaken_card, "weaker"),
    (drop_text, "MIT.txt: missing"),
    (add_row, "ffff"),
    (lose_row, "one side ends"),
    (edit_text, "hash"),
    (edit_view("labels", lambda rows: rows[3].update(text=rows[3]["text"] + "。")), "labels/train"),
    (edit_view("labels", swap_labels), "labels/train"),
    (edit_view("labels", lambda rows: rows[0].update(license="CC0-1.0")), "labels/train"),
    (edit_view("unpaired", edit_last_turn), "unpaired/train"),
    (edit_view("unpaired", lambda rows: rows.pop()), "49 rows, not the 50"),
    (edit_view("unpaired", lambda rows: rows.append(rows[0])), "51 rows, not the 50"),
    (edit_view("sft", edit_last_turn), "sft/train"),
    (edit_view("sft", move_text_between_turns), "sft/train"),
    (move_to_another_split, "labels/test"),
    (hide_a_pair_behind_a_ranking, "unpaired/train"),
    (loosen_policy, "policy"),
    (hide_what_was_left_out, "unlock"),
]


@pytest.mark.parametrize(("fault", "told"), FAULTS)
def test_an_edit_is_found_even_if_every_checksum_was_made_anew(
    release: Path, fault: Callable[[Path], None], told: str
) -> None:
    fault(release)
    seal(release)

    problems = verify(release).problems

    assert any(told in problem for problem in problems), problems


def cut(release: Path, view: str, at: list[int]) -> None:
    """Cut the file of a view into shards."""
    path = release / view / "train-00000-of-00001.parquet"
    table = pq.read_table(path)
    path.unlink()
    edges = [0, *at, len(table)]
    for n, (start, end) in enumerate(pairwise(edges)):
        shard = path.with_name(f"train-{n:05d}-of-{len(at) + 1:05d}.parquet")
        pq.write_table(table.slice(start, end - start), shard, row_group_size=3)


def test_views_may_be_cut_into_shards_at_different_rows(release: Path) -> None:
    cut(release, "unpaired", [7, 8, 31])
    cut(release, "labels", [20])
    seal(release)
    problems = verify(release).problems
    assert [problem for problem in problems if "/train" in problem] == []

    second = release / "labels" / "train-00001-of-00002.parquet"
    rewrite(second, lambda rows: rows[4].update(text="別の文"))
    seal(release)
    row = pq.read_table(second).column("id")[4].as_py()
    assert f"labels/train row {row}: its text is not that of unpaired" in verify(release).problems


def test_the_program_of_the_release_finds_an_edited_label_by_itself(release: Path) -> None:
    edit_view("labels", swap_labels)(release)
    seal(release)

    command = [sys.executable, "-I", str(release / "audit" / "verify.py")]
    run = subprocess.run(command, capture_output=True, text=True)
    assert (run.returncode, "labels/train" in run.stdout) == (5, True)


def test_files_that_nobody_listed_are_found(release: Path) -> None:
    (release / "extra.txt").write_text("x")

    assert any("extra.txt: not listed" in problem for problem in verify(release).problems)


def test_a_release_under_an_old_registry_verifies_and_says_what_has_changed(release: Path) -> None:
    path = release / "audit/registry/0/registry/sources/cyberagent--calm3-22b-chat.yaml"
    path.write_text(path.read_text("utf-8") + "note: as it was then\n", "utf-8")
    seal(release)
    assert any("registry" in problem for problem in verify(release).problems)

    tree = read_audit(release)  # what a release made under that registry says
    decider = decider_within(release, tree)
    tree["registry"] = {"sha256": registry_digest(decider, artifacts_of(tree))}
    write_json(release / "audit" / "audit.json", tree)
    (release / "audit" / "audit.md").write_text(markdown(tree), "utf-8")
    (release / "audit" / "audit.html").write_text(html(tree), "utf-8")
    seal(release)
    found = verify(release)

    assert found.problems == []
    assert any("calm3-22b-chat.yaml: changed" in change for change in found.changes)


def test_records_that_are_not_allowed_never_get_a_bundle(tmp_path: Path) -> None:
    release, _ = a_release(tmp_path)
    step = Dataset(tmp_path / "01-license_gate-0")
    rewrite(
        step.shards()[0],
        lambda rows: rows[0].update(layers=rows[0]["layers"].replace("Anthropic/hh-rlhf", "x/y")),
    )

    with pytest.raises(LicenseDenied, match="UNDISCLOSED"):
        write_bundle(release, step, CONTEXT)


def test_a_published_row_without_a_record_is_an_error(tmp_path: Path) -> None:
    release, _ = a_release(tmp_path)
    add_row(release)

    with pytest.raises(IntegrityError, match="belong to no record"):
        write_bundle(release, Dataset(tmp_path / "01-license_gate-0"), CONTEXT)


def test_the_bundle_can_be_built_anew_from_the_build_folder(release: Path) -> None:
    before = read_audit(release)
    (release / "audit" / "audit.json").write_text("{}")

    rebuild_bundle(release)

    assert read_audit(release) == before
    assert verify(release).problems == []


def test_a_mixed_release_is_other_and_names_the_terms(tmp_path: Path) -> None:
    layers = three("Anthropic/hh-rlhf", some_records()[0].origin.layers[0].revision)
    gemma = (
        *layers,
        some_records()[0].origin.layers[0].__class__("translator", "google/gemma-2-27b-it"),
    )
    records = [a_record(row, gemma, "Anthropic/hh-rlhf") for row in range(3)]

    release, bundle = a_release(tmp_path, records, policy="commercial")

    assert (bundle.license, bundle.license_name, bundle.license_link) == (
        "other", "mixed", "LICENSE.md",
    )  # fmt: skip
    assert bundle.terms == ("LicenseRef-scancode-gemma-tou-2024-04-01",)
    assert verify(release).problems == []
    (release / "README.md").write_text(
        card_of(bundle, license="mit", license_name="", license_link=""), "utf-8"
    )
    seal(release)
    assert any("license field" in problem for problem in verify(release).problems)
