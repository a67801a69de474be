"""The release's ``verify.py``: prefdata's own modules in one file that needs only pyarrow."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from pathlib import Path

from prefdata.licensing import record_hashes, repeats, standalone

_MODULES = (record_hashes, repeats, standalone)  # a module comes after those that it imports
_FIRST = "from __future__ import annotations"


def program() -> str:
    """Return the text of ``audit/verify.py``.

    The modules follow one another as they are, under the last one's docstring, without the imports
    from each other.
    """
    imports: list[ast.Import | ast.ImportFrom] = []
    bodies = []
    for module in _MODULES:
        text = Path(str(module.__file__)).read_text(encoding="utf-8")
        docstring, *statements = ast.parse(text).body
        head = [part for part in statements if isinstance(part, ast.Import | ast.ImportFrom)]
        imports += head
        bodies.append("\n".join(text.splitlines()[head[-1].end_lineno :]).strip())
        title = ast.get_source_segment(text, docstring)
    needed = "\n".join(_merged(imports))
    return f"{title}\n\n{_FIRST}\n\n{needed}\n\n" + "\n\n\n".join(bodies) + "\n"


def _merged(imports: Iterable[ast.Import | ast.ImportFrom]) -> list[str]:
    """Return each import once, but for those of prefdata's own modules."""
    names: dict[str, set[str]] = {}
    whole: set[str] = set()
    for part in imports:
        if isinstance(part, ast.Import):
            whole.add(ast.unparse(part))
        elif not str(part.module).startswith(("prefdata", "__future__")):
            names.setdefault(str(part.module), set()).update(alias.name for alias in part.names)
    return sorted(whole) + [
        f"from {module} import {', '.join(sorted(names[module]))}" for module in sorted(names)
    ]
