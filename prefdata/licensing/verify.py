"""Verify a finished release: hash everything again, and decide everything again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa

from prefdata import __version__
from prefdata.config.strict_yaml import parse
from prefdata.core.errors import IntegrityError, PrefdataError
from prefdata.core.origin import Layer
from prefdata.core.verdict import Verdict
from prefdata.licensing import standalone
from prefdata.licensing.audit import POLICY, read_audit
from prefdata.licensing.audit_content import Facts, account
from prefdata.licensing.audit_sources import Tally
from prefdata.licensing.counts import check_counts
from prefdata.licensing.decider import Decider
from prefdata.licensing.notices import attribution, license_file, named_ids, notice
from prefdata.licensing.policy import Policy, policy_of
from prefdata.licensing.registry import Registry, shipped
from prefdata.licensing.registry_copy import used_folders
from prefdata.licensing.registry_files import registry_files
from prefdata.licensing.report import html, markdown
from prefdata.store.arrow import layers_from_text, layers_to_text
from prefdata.store.files import read_json, sha256
from prefdata.store.shards import open_shard

MOST_NAMED = 20
# What reading somebody's edited files can raise; each is a defect of the release.
_GARBLED = (KeyError, TypeError, ValueError, AttributeError, OSError)


@dataclass
class Findings:
    """What a verification found: `problems` break the release, `changes` are news since."""

    problems: list[str] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)
    records: int = 0

    def refuse(self, release: Path) -> None:
        """Raise if anything is not as the release says.

        Raises:
            IntegrityError: the first of it, by name.
        """
        if self.problems:
            problems = list(dict.fromkeys(self.problems))
            named, n = "\n  ".join(problems[:MOST_NAMED]), len(problems)
            raise IntegrityError(
                f"{n} {'difference' if n == 1 else 'differences'}:\n  {named}",
                str(release),
                "get the release anew, or delete its folder and build again",
            )


def verify(release: Path) -> Findings:
    """Check hashes, Merkle root, licenses, counts, texts, evidence, reports and card of a release.

    Raises:
        IntegrityError: the audit cannot even be read.
    """
    if not (release / standalone.AUDIT).is_file():
        raise IntegrityError("there is no audit", str(release), "give the folder of a release")
    found = Findings(standalone.check(release))
    try:
        audit = read_audit(release)
        decider = decider_within(release, audit)
        found.problems += _decide_again(release, audit, decider, found)
        found.problems += check_counts(release)
        found.problems += _check_texts(release, audit, decider)
        found.problems += _check_card(release, audit)
        found.problems += _check_reports(release, audit, decider)
        found.changes += changes_since(decider, audit)
    except (PrefdataError, pa.ArrowException, *_GARBLED) as error:
        found.problems.append(f"audit: cannot be read: {error}")
    return found


def decider_within(release: Path, audit: Mapping[str, Any]) -> Decider:
    """Return what decided a release: its own registry copy, policy and day."""
    policy = policy_of(read_json(release / POLICY), Policy("", targets=("publish_dataset",)))
    return Decider(
        Registry(tuple(used_folders(release))), policy, date.fromisoformat(audit["as_of"])
    )


def _decide_again(
    release: Path, audit: Mapping[str, Any], decider: Decider, found: Findings
) -> list[str]:
    problems = []
    tallies: Counter[tuple[str, str]] = Counter()
    for (source, text, license_, verdict), n in sorted(_combinations(release).items()):
        decision = decider.decide(layers_from_text(text))
        tallies[source, text] += n
        found.records += n
        if decision.verdict != Verdict.ALLOW:
            said = decider.sentence(layers_from_text(text), decision)
            problems.append(f"{n} rows of {source} are not allowed: {said}")
        elif decision.expression != license_ or verdict != str(decision.verdict):
            problems.append(
                f"{n} rows of {source} carry {license_!r}; the rules say {decision.expression!r}"
            )
    facts = Facts(
        pipeline=audit["pipeline"],
        released=audit["released"],
        published=tuple(Tally(s, text, n) for (s, text), n in sorted(tallies.items())),
        excluded=_excluded(audit),
        merkle_root=audit["merkle_root"],
    )
    again = account(decider, facts)
    return problems + [
        f"{standalone.AUDIT}: {key} is not what the rules give"
        for key in again
        if key != "tool" and _without_bytes(again[key]) != _without_bytes(audit.get(key))
    ]


def _combinations(release: Path) -> Counter[tuple[str, str, str, str]]:
    """Count the lineage's rows by source, layers, license and verdict."""
    columns = ["source_id", "layers", "license_expression", "verdict"]
    found: Counter[tuple[str, str, str, str]] = Counter()
    with open_shard(release / standalone.LINEAGE) as file:
        for batch in file.iter_batches(columns=columns):
            table = pa.Table.from_batches([batch])
            for row in table.group_by(columns).aggregate([([], "count_all")]).to_pylist():
                source, text, license_, verdict = (str(row[name]) for name in columns)
                found[source, text, license_, verdict] += row["count_all"]
    return found


def _excluded(audit: Mapping[str, Any]) -> tuple[Tally, ...]:
    texts = {row["number"]: _text_of(row) for row in audit["combinations"]}
    return tuple(
        Tally(row["source"], texts[row["combination"]], row["records"])
        for row in audit["rows"]
        if not row["published"]
    )


def _without_bytes(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    return [
        {k: v for k, v in row.items() if k != "bytes"} if isinstance(row, dict) else row
        for row in value
    ]


def _check_texts(release: Path, audit: Mapping[str, Any], decider: Decider) -> list[str]:
    problems = []
    for name in named_ids(audit, decider):
        entry = decider.registry.book.get(name)
        path = release / "license-texts" / (entry.text_file if entry else f"{name}.txt")
        if entry is None:
            problems.append(f"{name}: the registry copy has no entry for it")
        elif not path.is_file():
            problems.append(f"license-texts/{entry.text_file}: missing")
        elif sha256(path) != entry.text_sha256:
            problems.append(f"license-texts/{entry.text_file}: not the registered text")
    for folder in decider.registry.folders:
        problems += [
            f"{path.relative_to(release).as_posix()}: the evidence has changed"
            for path in sorted((folder / "evidence").glob("*.txt"))
            if sha256(path) != path.stem
        ]
    return problems


def _check_card(release: Path, audit: Mapping[str, Any]) -> list[str]:
    """Compare the card's license fields with rule R16; weaker ones are named as such."""
    wanted = audit["license"]["card"]
    stated = card_head(release / "README.md")
    keys = ("license", "license_name", "license_link")
    if all(stated.get(key) == wanted.get(key) for key in keys):
        return []
    shown = str(stated.get("license"))
    meant = shipped().book.hub_tags.get(shown, shown)
    weaker = shipped().book.expressions.is_weaker(meant, audit["license"]["expression"])
    word = "weaker than" if weaker and shown != "other" else "not that of"
    return [f"README.md: the license field {shown!r} is {word} the expression: {wanted}"]


def card_head(card: Path) -> dict[str, Any]:
    """Return the YAML head of a card, empty if it has none.

    Raises:
        ConfigError: the head is not YAML.
    """
    if not card.is_file():
        return {}
    text = card.read_text(encoding="utf-8")
    if not text.startswith("---\n"):
        return {}
    tree = parse(text.split("\n---", 1)[0].removeprefix("---\n"), str(card)).tree
    return tree if isinstance(tree, dict) else {}


def _check_reports(release: Path, audit: Mapping[str, Any], decider: Decider) -> list[str]:
    """Render the reports again; another version of prefdata may render them differently."""
    if audit["tool"] != {"name": "prefdata", "version": __version__}:
        return []
    wanted = {
        "audit/audit.md": markdown(audit),
        "audit/audit.html": html(audit),
        "NOTICE": notice(audit),
        "LICENSE.md": license_file(audit, decider),
        "ATTRIBUTION.csv": attribution(audit, decider),
    }
    return [
        f"{name}: not the one that belongs to the audit"
        for name, text in wanted.items()
        if not (release / name).is_file() or (release / name).read_bytes() != text.encode()
    ]


def changes_since(decider: Decider, audit: Mapping[str, Any]) -> list[str]:
    """Return what the present registry says differently from the copy in the release."""
    now = shipped().folders[0]
    changes = []
    for path in registry_files(decider.registry.folders[0]):
        name = path.relative_to(decider.registry.folders[0])
        if not (now / name).is_file():
            changes.append(f"{name.as_posix()}: no longer in the registry")
        elif sha256(now / name) != sha256(path):
            changes.append(f"{name.as_posix()}: changed since the release")
    today = Decider(Registry((now, *decider.registry.folders[1:])), decider.policy, decider.as_of)
    for row in audit["combinations"]:
        layers = layers_from_text(_text_of(row))
        decision = today.decide(layers)
        if str(decision.verdict) != row["verdict"]:
            changes.append(
                f"combination {row['number']} was {row['verdict']}; the present registry says "
                + today.sentence(layers, decision)
            )
    return changes


def _text_of(row: Mapping[str, Any]) -> str:
    return layers_to_text(tuple(Layer(*layer) for layer in row["layers"]))
