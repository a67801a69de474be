"""What travels with the data for people and lawyers: notices, attribution, license texts."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from prefdata.core.errors import ConfigError
from prefdata.licensing.decider import Decider
from prefdata.store.files import sha256, write_text

CREDIT = (
    "License texts: license data of ScanCode Toolkit, Copyright (c) nexB Inc. and others, "
    "CC-BY-4.0, https://github.com/aboutcode-org/scancode-toolkit"
)
ATTRIBUTION = (
    "source", "title", "creator", "copyright", "license", "license_file", "url", "records",
    "changes",
)  # fmt: skip


def named_ids(audit: Mapping[str, Any], decider: Decider) -> list[str]:
    """Return every id that the license or the terms of a release name."""
    stated = audit["license"]
    return sorted(
        {
            *decider.registry.book.expressions.ids_in(stated["expression"]),
            *stated["downstream_terms"],
        }
    )


def write_notices(release: Path, audit: Mapping[str, Any], decider: Decider) -> None:
    """Write NOTICE, LICENSE.md, ATTRIBUTION.csv and license-texts/.

    Raises:
        ConfigError: the registry holds no text for an id, or another one than it says.
    """
    write_texts(release, audit, decider)
    write_text(release / "NOTICE", notice(audit))
    write_text(release / "LICENSE.md", license_file(audit, decider))
    write_text(release / "ATTRIBUTION.csv", attribution(audit, decider))


def notice(audit: Mapping[str, Any]) -> str:
    """Return NOTICE: who made what, under which license, what was changed."""
    return "\n".join(_notice(audit)) + "\n"


def license_file(audit: Mapping[str, Any], decider: Decider) -> str:
    """Return LICENSE.md: the expression, each id with its text and copyright lines, the terms."""
    return "\n".join(_license(audit, decider)) + "\n"


def text_of(decider: Decider, name: str) -> Path:
    """Return the registered text of an id, its hash checked.

    Raises:
        ConfigError: there is none, or it is not the one that was registered.
    """
    entry = decider.registry.book.get(name)
    for folder in decider.registry.folders:
        path = folder / "texts" / (entry.text_file if entry else "")
        if entry and path.is_file():
            if sha256(path) != entry.text_sha256:
                raise ConfigError(
                    "the license text is not the registered one", str(path),
                    "restore it; run: prefdata licenses check",
                )  # fmt: skip
            return path
    raise ConfigError(
        f"there is no text of the license {name!r}",
        "licenses/texts",
        "add the text and its hash to the registry",
    )


def write_texts(release: Path, audit: Mapping[str, Any], decider: Decider) -> None:
    """Copy every text that the release names, and upstream license files kept as evidence."""
    folder = release / "license-texts"
    folder.mkdir(exist_ok=True)
    for name in named_ids(audit, decider):
        path = text_of(decider, name)
        shutil.copyfile(path, folder / path.name)
    for name, own in _upstream_texts(audit, decider).items():
        (release / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(own, release / name)


def _upstream_texts(audit: Mapping[str, Any], decider: Decider) -> dict[str, Path]:
    """Return the license files of published sources themselves, by their place in the release."""
    published = {source["id"] for source in audit["sources"]}
    found = {}
    for item in audit["evidence"]:
        for folder in decider.registry.folders:
            path = folder / "evidence" / f"{item['sha256']}.txt"
            is_own = item["kind"] == "license_file" and item["artifact"] in published
            if is_own and path.is_file():
                slug = item["artifact"].replace("/", "--")
                found[f"license-texts/upstream/{slug}.txt"] = path
    return found


def copyright_of(source: Mapping[str, Any]) -> str:
    """Return a source's copyright line, or that upstream supplies none."""
    revision = ", ".join(filter(None, source["revisions"])) or "the one used"
    return source["copyright"] or f"no copyright line supplied by upstream at revision {revision}"


def change_of(source: Mapping[str, Any], released: str | None) -> str:
    """Return the statement of changes: what was done to the source, by what, when."""
    when = f" on {released}" if released else ""
    made = ", ".join(source["translators"])
    done = f"translated into Japanese by {made}{when}; " if made else ""
    return f"{done}filtered, split and labeled by prefdata{when}"


def _notice(audit: Mapping[str, Any]) -> Iterator[str]:
    yield f"This data set was made with prefdata from the sources below ({audit['pipeline']})."
    for source in audit["sources"]:
        yield ""
        yield f"{source['title']} ({source['id']})"
        yield f"  creator: {source['creator'] or 'not stated'}"
        yield f"  from: {source['url'] or 'not stated'}"
        yield f"  copyright: {copyright_of(source)}"
        yield f"  license: {source['license']}"
        yield f"  changes: {change_of(source, audit['released'])}"
        if source["intended_use"]:
            yield f"  intended use, stated by upstream: {source['intended_use']}"
        if source["content_warning"]:
            yield f"  content warning: {source['content_warning']}"
        if source["left_behind"]:
            yield f"  left behind for the sake of people: {', '.join(source['left_behind'])}"
    yield ""
    yield CREDIT


def _license(audit: Mapping[str, Any], decider: Decider) -> Iterator[str]:
    stated, book = audit["license"], decider.registry.book
    ids_in = book.expressions.ids_in
    yield "# License"
    yield ""
    yield f"SPDX expression of the content: `{stated['expression']}`"
    yield ""
    yield "Each row carries its own license in the column `license`; the expression holds for all."
    yield ""
    yield "| license | text | sources |"
    yield "| --- | --- | --- |"
    for name in ids_in(stated["expression"]):
        entry = book.get(name)
        own = [s for s in audit["sources"] if name in ids_in(s["license"])]
        lines = "; ".join(f"{s['id']}: {copyright_of(s)}" for s in own) or "this release as a whole"
        yield f"| {name} | [text](license-texts/{entry.text_file if entry else ''}) | {lines} |"
    yield ""
    for name in _upstream_texts(audit, decider):
        yield f"As upstream has it, with its notices: [{name}]({name})"
        yield ""
    if stated["downstream_terms"]:
        yield "## Terms of models that wrote or chose text"
        yield ""
        yield "They are no license of the text. They bind whoever trains a model on it."
        yield ""
        for name in stated["downstream_terms"]:
            entry = book.get(name)
            title, file = (entry.name, entry.text_file) if entry else (name, "")
            yield f"- {title} (`{name}`, output rule `{book.output_rule(name)}`): "
            if entry and entry.extract_of:
                yield f"  [extract](license-texts/{file}) of the [text]({entry.extract_of})"
            else:
                yield f"  [text](license-texts/{file})"
        yield ""
    yield audit["disclaimer"]
    yield ""
    for key, text in audit["assumptions"].items():
        yield f"- {key}: {text}"


def attribution(audit: Mapping[str, Any], decider: Decider) -> str:
    """Return ATTRIBUTION.csv: one row a source, with the statement of changes."""
    buffer, ids_in = io.StringIO(), decider.registry.book.expressions.ids_in
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(ATTRIBUTION)
    for source in audit["sources"]:
        texts = " ".join(f"license-texts/{name}.txt" for name in ids_in(source["license"]))
        writer.writerow(
            [
                source["id"], source["title"], source["creator"], copyright_of(source),
                source["license"], texts, source["url"], source["records"],
                change_of(source, audit["released"]),
            ]
        )  # fmt: skip
    return buffer.getvalue()
