"""What a filter sees of a record: texts in two languages, never which of them people preferred."""

from __future__ import annotations

from dataclasses import dataclass, replace

from prefdata.core.finding import Finding
from prefdata.core.records import Conversation, Preference, Role, digest


@dataclass(frozen=True, slots=True)
class Turn:
    """One message: `source` is None for a text that was not translated."""

    role: Role
    source: str | None
    target: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """A prompt and its completions, in an order that says nothing about the preference.

    Completions are ordered by a digest of their texts. A filter's findings name the side as
    ``prompt``, ``pair`` (the record as a whole) or ``completion_<n>``, n counting in this order;
    `turn` counts messages within that side. `kind` is the source kind, `lang` that of the targets.
    """

    kind: str
    lang: str
    prompt: tuple[Turn, ...]
    completions: tuple[tuple[Turn, ...], ...]

    @property
    def is_native(self) -> bool:
        """Tell whether the record was born in its language."""
        return all(turn.source is None for turn in (*self.prompt, *self.completions[0]))


@dataclass(frozen=True, slots=True)
class Blinded:
    """A comparison, and the way back: `places[n]` is the record's index of its completion n."""

    view: Comparison
    places: tuple[int, ...]

    def unblind(self, finding: Finding, record: Preference) -> Finding:
        """Return a filter's finding with the side as drop logs name it."""
        prefix, _, number = finding.side.partition("_")
        if prefix != "completion" or not number.isdigit() or int(number) >= len(self.places):
            return finding
        return replace(finding, side=record.side(self.places[int(number)]))


def blind(record: Preference) -> Blinded:
    """Return what filters may see of a record.

    >>> from prefdata.filters.view import blind
    >>> # blind(record).view == blind(record.swapped()).view
    """
    original = record.original
    prompt = _turns(original.prompt if original else None, record.prompt)
    completions = [
        _turns(original.completions[n] if original else None, completion.messages)
        for n, completion in enumerate(record.completions)
    ]
    places = sorted(range(len(completions)), key=lambda n: _digest(completions[n]))
    view = Comparison(
        record.origin.kind, record.lang, prompt, tuple(completions[n] for n in places)
    )
    return Blinded(view, tuple(places))


def _turns(sources: Conversation | None, targets: Conversation) -> tuple[Turn, ...]:
    if sources is None or len(sources) != len(targets):
        return tuple(Turn(m.role, None, m.content) for m in targets)
    return tuple(
        Turn(target.role, source.content, target.content)
        for source, target in zip(sources, targets, strict=True)
    )


def _digest(turns: tuple[Turn, ...]) -> str:
    return digest(*(part for turn in turns for part in _parts(turn)))


def _parts(turn: Turn) -> tuple[str, ...]:
    return (
        (turn.role, turn.target) if turn.source is None else (turn.role, turn.target, turn.source)
    )
