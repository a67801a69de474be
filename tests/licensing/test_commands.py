"""The commands, as a program or a person uses them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from prefdata.cli.main import run
from prefdata.licensing.sampling import bound, sample_size
from tests.licensing.builds import a_release
from tests.licensing.cases import policy, record


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return a_release(tmp_path_factory.mktemp("build"))[0]


def lines(capsys: Any) -> list[Any]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


FORMS = {
    "a list": lambda cases: json.dumps(cases),
    "lines": lambda cases: "\n".join(json.dumps(case) for case in cases),
}


@pytest.mark.parametrize("form", list(FORMS))
def test_decide_prints_one_object_a_case_in_order(form: str, tmp_path: Path, capsys: Any) -> None:
    cases = [
        {"id": "one", "inputs": record(), "policy": policy(), "note": "ignored"},
        {"id": "two", "inputs": record(None), "policy": policy()},
    ]
    path = tmp_path / "cases"
    path.write_text(FORMS[form](cases))

    code = run(["licenses", "decide", "--case", str(path), "--json"])

    found = lines(capsys)
    assert code == 0
    assert [(f["id"], f["verdict"], f["exit_code"]) for f in found] == [
        ("one", "allow", 0), ("two", "deny", 3),
    ]  # fmt: skip
    assert list(found[0]) == [
        "id", "verdict", "reasons", "obligations", "expression", "downstream_terms", "exit_code",
        "counts", "published",
    ]  # fmt: skip


def test_a_malformed_case_ends_with_2_and_the_others_are_decided(
    tmp_path: Path, capsys: Any
) -> None:
    path = tmp_path / "cases.jsonl"
    good = {"id": "good", "inputs": record(), "policy": policy()}
    path.write_text("{half\n" + json.dumps({"id": "bad"}) + "\n" + json.dumps(good) + "\n")

    code = run(["licenses", "decide", "--case", str(path), "--json"])

    captured = capsys.readouterr()
    assert code == 2
    assert [json.loads(line)["id"] for line in captured.out.splitlines()] == ["good"]
    assert f"{path}:1" in captured.err
    assert "'bad'" in captured.err


def test_one_object_is_a_case_too(tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / "case.json"
    path.write_text(json.dumps({"id": "x", "inputs": record(), "policy": policy()}, indent=2))

    assert run(["licenses", "decide", "--case", str(path), "--json"]) == 0
    assert lines(capsys)[0]["verdict"] == "allow"


def test_the_shipped_registry_checks(capsys: Any) -> None:
    assert run(["licenses", "check", "--as-of", "2026-11-21"]) == 0
    assert "0 errors" in capsys.readouterr().err


def test_explain_says_in_sentences_why_a_record_may_travel(release: Path, capsys: Any) -> None:
    name = pq.read_table(release / "unpaired/train-00000-of-00001.parquet").column("id")[0].as_py()

    assert run(["licenses", "explain", str(release), name]) == 0

    text = capsys.readouterr().out
    assert "The prompt comes from Anthropic/hh-rlhf, declared as MIT" in text
    assert "It was translated by cyberagent/calm3-22b-chat" in text
    assert "its license is MIT" in text


def test_explain_of_an_unknown_record_is_a_usage_error(release: Path, capsys: Any) -> None:
    assert run(["licenses", "explain", str(release), "nothing"]) == 2


def test_whatif_decides_all_rows_under_another_policy(release: Path, capsys: Any) -> None:
    arguments = ["licenses", "whatif", str(release), "--policy", "research", "--json",
                 "--target", "train_local"]  # fmt: skip
    assert run(arguments) == 0

    told = lines(capsys)[0]
    assert told["counts"] == {"allow": 26, "review": 5, "deny": 0}
    assert (told["published"], told["exit_code"]) == (26, 0)


@pytest.mark.parametrize(
    ("card", "code"), [("license: mit", 0), ("license: cc-by-nc-4.0", 4), ("pretty_name: x", 4)]
)
def test_drift_compares_a_fresh_card_with_the_entry(
    card: str, code: int, tmp_path: Path, capsys: Any
) -> None:
    path = tmp_path / "README.md"
    path.write_text(f"---\n{card}\n---\n\n# card\n")

    arguments = ["licenses", "drift", "--card", str(path), "--artifact", "Anthropic/hh-rlhf"]
    assert run([*arguments, "--json"]) == code
    assert lines(capsys)[0]["drifted"] == (code == 4)


def test_verify_ends_with_5_and_names_the_file(tmp_path: Path, capsys: Any) -> None:
    broken, _ = a_release(tmp_path)
    (broken / "NOTICE").write_text("nothing")

    assert run(["audit", "verify", str(broken)]) == 5
    assert "NOTICE: changed" in capsys.readouterr().err
    assert run(["audit", "verify", str(tmp_path)]) == 5


def test_verify_of_a_whole_release(release: Path, capsys: Any) -> None:
    assert run(["audit", "verify", str(release), "--json"]) == 0
    assert lines(capsys) == [{"records": 26, "problems": [], "changes": [], "exit_code": 0}]


def test_a_sample_is_stratified_and_the_same_for_the_same_seed(
    release: Path, tmp_path: Path, capsys: Any
) -> None:
    sheets = []
    for n in range(2):
        path = tmp_path / f"{n}.csv"
        arguments = ["audit", "sample", str(release), "--n", "4", "--stratify", "source,view"]
        assert run([*arguments, "--output", str(path)]) == 0
        sheets.append(path.read_text("utf-8"))

    assert sheets[0] == sheets[1]
    rows = sheets[0].splitlines()[1:]
    assert sum('"Anthropic/hh-rlhf, pairs"' in row for row in rows) == 4
    assert sum('"Anthropic/hh-rlhf, rankings"' in row for row in rows) == 1


def test_a_filled_sheet_is_scored_and_an_empty_one_refused(
    release: Path, tmp_path: Path, capsys: Any
) -> None:
    path = tmp_path / "sheet.csv"
    run(["audit", "sample", str(release), "--n", "20", "--output", str(path)])
    assert run(["audit", "score", str(path)]) == 2
    path.write_text(path.read_text("utf-8").replace(",,\n", ",ok,\n"), "utf-8")
    capsys.readouterr()

    assert run(["audit", "score", str(path), "--json"]) == 0

    found = lines(capsys)[0]["all"]
    assert (found["n"], found["wrong"]) == (20, 0)
    assert found["upper"] == pytest.approx(1 - 0.05 ** (1 / 20))


# Reference values: the beta quantiles that define the Clopper-Pearson interval.
@pytest.mark.parametrize(
    ("n", "wrong", "lower", "upper"),
    [
        (59, 0, 0.0, 0.0495), (299, 0, 0.0, 0.0100), (10, 1, 0.0051, 0.3942),
        (20, 20, 0.8609, 1.0), (100, 5, 0.0199, 0.1023), (2000, 1, 0.0000256, 0.00237),
    ],
)  # fmt: skip
def test_bounds_are_exact(n: int, wrong: int, lower: float, upper: float) -> None:
    found = bound(n, wrong)

    assert (found.lower, found.upper) == pytest.approx((lower, upper), abs=6e-5)


def test_the_usual_sample_sizes_follow() -> None:
    assert (sample_size(0.05), sample_size(0.01)) == (59, 299)
    assert bound(59, 0).upper < 0.05
    assert bound(58, 0).upper > 0.05
