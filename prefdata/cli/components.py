"""``prefdata components``: what may stand behind ``use:``, and its settings."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import click


@click.command()
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="JSON Lines.")
def components(name: str | None, as_json: bool) -> None:
    """List sources, stages, filters, translators and engines; with NAME, one's settings.

    \b
    Examples:
      prefdata components
      prefdata components translate
    """
    from prefdata.cli.terminal import print_json

    rows = list(_described(name) if name else _listed())
    if as_json:
        for row in rows:
            print_json(row)
    elif name:
        for row in rows:
            _print_one(row)
    else:
        _print_all(rows)


def _listed() -> Iterator[dict[str, Any]]:
    from prefdata import components as table

    for group, word in table.SINGULAR.items():
        for name in table.names(group):
            yield {
                "kind": word,
                "name": name,
                "built_in": name in table.BUILT_IN[group],
                "meaning": _first_line(group, name),
            }


def _first_line(group: str, name: str) -> str:
    """Return the first line of a component's docstring, or why it cannot be had."""
    from prefdata import components as table
    from prefdata.core.errors import PrefdataError

    try:
        return (inspect.getdoc(table.load(group, name)) or "").partition("\n")[0]
    except PrefdataError as error:  # a broken plug-in breaks no list
        return error.what


def _described(name: str) -> Iterator[dict[str, Any]]:
    """Yield every component of that name with its settings."""
    from prefdata import components as table
    from prefdata.core.errors import ConfigError

    groups = [group for group in table.SINGULAR if name in table.names(group)]
    if not groups:
        known = [known for group in table.SINGULAR for known in table.names(group)]
        raise ConfigError.unknown("component", name, known)
    for group in groups:
        component = table.load(group, name)
        yield {
            "kind": table.SINGULAR[group],
            "name": name,
            "version": component.version,
            "meaning": inspect.getdoc(component) or "",
            "settings": list(_settings(component.Config)),
        }


def _settings(config: Any) -> Iterator[dict[str, Any]]:
    schema = config.model_json_schema()
    for name, field in config.model_fields.items():
        own = schema.get("properties", {}).get(name, {})
        yield {
            "name": name,
            "type": _type_of(own, field),
            "required": field.is_required(),
            "default": _default_of(field),
            "meaning": field.description or "",
        }


def _default_of(field: Any) -> Any:
    if field.is_required():
        return None
    value = field.get_default(call_default_factory=True)
    return value.model_dump(mode="json") if hasattr(value, "model_dump") else value


def _type_of(schema: dict[str, Any], field: Any) -> str:
    if "enum" in schema:
        return " | ".join(str(value) for value in schema["enum"])
    if "anyOf" in schema:
        kinds = [part.get("type", "mapping") for part in schema["anyOf"]]
        return " | ".join(kind for kind in kinds if kind != "null")
    return str(schema.get("type", "component"))


def _print_all(rows: list[dict[str, Any]]) -> None:
    for kind in dict.fromkeys(row["kind"] for row in rows):
        own = [row for row in rows if row["kind"] == kind]
        names = [row["name"] + ("" if row["built_in"] else "  (plug-in)") for row in own]
        click.echo(f"{kind}s")
        for row, name in zip(own, names, strict=True):
            click.echo(_entry(name, row["meaning"], max(map(len, names))))
        click.echo()
    click.echo("One's settings:  prefdata components NAME")


def _entry(name: str, meaning: str, width: int) -> str:
    """Return a name and its meaning beside it, in as many lines as the terminal needs."""
    from shutil import get_terminal_size
    from textwrap import wrap

    room = max(get_terminal_size().columns - width - 5, 20)
    lines = wrap(meaning, room, break_on_hyphens=False)
    return f"  {name:{width}}  " + f"\n{'':{width + 4}}".join(lines)


def _print_one(row: dict[str, Any]) -> None:
    from prefdata.cli.terminal import print_table

    click.echo(f"{row['kind']} {row['name']} (version {row['version']})\n\n{row['meaning']}\n")
    rows = [
        (s["name"], s["type"], "required" if s["required"] else _shown(s["default"]), s["meaning"])
        for s in row["settings"]
    ]
    print_table(["setting", "type", "default", "meaning"], rows)


def _shown(value: Any) -> str:
    if value is None or value == "":
        return "–"
    return str(value).lower() if isinstance(value, bool) else str(value)
