"""The account for people: the same sections as Markdown and as one page of HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, select_autoescape


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, a few sentences, and a table that may be empty."""

    title: str
    lines: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


def sections(audit: Mapping[str, Any]) -> list[Section]:
    """Return what the report says, in order."""
    return [
        _summary(audit),
        Section(
            "Assumptions", tuple(f"{key}: {text}" for key, text in audit["assumptions"].items())
        ),
        _duties(audit),
        _texts(audit),
        _sources(audit),
        _counts(audit),
        _combinations(audit),
        _targets(audit),
        _generators(audit),
        _unlock(audit),
        _decisions(audit),
        _evidence(audit),
    ]


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(str(item) for item in value)
    return f"{value:,}" if isinstance(value, int) else str(value)


def _table(
    title: str, headers: Sequence[str], rows: Sequence[Sequence[Any]], *lines: str
) -> Section:
    cells = tuple(tuple(_cell(value) for value in row) for row in rows)
    return Section(title, lines if rows else (*lines, "None."), tuple(headers), cells)


def _summary(audit: Mapping[str, Any]) -> Section:
    stated, policy = audit["license"], audit["policy"]
    lines = (
        audit["disclaimer"],
        f"Release of the pipeline {audit['pipeline']}, dated {audit['released'] or 'not stated'}; "
        f"ages of evidence count to {audit['as_of']}.",
        f"Policy: {policy['name']} for {_cell(policy['target'])}, outbound "
        f"{policy['outbound'] or 'per record'}, gate {policy['gate']}.",
        f"Registry used, as it travels with the release: SHA-256 {audit['registry']['sha256']}",
        f"License of the content: {stated['expression'] or 'none: nothing was published'}",
        f"Output terms beside it: {_cell(stated['downstream_terms']) or 'none'}",
        f"Merkle root of the records: {audit['merkle_root']}",
    )
    return Section("License audit", lines)


DUTIES = {
    "retain_copyright_notice": "keep the copyright notices (NOTICE, LICENSE.md)",
    "include_license_text": "pass the license text on (license-texts/)",
    "retain_notices": "keep the other notices that came along",
    "state_changes": "say what was changed (ATTRIBUTION.csv)",
    "attribute": "name the creators (ATTRIBUTION.csv)",
    "link_license": "link or name the license",
    "noncommercial_only": "use it for noncommercial purposes alone",
    "no_shared_adaptations": "pass on no adaptation",
    "no_endorsement": "do not suggest that the makers endorse the use",
    "computational_use_only": "use it for computation alone",
    "share_alike": "pass adaptations on under this license alone",
    "output_notice": "pass these terms on with the data: they bind whoever trains on it",
    "model_notice": "pass these terms on with the model, with the notice or name that they ask for",
}


def in_words(duty: str) -> str:
    """Return what an obligation asks for."""
    return DUTIES.get(duty.partition(":")[0], "see the license text")


def _duties(audit: Mapping[str, Any]) -> Section:
    rows = [(duty, in_words(duty)) for duty in audit["license"]["obligations"]]
    return _table("What whoever passes it on owes", ("obligation", "in words"), rows)


def _texts(audit: Mapping[str, Any]) -> Section:
    rows = [
        (t["id"], t["name"], t["file"], f"an extract of {t['extract_of']}" if t["extract_of"]
         else "whole", t["output_rule"] if t["kind"] == "terms" else "", t["sha256"])
        for t in audit["texts"]
    ]  # fmt: skip
    headers = ("id", "name", "text", "the text is", "rule on outputs", "sha256")
    return _table("Licenses and terms", headers, rows)


def _sources(audit: Mapping[str, Any]) -> Section:
    rows = [
        (s["id"], s["records"], s["license"], s["creator"], s["copyright"] or "not supplied",
         s["intended_use"], s["content_warning"], s["left_behind"])
        for s in audit["sources"]
    ]  # fmt: skip
    headers = ("source", "records", "license", "creator", "copyright", "intended use", "warning",
               "left behind")  # fmt: skip
    return _table("Sources", headers, rows)


def _counts(audit: Mapping[str, Any]) -> Section:
    rows = [
        (c["source"], c["license"], c["verdict"], c["reason"], c["published"], c["records"],
         c["bytes"])
        for c in audit["counts"]
    ]  # fmt: skip
    headers = ("source", "license", "verdict", "reason", "published", "records", "bytes")
    return _table(
        "Counts",
        headers,
        rows,
        "Each row of the views pairs and rankings counts; bytes are those of its canonical JSON.",
    )


def _layers(combination: Mapping[str, Any]) -> str:
    """Return who had a hand in the records: the roles of each artifact at each revision."""
    roles: dict[str, list[str]] = {}
    for role, artifact, revision in combination["layers"]:
        roles.setdefault(artifact + (f" @ {revision}" if revision else ""), []).append(role)
    return "; ".join(f"{', '.join(own)}: {artifact}" for artifact, own in roles.items())


def _combinations(audit: Mapping[str, Any]) -> Section:
    rows = [
        (c["number"], c["records"], c["verdict"], c["reasons"], c["expression"], _layers(c))
        for c in audit["combinations"]
    ]
    headers = ("no", "records", "verdict", "reasons", "license", "layers")
    return _table("Combinations of layers", headers, rows)


def _targets(audit: Mapping[str, Any]) -> Section:
    rows = [(c["number"], *c["targets"].values()) for c in audit["combinations"]]
    names = list(audit["combinations"][0]["targets"]) if rows else []
    return _table("By target, under the same policy", ("no", *names), rows)


def _generators(audit: Mapping[str, Any]) -> Section:
    rows = [(g["artifact"], g["roles"], g["terms"], g["output_rules"]) for g in audit["generators"]]
    headers = ("model or service", "roles", "terms", "rule on outputs")
    return _table("What wrote or chose text", headers, rows)


def _unlock(audit: Mapping[str, Any]) -> Section:
    rows = [
        (u["reason"], u["records"], u["alone"], u["artifacts"], u["needs"]) for u in audit["unlock"]
    ]
    headers = ("reason", "records", "blocked by it alone", "about", "what would free them")
    return _table("What would free the rows left out", headers, rows)


def _decisions(audit: Mapping[str, Any]) -> Section:
    conflicts = [(c["artifact"], c["component"], c["readings"]) for c in audit["conflicts"]]
    lines = tuple(f"Human decision applied: {name}" for name in audit["decisions"])
    headers = ("artifact", "part", "readings")
    return _table("Conflicts and human decisions", headers, conflicts, *lines)


def _evidence(audit: Mapping[str, Any]) -> Section:
    rows = [
        (e["artifact"], e["component"], e["status"], e["license"], e["grade"], e["kind"], e["by"],
         e["url"], e["revision"], e["captured"], e["quote"], e["note"], e["sha256"])
        for e in audit["evidence"]
    ]  # fmt: skip
    headers = ("artifact", "part", "status", "license", "grade", "kind", "by", "place", "revision",
               "captured", "quote", "note", "sha256")  # fmt: skip
    return _table("Evidence", headers, rows)


def markdown(audit: Mapping[str, Any]) -> str:
    """Return the report as Markdown."""
    parts = []
    for n, section in enumerate(sections(audit)):
        parts.append(f"{'#' if n == 0 else '##'} {section.title}\n")
        parts += [f"{line}\n" for line in section.lines]
        if section.rows:
            parts.append("| " + " | ".join(section.headers) + " |")
            parts.append("|" + " --- |" * len(section.headers))
            parts += [
                "| " + " | ".join(_escaped(cell) for cell in row) + " |" for row in section.rows
            ]
            parts.append("")
    return "\n".join(parts).rstrip() + "\n"


def _escaped(cell: str) -> str:
    return cell.replace("|", "\\|").replace("\n", " ")


def html(audit: Mapping[str, Any]) -> str:
    """Return the report as one page without anything to load."""
    environment = Environment(
        loader=PackageLoader("prefdata.licensing"),
        autoescape=select_autoescape(default=True),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template("audit.html")
    return page.render(sections=sections(audit), pipeline=audit["pipeline"])
