"""SPDX expressions: parse, spell out the choices, combine, compare.

`license-expression` parses and simplifies them, with the registry's ids as its symbols.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import product
from math import prod
from typing import Any

from license_expression import ExpressionError, LicenseSymbol, Licensing

Alternative = tuple[str, ...]

# A choice of more branches than this is no choice that anybody means.
MOST_ALTERNATIVES = 256
# What the parser raises, for "((" and "( AND MIT OR" errors that it does not mean.
_NOT_PARSED = (ExpressionError, ValueError, LookupError, AssertionError, RecursionError)


class Expressions:
    """Expressions over the ids of a registry, which come out as it spells them.

    An id that it does not have is no error: it stays as it is, so that rule R5 can send it to a
    person. Hub tags are no aliases here: what a tag means is that rule's, too.
    """

    def __init__(self, ids: Iterable[str] = ()) -> None:
        self._licensing = Licensing([LicenseSymbol(name) for name in ids])

    def alternatives(self, text: str) -> tuple[Alternative, ...]:
        """Return the choices of an expression, each a list of ids that hold together.

        In the order written. A text that is no expression counts as one unknown id.

        >>> Expressions(["MIT"]).alternatives("(mit OR Apache-2.0) AND CC-BY-4.0")
        (('MIT', 'CC-BY-4.0'), ('Apache-2.0', 'CC-BY-4.0'))
        """
        return _alternatives(self._licensing, text)

    def ids_in(self, text: str) -> tuple[str, ...]:
        """Return every id that an expression names, sorted; none in an empty text."""
        choices = self.alternatives(text) if text else ()
        return tuple(sorted({name for choice in choices for name in choice}))

    def combine(self, parts: Iterable[str]) -> str:
        """Return the AND of several expressions, simplified and sorted; empty for no parts.

        >>> Expressions().combine(["ISC OR MIT", "CC-BY-4.0 AND MIT"])
        'CC-BY-4.0 AND MIT'
        """
        joined = " AND ".join(sorted({_any_of(self.alternatives(part)) for part in parts}))
        try:
            parsed = self._licensing.parse(joined, simple=True)
            return "" if parsed is None else str(parsed.simplify().render())
        except _NOT_PARSED:
            return joined

    def is_equivalent(self, one: str, other: str) -> bool:
        """Tell whether two expressions mean the same, whatever their order and repetition."""
        return self._meaning(one) == self._meaning(other)

    def is_weaker(self, stated: str, expression: str) -> bool:
        """Tell whether `stated` promises more freedom than `expression` gives.

        True unless every choice in `stated` names at least all the ids of some choice in
        `expression`; an empty expression gives nothing that could be stated.
        """
        if not expression:
            return True
        wanted = self._meaning(expression)
        return not all(any(need <= choice for need in wanted) for choice in self._meaning(stated))

    def _meaning(self, text: str) -> frozenset[frozenset[str]]:
        """Return the choices as sets, without those that ask for more than another does."""
        choices = self.alternatives(text) if text else ((),)
        sets = {frozenset(name.casefold() for name in choice) for choice in choices}
        return frozenset(s for s in sets if not any(other < s for other in sets))


@lru_cache(maxsize=4096)
def _alternatives(licensing: Licensing, text: str) -> tuple[Alternative, ...]:
    try:
        parsed = licensing.parse(text, simple=True)
        found = _spread(parsed, licensing) if parsed is not None else ()
    except _NOT_PARSED:
        found = ()
    return tuple(found) or ((text,),)


def _spread(node: Any, licensing: Licensing) -> Sequence[Alternative]:
    """Return the choices of a node, each once; none where there are more than anybody means."""
    if not isinstance(node, (licensing.OR, licensing.AND)):
        return [(node.render(),)]
    parts = [_spread(arg, licensing) for arg in node.args]
    is_and = isinstance(node, licensing.AND)
    size = prod(len(p) for p in parts) if is_and else sum(len(p) for p in parts)
    if not all(parts) or size > 16 * MOST_ALTERNATIVES:
        return []
    spread = product(*parts) if is_and else ((choice,) for part in parts for choice in part)
    found = dict.fromkeys(tuple(dict.fromkeys(sum(choice, ()))) for choice in spread)
    return list(found) if len(found) <= MOST_ALTERNATIVES else []


def _any_of(choices: Sequence[Alternative]) -> str:
    """Return an OR of alternatives, in parentheses where there are several."""
    if len(choices) == 1:
        return " AND ".join(choices[0])
    return "(" + " OR ".join(f"({' AND '.join(choice)})" for choice in choices) + ")"
