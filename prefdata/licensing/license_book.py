"""What license and terms texts say: one entry an id, and what hub tags stand for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from prefdata.core.errors import ConfigError
from prefdata.licensing.expression import Expressions

OutputRule = Literal["none", "notice", "derivative_model", "no_compete", "no_other_llm", "unknown"]
OUTPUT_RULES = ("none", "notice", "derivative_model", "no_compete", "no_other_llm", "unknown")


@dataclass(frozen=True, slots=True)
class License:
    """The rights axes of one text, each resting on a clause quoted in the registry.

    `derivatives` is ``make_only`` where adapted material may be made but not shared.
    `share_alike` lists the ids under which adapted material may go out; empty: any.
    `covers` names what the text grants something in: content, database, software, weights, service.
    `extract_of` is the address of the whole text where only the clauses that matter are held.
    """

    id: str
    name: str = ""
    kind: str = "license"
    commercial: bool = True
    derivatives: str = "yes"
    share_alike: tuple[str, ...] = ()
    covers: tuple[str, ...] = ("content",)
    obligations: tuple[str, ...] = ()
    output_rule: str = "none"
    family: str = ""
    extract_of: str = ""
    text_file: str = ""
    text_sha256: str = ""


@dataclass(frozen=True)
class LicenseBook:
    """All registered texts by id, and the hub's tags. Case makes no other id.

    Raises:
        ConfigError: two ids differ in case alone.
    """

    licenses: Mapping[str, License]
    hub_tags: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        folded: dict[str, str] = {}
        for name in self.licenses:
            if folded.setdefault(name.casefold(), name) != name:
                raise ConfigError(
                    f"the license {name!r} is registered twice: as {folded[name.casefold()]!r} too",
                    fix="a text says what it says: remove one of the entries",
                )

    @cached_property
    def _folded(self) -> Mapping[str, str]:
        return {name.lower(): name for name in self.licenses}

    @cached_property
    def expressions(self) -> Expressions:
        """Return what reads and writes expressions over the registered ids."""
        return Expressions(self.licenses)

    def spell(self, name: str) -> str:
        """Return an id in the registry's spelling; unknown ones as they are."""
        return self._folded.get(name.lower(), name)

    def get(self, name: str) -> License | None:
        """Return the entry of an id, or None if nobody has registered it."""
        return self.licenses.get(self.spell(name))

    def output_rule(self, name: str) -> str:
        """Return the rule on outputs; a text that nobody has read has an unknown one."""
        entry = self.get(name)
        return entry.output_rule if entry else "unknown"

    def is_same_family(self, terms: str, base: str) -> bool:
        """Tell whether two sets of model terms belong to one family of models.

        The registry's `family` counts where either has one; a name that is not registered belongs
        to the family that it begins with, up to a hyphen. Where neither has one, the names are
        compared up to the first digit or hyphen.
        """
        if self.spell(terms) == self.spell(base):
            return True
        families = self._family(terms), self._family(base)
        if any(families):
            return families[0] == families[1]
        stems = _stem(terms), _stem(base)
        return stems[0] == stems[1] != ""

    def _family(self, name: str) -> str:
        entry = self.get(name)
        if entry:
            return entry.family
        known = {entry.family for entry in self.licenses.values() if entry.family}
        bare = f"{_bare(name)}-"
        return max((one for one in known if bare.startswith(f"{one.casefold()}-")), default="")


def _bare(name: str) -> str:
    bare = re.sub(r"^LicenseRef-[A-Za-z]+-", "", name, flags=re.IGNORECASE)
    return bare.rpartition("/")[2].casefold()


def _stem(name: str) -> str:
    return re.split(r"[\d-]", _bare(name), maxsplit=1)[0]


def ids_of(groups: Iterable[Iterable[str]]) -> tuple[str, ...]:
    """Return the ids of several lists, each once, sorted."""
    return tuple(sorted({name for group in groups for name in group}))
