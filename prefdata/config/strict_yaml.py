"""YAML as people expect it: 1.2 scalars, no duplicate keys, the line of every node.

PyYAML follows YAML 1.1, where ``no`` is false, ``1e-5`` a string, ``010`` is 8 and ``2024-11-10``
a date; a key given twice silently wins.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, TypeAlias

import yaml

from prefdata.core.errors import ConfigError, ConfigErrors

KeyPath: TypeAlias = tuple[str | int, ...]

# libyaml composes the same nodes ten times as fast, where PyYAML was built with it.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_NULL = re.compile(r"~|null|Null|NULL|")
_BOOL = re.compile(r"true|True|TRUE|false|False|FALSE")
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_SPECIAL = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


@dataclass(frozen=True)
class Document:
    """A parsed file: the plain tree, and the line (from 1) of every path in it."""

    name: str
    tree: Any
    lines: dict[KeyPath, int]

    def where(self, path: KeyPath) -> str:
        """Return ``file:line (path)`` of the deepest part of `path` that exists."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.lines:
                return f"{self.name}:{self.lines[path[:length]]}{_spelled(path)}"
        return f"{self.name}{_spelled(path)}"


def _spelled(path: KeyPath) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return f" ({text.lstrip('.')})" if text else ""


def parse(text: str, name: str) -> Document:
    """Parse one document.

    Raises:
        ConfigError: it is not YAML, or a key is given twice.
    """
    try:
        node = yaml.compose(text, Loader=_LOADER)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        where = f"{name}{line}"
        raise ConfigError(f"not YAML: {problem}", where, "check the indentation") from None
    lines: dict[KeyPath, int] = {(): 1}
    mistakes: list[ConfigError] = []
    tree = None if node is None else _build(node, (), lines, mistakes, name)
    if mistakes:
        raise mistakes[0] if len(mistakes) == 1 else ConfigErrors(mistakes)
    return Document(name, tree, lines)


def _build(
    node: yaml.Node,
    path: KeyPath,
    lines: dict[KeyPath, int],
    mistakes: list[ConfigError],
    name: str,
) -> Any:
    lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.ScalarNode):
        return node.value if node.style else scalar(node.value)
    if isinstance(node, yaml.SequenceNode):
        return [_build(n, (*path, i), lines, mistakes, name) for i, n in enumerate(node.value)]
    tree: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = str(key_node.value)
        line = key_node.start_mark.line + 1
        if key in tree:
            mistakes.append(
                ConfigError(
                    f"the key {key!r} is given twice",
                    f"{name}:{line}{_spelled((*path, key))}",
                    f"remove one of them; the first is on line {lines[(*path, key)]}",
                )
            )
            continue
        lines[(*path, key)] = line
        tree[key] = _build(value_node, (*path, key), lines, mistakes, name)
    return tree


def scalar(text: str) -> Any:
    """Read a plain scalar by YAML 1.2's core schema.

    >>> [scalar(t) for t in ("no", "1e-5", "010", "2024-11-10", "true", "~")]
    ['no', 1e-05, 10, '2024-11-10', True, None]
    """
    if _NULL.fullmatch(text):
        return None
    if _BOOL.fullmatch(text):
        return text.lower() == "true"
    if _INT.fullmatch(text):
        return int(text, 0) if text[:2] in ("0o", "0x") else int(text, 10)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _SPECIAL.fullmatch(text):
        return float(text.replace(".", "", 1))
    return text
