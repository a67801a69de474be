"""Examples in docstrings give what they say, and every reason code has one."""

from __future__ import annotations

import ast
import doctest
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from prefdata.text.limits import causes

PACKAGE = Path(__file__).parents[1] / "prefdata"


def modules() -> Iterator[Any]:
    """Yield the modules that hold examples; those of training need torch."""
    for path in sorted(PACKAGE.rglob("*.py")):
        if " >>> " in path.read_text(encoding="utf-8"):
            name = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
            marks = [pytest.mark.train] if name.startswith("prefdata.training") else []
            yield pytest.param(name, marks=marks)


@cache
def examples(name: str) -> tuple[doctest.DocTest, ...]:
    found = doctest.DocTestFinder(exclude_empty=True).find(import_module(name))
    return tuple(test for test in found if test.examples)


@pytest.mark.parametrize("name", [*modules()])
def test_the_examples_of_a_module_are_true(name: str) -> None:
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    report: list[str] = []
    for test in examples(name):
        runner.run(test, out=report.append)
    assert not runner.failures, "".join(report)


@cache
def shown() -> str:
    """Return the docstrings of the checks that hold examples."""
    found: list[str] = []
    for folder in ("text", "filters"):
        for path in (PACKAGE / folder).glob("*.py"):
            nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            named = (n for n in nodes if isinstance(n, ast.FunctionDef | ast.ClassDef))
            found += filter(None, map(ast.get_docstring, named))
    return "\n".join(text for text in found if ">>>" in text or "Example" in text)


@pytest.mark.parametrize("code", [*causes(), "duplicate_exact", "duplicate_near"])
def test_every_reason_code_is_shown_by_an_example(code: str) -> None:
    assert f"'{code}'" in shown() or f"`{code}`" in shown()
