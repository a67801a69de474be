"""``prefdata memory``: the translation memory in and out, and what it holds."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from prefdata.translate.memory import Memory

CACHE = Path("data/cache")
_cache = click.option(
    "--cache", type=click.Path(path_type=Path, file_okay=False), default=CACHE, show_default=True,
    help="The folder of the memory.",
)  # fmt: skip


@click.group()
def memory() -> None:
    """Look into the translation memory, take it out, or bring translations in.

    \b
    Examples:
      prefdata memory stats
      prefdata memory export release-memory.jsonl.gz
      prefdata memory import corrections.jsonl --human "Acme translation team"
    """


@memory.command("export")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--fingerprint", default="", help="Only the translator whose fingerprint begins so.")
@click.option("--human", is_flag=True, help="Only people's corrections.")
@_cache
def export_(file: Path, fingerprint: str, human: bool, cache: Path) -> None:
    """Write the memory to FILE: .jsonl, .jsonl.gz, .parquet or .tmx (without failures) by its name.

    With the file a pipeline can be built again without a model: import it elsewhere, or use it
    as ``translator: {use: memory, path: FILE}``.
    """
    from prefdata.translate.exchange import Selection, export_memory

    with _open(cache) as opened:
        count = export_memory(opened, file, Selection(fingerprint, human))
    click.echo(f"{count:,} entries written to {file}")


@memory.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--human", default="", metavar="NAME", help="They are corrections of NAME and win.")
@_cache
def import_(file: Path, human: str, cache: Path) -> None:
    """Take translations from FILE into the memory.

    An entry with the fingerprint of a translator, as export writes it, is used wherever that
    translator with those settings is. People's corrections win over every translator.
    """
    from prefdata.cli.terminal import print_terms_needed
    from prefdata.core.stage import Context
    from prefdata.translate.exchange import import_memory
    from prefdata.translate.shared import open_memory

    with open_memory(Context(cache=cache)) as opened:
        count = import_memory(opened, file, human=human)
    click.echo(f"{count:,} entries read from {file}")
    if human:
        print_terms_needed(human)


@memory.command()
@_cache
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def stats(cache: Path, as_json: bool) -> None:
    """Say how many nodes the memory holds, by whom, and how large it is."""
    from prefdata.cli.terminal import print_json, print_table

    with _open(cache) as opened:
        found = opened.stats()
    if as_json:
        print_json(found)
        return
    click.echo(f"{found['path']}: {found['nodes']:,} nodes, {found['bytes'] / 2**20:,.1f} MiB\n")
    print_table(
        ["fingerprint", "by", "translator", "entries", "failed", "characters"],
        [
            (m["fingerprint"][:12], m["origin"], m["translator"], m["entries"],
             m["entries"] - m["translated"], m["characters"])
            for m in found["makers"]
        ],
    )  # fmt: skip


@memory.command()
@_cache
def compact(cache: Path) -> None:
    """Give back the room of what nothing uses any more. Other processes wait meanwhile."""
    with _open(cache) as opened:
        before = opened.stats()["bytes"]
        opened.compact()
        after = opened.stats()["bytes"]
    click.echo(f"{before / 2**20:,.1f} MiB before, {after / 2**20:,.1f} MiB after")


def _open(cache: Path) -> AbstractContextManager[Memory]:
    from prefdata.core.errors import InputError
    from prefdata.core.stage import Context
    from prefdata.translate.memory import memory_file
    from prefdata.translate.shared import open_memory

    if not memory_file(cache).is_file():
        raise InputError(
            "there is no translation memory yet",
            str(memory_file(cache)),
            "it comes with the first build that translates; else give --cache FOLDER",
        )
    return open_memory(Context(cache=cache))
