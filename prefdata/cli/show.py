"""``prefdata show``: look into a build, a step's folder, a release or a data file."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from prefdata.store.dataset import Dataset

# What trains on a view: what to do with its rows, the line that trains, whose it is.
TRAINERS = {
    "pairs": ("", 'DPOTrainer("MODEL", train_dataset={data})', "or RewardTrainer"),
    "unpaired": ("", 'KTOTrainer("MODEL", train_dataset={data})', ""),
    "labels": (
        '.map(lambda row: tokenizer(row["text"]))',
        "Trainer(classifier, train_dataset={data})",
        "transformers",
    ),
    "sft": ("", 'SFTTrainer("MODEL", train_dataset={data})', ""),
}


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.argument("record_id", required=False)
@click.option(
    "-n", "count", type=click.IntRange(min=0), default=3, show_default=True, help="Records to show."
)
@click.option("--json", "as_json", is_flag=True, help="JSON Lines.")
def show(path: Path, record_id: str | None, count: int, as_json: bool) -> None:
    """Show schema, counts and records of PATH; with RECORD_ID, one record in full.

    PATH is a build folder, a step's folder in it, a release, or a JSON Lines or Parquet file.
    RECORD_ID may be the beginning of an id.

    \b
    Examples:
      prefdata show data/build/quickstart/release
      prefdata show data/build/quickstart 9f3c
    """
    from prefdata.core.errors import InputError

    if (path / "build.json").is_file():
        _show_build(path, record_id, count, as_json)
    elif any((path / view).is_dir() for view in ("pairs", "rankings", "pointers")):
        _show_release(path, record_id, count, as_json)
    elif (path / "manifest.json").is_file():
        from prefdata.store.dataset import Dataset

        _show_records([Dataset(path)], record_id, count, as_json)
    elif path.is_file():
        _show_rows(_rows_of(path), record_id, count, as_json, title=str(path))
    else:
        fix = "give a build folder, a step's folder, a release or a data file"
        raise InputError("there is nothing to show", str(path), fix)


def _show_build(path: Path, record_id: str | None, count: int, as_json: bool) -> None:
    from prefdata.cli.terminal import print_json, print_table
    from prefdata.store.dataset import Dataset
    from prefdata.store.files import read_json

    steps = read_json(path / "build.json")["steps"]
    if record_id:
        holders = [Dataset(path / s["path"]) for s in reversed(steps) if s["kind"] == "preferences"]
        _show_records([d for d in holders if d.is_done], record_id, count, as_json)
        return
    rows = []
    for step in steps:
        dataset = Dataset(path / step["path"])
        counts = dataset.manifest.get("counts", {}) if dataset.is_done else {}
        own = {name: counts.get(name) for name in ("kept", "dropped")}
        rows.append({**step, "done": dataset.path.is_dir(), **own})
    if as_json:
        for row in rows:
            print_json(row)
        return
    print_table(
        ["step", "done", "kept", "dropped", "folder"],
        [(r["id"], r["done"], r["kept"], r["dropped"], r["path"]) for r in rows],
    )
    click.echo(f"\nOne step:  prefdata show {path}/{steps[-1]['path']}")


def _show_records(
    datasets: list[Dataset], record_id: str | None, count: int, as_json: bool
) -> None:
    from prefdata.cli.side_by_side import print_record, record_json
    from prefdata.cli.terminal import print_json

    if not record_id:
        _print_counts(datasets[0], as_json)
        if datasets[0].kind == "labels":
            rows = (row for table in datasets[0].tables() for row in table.to_pylist())
            _print_rows(islice(rows, count), as_json)
            return
    found = list(islice(_find(datasets, record_id), 1 if record_id else count))
    if not found and record_id:
        raise _not_found(record_id)
    for record in found:
        if as_json:
            print_json(record_json(record))
        else:
            print_record(record, whole=bool(record_id))


def _find(datasets: list[Dataset], record_id: str | None) -> Iterator[Any]:
    """Yield kept records, then dropped ones, whose id begins with `record_id`."""
    for dataset in datasets:
        for record in dataset.records():
            if not record_id or record.id.startswith(record_id):
                yield record
        for drop in dataset.drops() if record_id else ():
            if drop["record"] and drop["record"].id.startswith(record_id):
                yield drop["record"]


def _print_counts(dataset: Dataset, as_json: bool) -> None:
    from prefdata.cli.terminal import print_json, print_table

    counts = dataset.manifest["counts"]
    if as_json:
        print_json({"id": dataset.id, "kind": dataset.kind, "counts": counts})
        return
    click.echo(f"{dataset.id} ({dataset.kind}), {dataset.path}")
    rows = [
        (name, own["kept"], own["dropped"], _reasons(own["reasons"]))
        for name, own in counts["sources"].items()
    ]
    print_table(["source", "kept", "dropped", "reasons"], rows)
    click.echo()


def _reasons(reasons: dict[str, int]) -> str:
    return ", ".join(f"{code} {n:,}" for code, n in reasons.items())


def _show_release(path: Path, record_id: str | None, count: int, as_json: bool) -> None:
    from prefdata.cli.terminal import print_json, print_table

    rows = [
        {"config": shard.parent.name, "file": shard.name, **_parquet_facts(shard)}
        for shard in sorted(path.glob("*/*.parquet"))
        if shard.parent.name != "audit"
    ]
    if not record_id:
        if as_json:
            for row in rows:
                print_json(row)
        else:
            print_table(["config", "file", "rows", "columns"], [tuple(r.values()) for r in rows])
            click.echo()
            click.echo("\n".join([*_trainers(path, rows), ""]))
    views = [sorted(path.glob(f"{view}/*.parquet")) for view in ("pairs", "rankings", "pointers")]
    shards = list(chain(*views)) if record_id else next(filter(None, views), [])
    all_rows = (row for shard in shards for row in _shard_rows(shard))
    _show_rows(all_rows, record_id, count, as_json)


def _trainers(path: Path, rows: list[dict[str, Any]]) -> Iterator[str]:
    """Yield two lines for each trainer; they name the first split there is, train if it is."""
    if all(row["config"] == "pointers" for row in rows):
        yield f"No texts. With a copy of the source:  prefdata rebuild {path} --from PATH"
        return
    yield "Trainers (datasets, trl):"
    for config, (prepared, line, note) in TRAINERS.items():
        splits = [row["file"].partition("-")[0] for row in rows if row["config"] == config]
        if splits:
            split = "train" if "train" in splits else splits[0]
            called = line.format(data=f'data["{split}"]') + ".train()"
            yield f'  data = load_dataset("{path}", "{config}"){prepared}'
            yield f"  {called:<60}  # {note}" if note else f"  {called}"
    if not any(row["file"].startswith("train-") for row in rows):
        yield "There is no split 'train': publish with 'splits: {own_test: ignore}' to draw one."


def _parquet_facts(path: Path) -> dict[str, Any]:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        return {"rows": file.metadata.num_rows, "columns": ", ".join(file.schema_arrow.names)}


def _shard_rows(path: Path) -> Iterator[dict[str, Any]]:
    from prefdata.store.shards import batches

    for table in batches(path):
        yield from table.to_pylist()


def _rows_of(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the readable rows of a data file of anybody's."""
    from prefdata.core.finding import Skip
    from prefdata.sources.files import SourceFile
    from prefdata.sources.reader import read_file

    for row in read_file(SourceFile(path, path.name, "local", "")):
        if not isinstance(row, Skip):
            yield row.value


def _show_rows(
    rows: Iterator[dict[str, Any]],
    record_id: str | None,
    count: int,
    as_json: bool,
    title: str = "",
) -> None:
    if record_id:
        rows = (row for row in rows if str(row.get("id", "")).startswith(record_id))
        count = 1
    found = list(islice(rows, count))
    if title and not as_json:
        click.echo(title)
    if record_id and not found:
        raise _not_found(record_id)
    _print_rows(iter(found), as_json)


def _print_rows(rows: Iterator[dict[str, Any]], as_json: bool) -> None:
    from prefdata.cli.terminal import print_json, print_table

    for row in rows:
        if as_json:
            print_json(row)
        else:
            print_table(["column", "value"], [(k, _text(v)) for k, v in row.items()])
            click.echo()


def _text(value: Any) -> str:
    """Return a conversation, or ranked ones, as readable lines; anything else as it is."""
    first = value[0] if isinstance(value, list) and value else None
    if isinstance(first, dict) and "role" in first:
        return "\n".join(f"{m['role']}: {m['content']}" for m in value)
    if isinstance(first, dict) and "rank" in first:
        return "\n".join(f"[{c['rank']}] {_text(c['content'])}" for c in value)
    return str(value)


def _not_found(record_id: str) -> Exception:
    from prefdata.core.errors import InputError

    return InputError(
        f"there is no record whose id begins with {record_id!r}",
        fix="ids stand in the column 'id' of the release and of every step",
    )
