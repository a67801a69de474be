"""The report: one page that holds every figure, keeps its size, and runs nothing of the data."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from prefdata.cli.main import run
from prefdata.core.records import Completion
from prefdata.publish.package import AUDIT
from prefdata.publish.report import report
from tests.publish.browser import browsing
from tests.publish.conftest import a_record, answer

Run = Callable[..., Path]
ATTACK = (
    "</script><script>document.title='ran'</script><img src=x onerror=\"document.title='ran'\">"
    "<!-- <script> ]]> \u2028 {{ 7 * 7 }} `${document.title='ran'}`"
)


def samples(page: str) -> list[dict[str, object]]:
    (data,) = re.findall(r'<script type="application/json" id="samples">(.*?)</script>', page, re.S)
    found: list[dict[str, object]] = json.loads(data)
    return found


def attacked() -> list[object]:
    return [
        a_record(
            n,
            f"{n} {ATTACK}",
            answers=(ATTACK, f"{n}"),
            source=f"example/{ATTACK[:40]}",
            english=(ATTACK, ATTACK, "no"),
            flags=(f"code_{ATTACK[:30]}",),
        )
        for n in range(3)
    ]


def test_the_page_tells_of_every_step_reason_and_verdict(built: Path) -> None:
    page = report(built)

    for word in ("license_gate", "refusal", "UNDISCLOSED", "What would free the rest", "length"):
        assert word in page
    rows = samples(page)
    assert {row["state"] for row in rows} == {"kept", "dropped"}
    assert any(row["ja"] and row["en"] for row in rows)


def test_a_release_shows_no_text_that_its_license_does_not_let_out(built: Path) -> None:
    rows = samples((built / "release" / "report.html").read_text(encoding="utf-8"))

    denied = [row for row in rows if row["source"] == "undeclared:undisclosed.ja.jsonl"]
    assert denied
    assert all(row["hidden"] and not row["ja"] and not row["en"] for row in denied)
    assert any(row["state"] == "dropped" and row["ja"] for row in rows)
    own = [row for row in samples(report(built)) if row["source"] == denied[0]["source"]]
    assert all(row["ja"] for row in own)


def test_the_page_asks_the_network_for_nothing(built: Path) -> None:
    page = (built / "release" / "report.html").read_text(encoding="utf-8")

    shown = re.sub(r'<script type="application/json".*?</script>', "", page, flags=re.S)
    assert not re.findall(r"(?:src|href)\s*=|url\(|@import|https?://", shown)
    assert "default-src 'none'" in page


def test_a_release_that_lies_alone_has_a_report(built: Path, tmp_path: Path) -> None:
    alone = shutil.copytree(built / "release", tmp_path / "copy")

    assert samples(report(alone))


def test_the_command_writes_beside_the_release_and_names_the_file(
    built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    alone = shutil.copytree(built / "release", tmp_path / "release")

    assert run(["report", str(alone)]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "report.html")
    assert run(["audit", "verify", str(alone)]) == 0


def test_a_folder_that_is_no_run_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["report", str(tmp_path)]) == 2
    assert "no run to report on" in capsys.readouterr().err


def test_markup_in_the_data_is_text_on_the_page(publish: Run) -> None:
    page = (publish(attacked()) / "report.html").read_text(encoding="utf-8")

    assert page.count("<script") == 2
    assert "<img" not in page
    assert ATTACK in json.dumps(samples(page), ensure_ascii=False).replace('\\"', '"')


def test_long_texts_keep_the_page_below_three_megabytes(publish: Run) -> None:
    long = [
        a_record(n, "長い質問。" * 900, *["続き。" * 300] * 12, answers=("答え。" * 900, f"{n}"))
        for n in range(200)
    ]
    release = publish(long)

    assert (release / "report.html").stat().st_size < 3_000_000


def test_what_publishing_left_out_is_among_the_reasons(publish: Run) -> None:
    release = publish([a_record(1, "同じ？"), a_record(2, "同じ？")])

    page = (release / "report.html").read_text(encoding="utf-8")
    assert re.search(r"duplicate_exact</button></td><td[^>]*>1</td><td>publish</td>", page)


def test_rankings_show_every_completion(publish: Run) -> None:
    record = a_record("r", answers=("甲", "乙", "丙"))
    page = (publish([record]) / "report.html").read_text(encoding="utf-8")

    (row,) = samples(page)
    assert [turn[2] for turn in row["ja"]][1:] == ["甲", "乙", "丙"]  # type: ignore[attr-defined]
    assert Completion(answer("甲"), 1) == record.completions[0]


@pytest.mark.browser
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_loads_without_errors_and_fits_the_screen(
    built: Path, tmp_path: Path, width: int, dark: bool
) -> None:
    with browsing(width, 900, dark=dark) as browser:
        browser.open(built / "release" / "report.html")
        browser.picture(tmp_path / "page.png")

        assert browser.log() == []
        assert browser.run("return document.querySelectorAll('article').length") > 5
        assert browser.run("return document.documentElement.scrollWidth <= window.innerWidth")
        ink = browser.run("return getComputedStyle(document.body).backgroundColor")
        assert ink == ("rgb(20, 24, 28)" if dark else "rgb(255, 255, 255)")


@pytest.mark.browser
def test_search_and_filters_narrow_the_samples(built: Path) -> None:
    with browsing() as browser:
        browser.open(built / "release" / "report.html", "#reason=refusal")
        texts = "return [...document.querySelectorAll('article')].map((a) => a.textContent)"
        refused = browser.run(texts)
        assert refused
        assert all("refusal" in text for text in refused)

        browser.run(
            "const set = (id, v) => { const e = document.getElementById(id); e.value = v;"
            " e.dispatchEvent(new Event('input')); };"
            "set('reason', ''); set('state', 'kept'); set('q', 'PYTHON csv');"
        )
        found = browser.run(texts)
        assert found
        assert all("csv" in text.lower() for text in found)

        browser.run("document.querySelector('[data-reason=UNDISCLOSED]').click()")
        assert browser.run("return document.getElementById('reason').value") == "UNDISCLOSED"
        undisclosed = browser.run(texts)
        assert len(undisclosed) == 6
        assert all("UNDISCLOSED" in text for text in undisclosed)
        without_text = "return document.querySelector('[data-reason=source_empty_completion]')"
        assert browser.run(f"{without_text}.disabled")


@pytest.mark.browser
def test_nothing_of_the_data_is_run(publish: Run) -> None:
    release = publish(attacked())
    with browsing() as browser:
        browser.open(release / "report.html")

        assert browser.run("return document.title") == "example – prefdata"
        assert browser.run("return document.images.length") == 0
        assert browser.log() == []
        assert browser.run("return document.querySelectorAll('article').length") == 3


@pytest.mark.browser
def test_texts_under_a_content_warning_are_veiled_until_asked_for(
    built: Path, tmp_path: Path
) -> None:
    copy = shutil.copytree(built, tmp_path / "build")
    audit = json.loads((copy / "release" / AUDIT).read_bytes())
    audit["sources"][0]["content_warning"] = "offensive"
    (copy / "release" / AUDIT).write_text(json.dumps(audit), encoding="utf-8")
    page = tmp_path / "page.html"
    page.write_text(report(copy), encoding="utf-8")
    with browsing() as browser:
        browser.open(page, "#source=prefdata/quickstart")

        assert browser.run("return document.querySelectorAll('details').length") > 5
        seen = "return document.querySelector('article .columns').checkVisibility()"
        assert not browser.run(seen)
        browser.run("document.querySelector('article summary').click()")
        assert browser.run(seen)
