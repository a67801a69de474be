"""What license and terms texts say: one entry an id, and what hub tags stand for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

OutputRule = Literal["none", "notice", "derivative_model", "no_compete", "no_other_llm", "unknown"]
OUTPUT_RULES = ("none", "notice", "derivative_model", "no_compete", "no_other_llm", "unknown")


@dataclass(frozen=True, slots=True)
class License:
    """The rights axes of one text, each resting on a clause quoted in the registry.

    `derivatives` is ``make_only`` where adapted material may be made but not shared.
    `share_alike` lists the ids under which adapted material may go out; empty: any.
    `database_only` says that the text grants nothing in the contents.
    """

    id: str
    name: str = ""
    kind: str = "license"
    commercial: bool = True
    derivatives: str = "yes"
    share_alike: tuple[str, ...] = ()
    database_only: bool = False
    obligations: tuple[str, ...] = ()
    output_rule: str = "none"
    family: str = ""
    text_file: str = ""
    text_sha256: str = ""


@dataclass(frozen=True)
class LicenseBook:
    """All registered texts by id, and the hub's tags."""

    licenses: Mapping[str, License]
    hub_tags: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        folded = {name.casefold(): name for name in self.licenses}
        object.__setattr__(self, "_folded", folded)

    def spell(self, name: str) -> str:
        """Return an id in the registry's spelling; unknown ones as they are."""
        folded: Mapping[str, str] = getattr(self, "_folded")  # noqa: B009  set in __post_init__
        return folded.get(name.casefold(), name)

    def get(self, name: str) -> License | None:
        """Return the entry of an id, or None if nobody has registered it."""
        return self.licenses.get(self.spell(name))

    def output_rule(self, name: str) -> str:
        """Return the rule on outputs; a text that nobody has read has an unknown one."""
        entry = self.get(name)
        return entry.output_rule if entry else "unknown"

    def is_same_family(self, terms: str, base: str) -> bool:
        """Tell whether two sets of model terms belong to one family of models.

        The registry's `family` counts where both have one, else the name up to the first digit
        or hyphen.
        """
        if self.spell(terms) == self.spell(base):
            return True
        one, other = self.get(terms), self.get(base)
        if one and other and one.family and other.family:
            return one.family == other.family
        stems = _stem(terms), _stem(base)
        return stems[0] == stems[1] != ""


def _stem(name: str) -> str:
    bare = re.sub(r"^LicenseRef-[A-Za-z]+-", "", name, flags=re.IGNORECASE).rpartition("/")[2]
    return re.split(r"[\d-]", bare, maxsplit=1)[0].casefold()


def ids_of(groups: Iterable[Iterable[str]]) -> tuple[str, ...]:
    """Return the ids of several lists, each once, sorted."""
    return tuple(sorted({name for group in groups for name in group}))
