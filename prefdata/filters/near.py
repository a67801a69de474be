"""Which of many comparisons are equal, nearly equal, or equal with the opposite preference.

MinHash over character 5-grams (rensa, which is 7 times as fast as datasketch), banded; candidates
are compared part by part. Signatures lie in a file; memory grows by about 400 bytes a record.
"""

from __future__ import annotations

import os
import shutil
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

import numpy as np
import xxhash

from prefdata.core.records import Conversation, Preference

PERMUTATIONS: Final = 128
PARTS: Final = 3  # the prompt, the first completion, the others together
_BANDS: Final = 16  # of 8 values: 0.5 of the pairs at Jaccard 0.70 are candidates, 0.99 at 0.85
_SEED: Final = 20241110
_N: Final = 5
_ROW: Final = PARTS * PERMUTATIONS * 4  # bytes of one record in the file
_GROUP: Final = 200  # records of one bucket that are compared with each other


class Match(NamedTuple):
    """Why a record is not the only one of its kind: `of` is the id of the record that is kept."""

    code: str
    of: str
    measured: float = 1.0


class Index:
    """Digests and signatures of all records; add them in order, then ask for the matches."""

    def __init__(self, scratch: Path, shortest: int, *, near: bool = True) -> None:
        self.scratch = scratch
        self.shortest = shortest
        self.near = near
        self.ids: list[str] = []
        self.exact = bytearray()
        self.unordered = bytearray()

    def __enter__(self) -> Self:
        self.scratch.mkdir(parents=True, exist_ok=True)
        self.signatures = (self.scratch / "signatures").open("w+b")
        return self

    def __exit__(self, *error: object) -> None:
        self.signatures.close()
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
        if self.near and records:
            self.signatures.write(self._signatures(texts).tobytes())

    def _signatures(self, texts: Sequence[str]) -> Any:
        """Return one signature a text; a short one's is that of its exact text alone."""
        from rensa import RMinHash

        sets = [
            list({text[n : n + _N] for n in range(len(text) - _N + 1)})
            if len(text) >= self.shortest
            else ["\x00" + text]
            for text in texts
        ]
        return np.array(RMinHash.digests_from_token_sets(sets, PERMUTATIONS, _SEED), np.uint32)

    def matches(self, threshold: float) -> dict[int, list[Match]]:
        """Return the matches of every record that has one, by its place."""
        found: dict[int, list[Match]] = {}
        for place, keeper in self._equal(self.exact).items():
            found[place] = [Match("duplicate_exact", self.ids[keeper])]
        for place, other in self._contradictions(found).items():
            found.setdefault(place, []).append(Match("contradicting_labels", self.ids[other]))
        if self.near and self.ids:
            self.signatures.flush()
            for place, (keeper, similar) in self._near(threshold, set(found)).items():
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

    def _near(self, threshold: float, done: set[int]) -> dict[int, tuple[int, float]]:
        """Return for each near duplicate its keeper and how similar they are."""
        parent = list(range(len(self.ids)))
        similarity: dict[int, float] = {}
        keys = self._band_keys()
        for group in _buckets(keys):
            places = [place for place in group if place not in done]
            for n, a in enumerate(places[:_GROUP]):
                for b in places[n + 1 : _GROUP]:
                    if _root(parent, a) == _root(parent, b):
                        continue
                    similar = float((self._row(a) == self._row(b)).mean(axis=1).min())
                    if similar >= threshold:
                        self._join(parent, a, b)
                        for place in (a, b):
                            similarity[place] = max(similar, similarity.get(place, 0.0))
        joined = {place: _root(parent, place) for place in similarity}
        return {p: (root, similarity[p]) for p, root in joined.items() if p != root}

    def _row(self, place: int) -> Any:
        """Read the signatures of one record: (part, permutation)."""
        data = os.pread(self.signatures.fileno(), _ROW, place * _ROW)
        return np.frombuffer(data, np.uint32).reshape(PARTS, PERMUTATIONS)

    def _band_keys(self, chunk: int = 8192) -> Any:
        """Return one 64-bit key a record and band: (record, band).

        The signature of a union is the smaller value of each place, so that of the whole
        comparison follows from its parts.
        """
        keys = np.empty((len(self.ids), _BANDS), np.uint64)
        for start in range(0, len(self.ids), chunk):
            data = os.pread(self.signatures.fileno(), chunk * _ROW, start * _ROW)
            values = np.frombuffer(data, np.uint32).reshape(-1, PARTS, PERMUTATIONS).min(axis=1)
            bands = values.reshape(len(values), _BANDS, -1).astype(np.uint64)
            mixed = np.zeros((len(values), _BANDS), np.uint64)
            for column in np.moveaxis(bands, 2, 0):
                mixed = (mixed ^ column) * np.uint64(0x9E3779B97F4A7C15)
                mixed ^= mixed >> np.uint64(29)
            keys[start : start + len(values)] = mixed
        return keys

    def _join(self, parent: list[int], a: int, b: int) -> None:
        """Join two clusters under the lower id, so that the order of records does not matter."""
        first, second = sorted((_root(parent, a), _root(parent, b)), key=self.ids.__getitem__)
        parent[second] = first


def _root(parent: list[int], place: int) -> int:
    while parent[place] != place:
        parent[place] = parent[parent[place]]
        place = parent[place]
    return place


def _buckets(keys: Any) -> Iterator[list[int]]:
    """Yield places of records that agree in one band."""
    for band in range(_BANDS):
        own = keys[:, band]
        order = np.argsort(own, kind="stable")
        ends = np.flatnonzero(np.diff(own[order])) + 1
        starts = np.concatenate([[0], ends])
        sizes = np.diff(np.concatenate([starts, [len(order)]]))
        for start, size in zip(starts[sizes > 1], sizes[sizes > 1], strict=True):
            yield order[start : start + size].tolist()


def _digest(text: str) -> bytes:
    return xxhash.xxh3_128_digest(text.encode("utf-8", "surrogatepass"))


def _digest_of(*digests: bytes) -> bytes:
    return xxhash.xxh3_128_digest(b"".join(digests))


def _normal(messages: Conversation) -> str:
    """Return a conversation without white space, width and case; punctuation stays."""
    text = "".join(f"\x00{message.role}\x00{message.content}" for message in messages)
    if not unicodedata.is_normalized("NFKC", text):
        text = unicodedata.normalize("NFKC", text)
    return "".join(text.split()).casefold()
