"""Profiles: which measurement of which rule drops, flags or passes; read from ``limits.yaml``."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import yaml

from prefdata.core.errors import ConfigError, nearest
from prefdata.text.seen import Seen

Action: TypeAlias = Literal["drop", "flag", "ignore"]
Overrides: TypeAlias = Mapping[str, float | str]
ACTIONS: Final = ("drop", "flag", "ignore")
_FILE = Path(__file__).with_name("limits.yaml")


@dataclass(frozen=True, slots=True)
class Rule:
    """A limit and what crossing it means. `compare` is ``at_least``, ``above`` or ``below``."""

    limit: float
    compare: str = "at_least"
    action: Action = "drop"

    def is_crossed(self, measured: float) -> bool:
        """Tell whether a value lies beyond the limit."""
        if self.compare == "below":
            return measured < self.limit
        return measured > self.limit if self.compare == "above" else measured >= self.limit

    def verdict_on(self, measured: float) -> Literal["drop", "flag", "none"]:
        """Return what becomes of a finding with this value."""
        if self.action == "ignore" or not self.is_crossed(measured):
            return "none"
        return self.action


class Limits:
    """The rules of one profile, with a pipeline's own overrides.

    A rule is named ``code`` or ``code.band``. An override is a number (the limit) or an action;
    ``code: action`` goes for all bands of a code, ``kind/code: action`` for one source kind alone.
    Given as (name, value) in order, a rule may have both. `more` are rules of optional filters, by
    the name of their findings.

    >>> own = Limits("default", {"number_mismatch.long": 3, "webgpt/number_mismatch": "flag"})
    >>> own.rules_for("hh")["number_mismatch.long"]
    Rule(limit=3.0, compare='at_least', action='drop')
    >>> own.rules_for("webgpt")["number_mismatch.long"]
    Rule(limit=3.0, compare='at_least', action='flag')
    """

    def __init__(
        self,
        profile: str = "default",
        overrides: Overrides | Sequence[tuple[str, float | str]] = (),
        more: Mapping[str, Rule] | None = None,
    ) -> None:
        tree = _tree()
        if profile not in tree["profiles"]:
            raise ConfigError.unknown("profile", profile, list(tree["profiles"]))
        own = {name: _rule(value) for name, value in tree["rules"].items()}
        self.rules = {**(more or {}), **own}
        self._apply((tree["profiles"][profile] or {}).items())
        self.own = list(overrides.items() if isinstance(overrides, Mapping) else overrides)
        self._kinds: dict[tuple[str, str, bool], dict[str, Rule]] = {}
        self._tree = tree
        for kind in {"", *(name.rpartition("/")[0] for name, _ in self.own)}:
            self.rules_for(kind)  # an unknown name is an error now, not at the first record

    def rules_for(
        self, kind: str, role: str = "", *, is_native: bool = False
    ) -> Mapping[str, Rule]:
        """Return the rules for a source kind and a speaker; what the user set comes last.

        >>> Limits().rules_for("summarize")["register_inconsistent.long"].action
        'ignore'
        >>> Limits().rules_for("hh", is_native=True)["truncated.word"].action
        'flag'
        """
        key = (kind, role, is_native)
        if key not in self._kinds:
            view = object.__new__(Limits)
            view.rules = dict(self.rules)
            for table, name in (("roles", role), ("kinds", kind)):
                view._apply((self._tree[table].get(name) or {}).items())
            view._apply(self._tree["native"].items() if is_native else ())
            for of in dict.fromkeys(("", kind)):
                view._apply(self._own_of(of))
            self._kinds[key] = view.rules
        return self._kinds[key]

    def _own_of(self, kind: str) -> list[tuple[str, float | str]]:
        """Return the user's overrides for one source kind, in order; those for all under ''."""
        found = [(*name.rpartition("/")[::2], value) for name, value in self.own]
        return [(rule, value) for of, rule, value in found if of == kind]

    def named(self, name: str) -> list[str]:
        """Return the rules of a name: one, or all bands of a code."""
        return [rule for rule in self.rules if rule == name or rule.startswith(f"{name}.")]

    def nearest(self, name: str) -> str:
        """Return a hint for an unknown name: its bands if the code is known, else codes."""
        codes = sorted({rule.partition(".")[0] for rule in self.rules})
        return nearest(name, self.named(name.partition(".")[0]) or codes)

    def judge(
        self, seen: Seen, kind: str = "", role: str = "", *, is_native: bool = False
    ) -> tuple[Rule | None, bool]:
        """Return the rule of a measurement, None for a code without one, and whether it is crossed."""
        rules = self.rules_for(kind, role, is_native=is_native)
        rule = rules.get(f"{seen.code}.{seen.band}" if seen.band else seen.code)
        return rule, rule is not None and rule.is_crossed(seen.measured)

    def _apply(self, changes: Iterable[tuple[str, Any]]) -> None:
        for name, value in changes:
            matching = self.named(name)
            if not matching:
                raise ConfigError(f"there is no rule {name!r}", fix=self.nearest(name))
            for match in matching:
                self.rules[match] = _changed(self.rules[match], name, value)


def _changed(rule: Rule, name: str, value: Any) -> Rule:
    if isinstance(value, str):
        if value not in ACTIONS:
            raise ConfigError(f"{name}: {value!r} is no action", fix=nearest(value, ACTIONS))
        return Rule(rule.limit, rule.compare, value)  # type: ignore[arg-type]  # checked above
    if isinstance(value, Mapping):
        return _rule({rule.compare: rule.limit, "action": rule.action, **value})
    if math.isnan(value):
        raise ConfigError(f"{name}: the limit is no number", fix="give a number or an action")
    return Rule(float(value), rule.compare, rule.action)


def _rule(value: Mapping[str, Any]) -> Rule:
    compare = next(k for k in ("at_least", "above", "below") if k in value)
    return Rule(float(value[compare]), compare, value.get("action", "drop"))


@cache
def _tree() -> dict[str, Any]:
    tree: dict[str, Any] = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    return tree


def causes() -> tuple[str, ...]:
    """Return all codes, root causes before their consequences."""
    return tuple(_tree()["causes"])


def profiles() -> tuple[str, ...]:
    """Return the names of the profiles."""
    return tuple(_tree()["profiles"])


@cache
def order() -> Mapping[str, int]:
    """Return the place of each code among the causes."""
    return {code: n for n, code in enumerate(causes())}
