"""SPDX expressions: parse with our own symbols, spell out the choices, combine, compare."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import product
from math import prod
from typing import Any

from license_expression import ExpressionError, Licensing

Alternative = tuple[str, ...]

_LICENSING = Licensing()
# A choice of more branches than this is no choice that anybody means.
MOST_ALTERNATIVES = 64
# What the parser raises, for "((" and "( AND MIT OR" errors that it does not mean.
_NOT_PARSED = (ExpressionError, ValueError, LookupError, AssertionError, RecursionError)


@lru_cache(maxsize=4096)
def alternatives(text: str) -> tuple[Alternative, ...]:
    """Return the choices of an expression, each a list of ids that hold together.

    In the order written. A text that is no expression counts as one unknown id.

    >>> alternatives("(MIT OR Apache-2.0) AND CC-BY-4.0")
    (('MIT', 'CC-BY-4.0'), ('Apache-2.0', 'CC-BY-4.0'))
    """
    try:
        parsed = _LICENSING.parse(text, simple=True)
        found = _spread(parsed) if parsed is not None else ()
    except _NOT_PARSED:
        found = ()
    return tuple(found) or ((text,),)


def _spread(node: Any) -> Sequence[Alternative]:
    """Return the choices of a node, each once; none where there are more than anybody means."""
    if not isinstance(node, (_LICENSING.OR, _LICENSING.AND)):
        return [(node.render(),)]
    parts = [_spread(arg) for arg in node.args]
    is_and = isinstance(node, _LICENSING.AND)
    size = prod(len(p) for p in parts) if is_and else sum(len(p) for p in parts)
    if not all(parts) or size > MOST_ALTERNATIVES * MOST_ALTERNATIVES:
        return []
    spread = product(*parts) if is_and else ((choice,) for part in parts for choice in part)
    found = dict.fromkeys(tuple(dict.fromkeys(sum(choice, ()))) for choice in spread)
    return list(found) if len(found) <= MOST_ALTERNATIVES else []


def combine(parts: Iterable[str]) -> str:
    """Return the AND of several expressions: each part once, sorted; empty for no parts."""
    flat: set[str] = set()
    for part in parts:
        choices = alternatives(part)
        if len(choices) == 1:
            flat.update(choices[0])
        else:
            flat.add(f"({any_of(choices)})")
    ordered = sorted(flat, key=lambda part: (part.startswith("("), part))
    joined = " AND ".join(ordered)
    return joined[1:-1] if len(ordered) == 1 and joined.startswith("(") else joined


def any_of(choices: Sequence[Alternative]) -> str:
    """Return an OR of alternatives, sorted."""
    rendered = {" AND ".join(sorted(set(choice))) for choice in choices}
    return " OR ".join(f"({r})" if " AND " in r else r for r in sorted(rendered))


def ids_in(text: str) -> tuple[str, ...]:
    """Return every id that an expression names, sorted."""
    return tuple(sorted({name for choice in alternatives(text) for name in choice})) if text else ()


def is_equivalent(one: str, other: str) -> bool:
    """Tell whether two expressions mean the same, whatever their order and repetition."""
    return _choices(one) == _choices(other)


def is_weaker(stated: str, expression: str) -> bool:
    """Tell whether `stated` promises more freedom than `expression` gives.

    True unless every choice in `stated` names at least all the ids of some choice in `expression`;
    an empty expression gives nothing that could be stated.
    """
    if not expression:
        return True
    wanted = _choices(expression)
    return not all(any(need <= choice for need in wanted) for choice in _choices(stated))


def _choices(text: str) -> frozenset[frozenset[str]]:
    if not text:
        return frozenset([frozenset()])
    sets = {frozenset(name.casefold() for name in choice) for choice in alternatives(text)}
    return frozenset(s for s in sets if not any(other < s for other in sets))
