"""Records on a terminal: source and Japanese side by side, as wide as the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from prefdata.core.finding import Finding
from prefdata.core.records import Conversation, Preference

SHOWN = 600  # characters of a turn; the whole turn with RECORD_ID


def print_record(record: Preference, *, whole: bool = False, title: str = "") -> None:
    """Print one record: a row for each turn, English left, Japanese right, then its findings."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(show_header=True, header_style="bold", expand=True, show_lines=True)
    original = record.original
    table.add_column("", width=9, overflow="fold")
    if original:
        table.add_column(original.lang, ratio=1, overflow="fold")
    table.add_column(record.lang, ratio=1, overflow="fold")
    for label, source, text in turns(record):
        cells = [label, *([_cut(source, whole)] if original else []), _cut(text, whole)]
        table.add_row(*[escape(cell) for cell in cells])
    console = Console(highlight=False)
    origin = record.origin
    row = f" row {origin.row}" if len(origin.row) < 20 else ""
    heading = f"{record.id}  {origin.source}{row}"
    console.print(escape(" ".join(filter(None, [title, heading]))), style="bold")
    console.print(table)
    for line in findings_lines(record.findings):
        console.print(f"  {escape(line)}")


def turns(record: Preference) -> Iterator[tuple[str, str, str]]:
    """Yield (label, source text, text) of every turn, the prompt's first."""
    sides: list[tuple[str, Conversation, Conversation]] = []
    original = record.original
    sides.append(("", original.prompt if original else (), record.prompt))
    for n, completion in enumerate(record.completions):
        name = record.side(n) if record.kind == "pair" else f"rank {completion.rank}"
        sides.append((name, original.completions[n] if original else (), completion.messages))
    for name, source, target in sides:
        for n, message in enumerate(target):
            yield (
                name or message.role,
                source[n].content if n < len(source) else "",
                message.content,
            )


def findings_lines(findings: Sequence[Finding]) -> Iterator[str]:
    """Yield a line for each finding that did something."""
    for finding in findings:
        if finding.action != "none":
            yield f"{finding.action}: {finding_text(finding)}"


def finding_text(finding: Finding) -> str:
    """Return ``length_ratio_high in chosen: 1.31, limit 1.05 (31-80)``."""
    text = f"{finding.code} in {finding.side}"
    if finding.measured is not None:
        text += f": {finding.measured:.3g}"
    if finding.limit is not None:
        text += f", limit {finding.limit:.3g}"
    if finding.band:
        text += f" ({finding.band})"
    return f"{text} – {finding.detail}" if finding.detail else text


def record_json(record: Preference) -> dict[str, Any]:
    """Return a record as plain JSON values, in the published names."""
    from dataclasses import asdict

    return asdict(record)


def _cut(text: str, whole: bool) -> str:
    return text if whole or len(text) <= SHOWN else f"{text[:SHOWN]} …"
