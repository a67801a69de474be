"""Preference records: a prompt, its completions, and which of them people preferred.

One type flows from the sources to the license gate. A pair is a record with two completions,
a ranking one with two or more; everything but the published views treats them alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from itertools import combinations
from typing import Literal, TypeAlias

from prefdata.core.finding import Finding
from prefdata.core.origin import Origin

Role: TypeAlias = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation, in the words of TRL's conversational format."""

    role: Role
    content: str


Conversation: TypeAlias = tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class Completion:
    """One answer to the prompt: its messages, its rank (1 is best, ties share it), its scores."""

    messages: Conversation
    rank: int
    scores: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Original:
    """The texts of a record before translation, completions in the same order."""

    lang: str
    prompt: Conversation
    completions: tuple[Conversation, ...]


@dataclass(frozen=True, slots=True)
class Preference:
    """A prompt and two or more completions that people compared.

    `id` is a digest of `pair_key` and `lang`; English and Japanese of one row share `pair_key`.
    Completions are sorted by rank, so the first is the (or a) best one. `margin` says how much
    better the best is than the worst, in the source's own scale. `lang` is BCP 47. `group` is the
    dialogue it belongs to: one group, one split. `pairing` says which pairs a ranking yields.
    `original` holds the source texts of a translated record, `translation` the fingerprint of
    translator and settings; both None for native text. `license` is the SPDX expression of the
    content, None until the license gate has decided.
    """

    id: str
    pair_key: str
    kind: Literal["pair", "ranking"]
    prompt: Conversation
    completions: tuple[Completion, ...]
    lang: str
    group: str
    origin: Origin
    margin: float | None = None
    pairing: Literal["all", "best_worst"] = "all"
    original: Original | None = None
    translation: str | None = None
    findings: tuple[Finding, ...] = ()
    license: str | None = None

    @property
    def chosen(self) -> Conversation:
        """Return the messages of the best completion."""
        return self.completions[0].messages

    @property
    def rejected(self) -> Conversation:
        """Return the messages of the worst completion."""
        return self.completions[-1].messages

    def side(self, index: int) -> str:
        """Name completion `index` the way findings and drop logs do."""
        if self.kind == "pair":
            return ("chosen", "rejected")[index]
        return f"completion_{index}"

    def swapped(self) -> Preference:
        """Return the pair with its preference turned round; for tests of blindness."""
        first, second = self.completions
        turned = (replace(second, rank=first.rank), replace(first, rank=second.rank))
        original = self.original and replace(
            self.original, completions=tuple(reversed(self.original.completions))
        )
        return replace(self, completions=turned, original=original)

    def pairs(self) -> Iterator[tuple[int, int]]:
        """Yield (better, worse) indices of completions; see `pairs_of_ranks`."""
        return pairs_of_ranks([completion.rank for completion in self.completions], self.pairing)

    def only(self, indices: Sequence[int]) -> Preference:
        """Return the record with only these completions, in their order."""
        original = self.original and replace(
            self.original, completions=tuple(self.original.completions[i] for i in indices)
        )
        return replace(
            self, completions=tuple(self.completions[i] for i in indices), original=original
        )


def pairs_of_ranks(ranks: Sequence[int], pairing: str) -> Iterator[tuple[int, int]]:
    """Yield (better, worse) indices into sorted ranks; ties give none.

    ``all`` gives every pair of different ranks, ``best_worst`` the first against the last.
    """
    last = len(ranks) - 1
    candidates = [(0, last)] if pairing == "best_worst" else combinations(range(last + 1), 2)
    return ((better, worse) for better, worse in candidates if ranks[better] < ranks[worse])


def pair_id(record: str, kind: str, better: int, worse: int) -> str:
    """Return the id of a derived pair; that of a plain pair is its record's own."""
    return record if kind == "pair" else digest("pair", record, str(better), str(worse))


def digest(*parts: str) -> str:
    """Return 32 hex digits over the parts; no two lists of parts share their bytes."""
    hasher = blake2b(digest_size=16)
    for part in parts:
        encoded = part.encode("utf-8", "surrogatepass")
        hasher.update(len(encoded).to_bytes(8, "big"))
        hasher.update(encoded)
    return hasher.hexdigest()


def pair_key(source: str, revision: str, row: str) -> str:
    """Return the key that all languages of one source row share."""
    return digest("row", source, revision, row)


def record_id(key: str, lang: str) -> str:
    """Return the id of a record: its row's key in one language."""
    return digest("record", key, lang)


def group_of(prompt: Conversation) -> str:
    """Return the dialogue's group: a digest of the first user turn's normal form.

    Case, white space at both ends and runs of white space do not count.
    """
    first = next((m.content for m in prompt if m.role == "user"), "")
    return digest("group", " ".join(first.casefold().split()))
