"""Which of many comparisons are equal, nearly equal, or equal with the opposite preference.

Near ones are found by MinHash over prompt and completions, compared part by part. Signatures lie in
a file; memory grows by about 400 bytes a record.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

import numpy as np
import xxhash

from prefdata.core.records import Conversation, Preference
from prefdata.store.signatures import Signatures, normal

PARTS: Final = 3  # the prompt, the first completion, the others together


class Match(NamedTuple):
    """Why a record is not the only one of its kind: `of` is the id of the record that is kept."""

    code: str
    of: str
    measured: float = 1.0


class Index:
    """Digests and signatures of all records; add them in order, then ask for the matches."""

    def __init__(self, scratch: Path, shortest: int, *, near: bool = True) -> None:
        self.scratch = scratch
        self.signatures = Signatures(scratch / "signatures", shortest, PARTS)
        self.near = near
        self.ids: list[str] = []
        self.exact = bytearray()
        self.unordered = bytearray()

    def __enter__(self) -> Self:
        self.scratch.mkdir(parents=True, exist_ok=True)
        self.signatures.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self.signatures.__exit__(*error)
        shutil.rmtree(self.scratch, ignore_errors=True)

    def add(self, records: Sequence[Preference]) -> None:
        """Take the next records in."""
        texts: list[str] = []
        for record in records:
            prompt = _normal(record.prompt)
            answers = [_normal(completion.messages) for completion in record.completions]
            texts += (prompt, answers[0], "\x1e".join(answers[1:]))
            digests = [_digest(answer) for answer in answers]
            self.ids.append(record.id)
            self.exact += _digest_of(_digest(prompt), *digests)
            self.unordered += _digest_of(_digest(prompt), *sorted(digests))
        if self.near:
            self.signatures.add(texts)

    def matches(self, threshold: float) -> dict[int, list[Match]]:
        """Return the matches of every record that has one, by its place."""
        found: dict[int, list[Match]] = {}
        for place, keeper in self._equal(self.exact).items():
            found[place] = [Match("duplicate_exact", self.ids[keeper])]
        for place, other in self._contradictions(found).items():
            found.setdefault(place, []).append(Match("contradicting_labels", self.ids[other]))
        if self.near:
            done = np.zeros(len(self.ids), bool)
            done[list(found)] = True
            # The lowest id is kept, so that the order of records does not matter.
            near = self.signatures.clusters(threshold, done, self.ids.__getitem__)
            for place, (keeper, similar) in near.items():
                match = Match("duplicate_near", self.ids[keeper], round(similar, 4))
                found.setdefault(place, []).append(match)
        return found

    def _equal(self, keys: bytearray) -> dict[int, int]:
        """Return for every record but one of each key the record that is kept: the lowest id."""
        order, starts = self._groups(keys)
        found: dict[int, int] = {}
        for group in np.split(order, starts) if len(order) else ():
            if len(group) > 1:
                keeper = int(group[0])
                found.update({int(place): keeper for place in group[1:]})
        return found

    def _groups(self, keys: bytearray) -> tuple[Any, Any]:
        """Return places ordered by key and id, and where a new key begins."""
        pairs = np.frombuffer(bytes(keys), np.uint64).reshape(-1, 2)
        ids = np.array([id_.encode() for id_ in self.ids], np.bytes_)
        order = np.lexsort((ids, pairs[:, 1], pairs[:, 0]))
        differs = (pairs[order][1:] != pairs[order][:-1]).any(axis=1)
        return order, np.flatnonzero(differs) + 1

    def _contradictions(self, dropped: dict[int, list[Match]]) -> dict[int, int]:
        """Return records with the same texts in another order of preference, both ways."""
        order, starts = self._groups(self.unordered)
        found: dict[int, int] = {}
        for group in np.split(order, starts) if len(order) else ():
            places = [int(place) for place in group if int(place) not in dropped]
            if len(places) > 1:
                found |= {place: places[0 if n else 1] for n, place in enumerate(places)}
        return found


def _digest(text: str) -> bytes:
    return xxhash.xxh3_128_digest(text.encode("utf-8", "surrogatepass"))


def _digest_of(*digests: bytes) -> bytes:
    return xxhash.xxh3_128_digest(b"".join(digests))


def _normal(messages: Conversation) -> str:
    """Return a conversation without white space, width and case; punctuation stays."""
    return normal("".join(f"\x00{message.role}\x00{message.content}" for message in messages))
