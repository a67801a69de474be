"""``--set PATH=VALUE``: one value of a pipeline file replaced before it is validated."""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence
from typing import Any, Final

from prefdata.config.strict_yaml import Document, parse
from prefdata.core.errors import ConfigError, nearest

_PART: Final = re.compile(r'"[^"]*"|[^".=]+')
_PATH: Final = re.compile(rf"((?:{_PART.pattern})(?:\.(?:{_PART.pattern}))*)=(.*)", re.DOTALL)


def override(document: Document, settings: Sequence[str]) -> Document:
    """Return the document with every ``dotted.path=value`` applied.

    An item of a list is named by its `id`, else its `use`, else its index. A name that holds a dot
    or an equals sign stands in double quotes: ``stages."v1.2".profile=strict``. The value is YAML.

    Raises:
        ConfigError: a path names nothing, or more than one thing.
    """
    if not settings:
        return document
    tree = copy.deepcopy(document.tree)
    for setting in settings:
        parts, value = _read(setting)
        _assign(tree, parts, parse(value, f"--set {setting}").tree, setting)
    return Document(document.name, tree, document.lines)


def _read(setting: str) -> tuple[list[str], str]:
    """Return the parts of a setting's path, and its value.

    >>> _read('stages.filter.thresholds."length_ratio_high.81+"=1.2')
    (['stages', 'filter', 'thresholds', 'length_ratio_high.81+'], '1.2')
    """
    found = _PATH.match(setting)
    if not found:
        fix = 'PATH."NAME"=VALUE, with both quotes' if '"' in setting else "--set PATH=VALUE"
        raise ConfigError(f"--set {setting}: there is no '=' after a path", fix=fix)
    return [part.strip('"') for part in _PART.findall(found[1])], found[2]


def _assign(tree: Any, parts: list[str], value: Any, setting: str) -> None:
    *parents, last = parts
    for depth, part in enumerate(parents):
        tree = _step(tree, part, setting, in_step=depth > 1)
    if isinstance(tree, list):
        tree[_index(tree, last, setting)] = value
    elif isinstance(tree, dict):
        tree[last] = value
    else:
        raise ConfigError(f"--set {setting}: {last!r} is inside a plain value")


def _step(tree: Any, part: str, setting: str, *, in_step: bool) -> Any:
    if isinstance(tree, list):
        index = _index(tree, part, setting)
        if isinstance(tree[index], str):  # the short form of a component without settings
            tree[index] = {"use": tree[index]}
        return tree[index]
    if isinstance(tree, dict):
        if part in ("sources", "stages") and part not in tree:
            raise ConfigError(f"--set {setting}: there is no {part!r}")
        if isinstance(tree.get(part), str) and in_step:
            tree[part] = {"use": tree[part]}
        return tree.setdefault(part, {})
    raise ConfigError(f"--set {setting}: {part!r} is inside a plain value")


def _index(items: list[Any], part: str, setting: str) -> int:
    for key in ("id", "use"):
        found = [n for n, item in enumerate(items) if _named(item, key) == part]
        if len(found) == 1:
            return found[0]
        if found:
            raise ConfigError(
                f"--set {setting}: {part!r} names {len(found)} items",
                fix="give them different ids, or use the index",
            )
    if part.isdecimal() and int(part) < len(items):
        return int(part)
    known = [str(_named(item, "id")) for item in items]
    quotes = "; a name with a dot stands in double quotes" if "." in "".join(known) else ""
    raise ConfigError(f"--set {setting}: there is no {part!r}", fix=nearest(part, known) + quotes)


def _named(item: Any, key: str) -> Any:
    """Return an item's id (by default its component's name), or its component's name."""
    if isinstance(item, str):
        return item
    if not isinstance(item, dict):
        return None
    return item.get(key, item.get("use"))
