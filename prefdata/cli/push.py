"""``prefdata push``: a release or a model to the hub."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.argument("repo_id")
@click.option("--public", is_flag=True, help="Everyone may see it; without, it is private.")
@click.option("--revision", default="main", show_default=True, help="Branch to push to.")
@click.option("--dry-run", is_flag=True, help="List what would go; ask no hub.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def push(
    path: Path, repo_id: str, public: bool, revision: str, dry_run: bool, as_json: bool
) -> None:
    """Upload the release or model PATH to REPO_ID on the Hugging Face Hub.

    It is compared with its manifest and its license audit first. The token is HF_TOKEN or that of
    'hf auth login'. After an interruption the same command goes on.

    \b
    Examples:
      prefdata push data/build/quickstart/release me/quickstart-ja --dry-run
      prefdata push data/build/quickstart/release me/quickstart-ja
    """
    from prefdata.cli.terminal import print_json
    from prefdata.publish.hub import push as send
    from prefdata.publish.package import package_of

    package = package_of(path)
    total = sum(package.files.values())
    if "croissant.json" in package.files and package.named != repo_id:  # a release with texts
        shown = package.named or "USER/NAME"
        click.echo(
            f"note: the card loads {shown}; build with --set stages.publish.repo_id={repo_id} "
            "to have it load this one",
            err=True,
        )
    visible = "public" if public else "private"
    if dry_run:
        if as_json:
            told = {"repo_id": repo_id, "kind": package.kind, "private": not public}
            print_json(told | {"tag": package.tag, "bytes": total, "files": dict(package.files)})
            return
        for name, size in package.files.items():
            click.echo(f"{size:>14,}  {name}")
        click.echo(
            f"{len(package.files)} files, {total:,} bytes would go to the {visible} {package.kind} "
            f"{repo_id}, tag {package.tag}"
        )
        return

    def tell(text: str) -> None:
        click.echo(text, err=True)

    pushed = send(package, repo_id, public=public, revision=revision, listen=tell)
    if as_json:
        print_json(asdict(pushed))
        return
    visible = "private" if pushed.private else "public"
    click.echo(f"{pushed.url} ({visible}, tag {pushed.tag}): {pushed.sent} files sent")
