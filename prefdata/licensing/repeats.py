"""The views that repeat the texts of pairs and rankings: do they hold what those imply?

`unpaired` and `sft` have an order of their own, so their rows are compared as multisets, in bounded
memory: each is hashed under a key that is drawn for this very check, and the hashes are summed.
Nobody can prepare other rows of the same sum. `labels` has the rows of `unpaired` in their order.

This file is part of the release's own ``verify.py``: it needs nothing but Python and pyarrow.
"""

from __future__ import annotations

import json
import secrets
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from hashlib import blake2b
from itertools import combinations
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from prefdata.licensing.record_hashes import BATCH, data_files, open_file, spans_of

PLAIN = ("source", "license", "lang", "group")
REPEATING = ("unpaired", "labels", "sft")
_PLAIN = {"unpaired": ("label", "id", "pair_id", *PLAIN), "sft": ("id", *PLAIN)}
_TURNS = {"unpaired": ("prompt", "completion"), "sft": ("messages",)}
_NONE = pa.record_batch({})
BORDER = b"\xff"  # no text in UTF-8 and no number of a role has this byte
ROLES = pa.array(["system", "user", "assistant"])


class Repeats:
    """Takes the rows of pairs and rankings, and compares what they imply with the other views.

    A pair gives two rows of `unpaired`, and so do the pairs of a ranking that the manifest's step
    of labels asked for. A record that prefers a text gives one row of `sft`. Views of which the
    release has no file are not asked for.
    """

    def __init__(self, release: Path) -> None:
        self.release = release
        self.files = {view: data_files(release, view) for view in REPEATING}
        self.key = secrets.token_bytes(16)
        self.sums: Counter[tuple[str, str]] = Counter()
        self.rows: Counter[tuple[str, str]] = Counter()
        self.known: dict[str, set[str]] = {}

    def expect_pairs(self, split: str, rows: pa.RecordBatch, records: Sequence[str]) -> None:
        """Take rows of `pairs`, each with the record that the lineage says it is of.

        The pairs of a ranking are left to the ranking; their ids prove whose they are.
        """
        names = zip(rows.column("id").to_pylist(), records, strict=True)
        own = [n for n, (pair, of) in enumerate(names) if pair == of or not self._is_of(pair, of)]
        rows = rows if len(own) == len(rows) else _taken(rows, own)
        texts = [rows.column(name) for name in ("chosen", "rejected")]
        self._expect(split, rows, rows.column("id"), texts)
        self._expect_best(split, rows, texts[0])

    def expect_rankings(self, split: str, rows: pa.RecordBatch) -> None:
        """Take rows of `rankings`."""
        items = rows.column("completions").flatten()
        texts, ranks = items.field("content"), items.field("rank").to_pylist()
        pairs: list[tuple[int, int, int]] = []
        ids: list[str] = []
        best: list[tuple[int, int]] = []
        names = rows.column("id").to_pylist()
        for n, (start, end) in enumerate(spans_of(rows.column("completions"))):
            last = end - start - 1
            for a, b in combinations(range(last + 1), 2) if self._every_pair else [(0, last)]:
                if ranks[start + a] < ranks[start + b]:
                    pairs.append((n, start + a, start + b))
                    ids.append(pair_of(names[n], a, b))
            if ranks[start] < ranks[end - 1]:
                best.append((n, start))
        whose, *sides = ([pair[part] for pair in pairs] for part in range(3))
        both = [_taken(texts, side) for side in sides]
        self._expect(split, _taken(rows, whose), pa.array(ids, pa.string()), both)
        preferring = _taken(rows, [n for n, _ in best])
        self._expect_best(split, preferring, _taken(texts, [place for _, place in best]))

    def _expect(self, split: str, rows: pa.RecordBatch, pairs: Any, sides: Sequence[Any]) -> None:
        if not self.files["unpaired"]:
            return
        plain = [rows.column(name) for name in PLAIN]
        for label, completion in zip(("1", "0"), sides, strict=True):
            own = [pc.binary_join_element_wise(pairs, label, "-"), pairs, *plain]
            labels = pa.array([label == "1"] * len(rows))
            self._add("unpaired", split, [labels, *own], [rows.column("prompt"), completion])

    def _expect_best(self, split: str, rows: pa.RecordBatch, best: Any) -> None:
        if self.files["sft"]:
            plain = [rows.column(name) for name in ("id", *PLAIN)]
            self._add("sft", split, plain, [rows.column("prompt"), best])

    def _add(
        self, view: str, split: str, plain: Sequence[Any], turns: Sequence[Any], *, sign: int = 1
    ) -> None:
        """Add rows to the sum; the lists of messages of one row count as one but in `unpaired`."""
        strings = [column.cast(pa.string()) for column in plain]
        joined = pc.binary_join_element_wise(
            *strings, "\0", null_handling="replace", null_replacement="\0"
        )
        heads = joined.cast(pa.binary()).to_pylist()
        border = BORDER if view == "unpaired" else b""
        total = 0
        for head, *parts in zip(heads, *map(_bytes_of, turns), strict=True):
            roles, lengths, texts = zip(*parts, strict=True)
            row = b"".join((head, BORDER, border.join(roles), BORDER, *lengths, *texts))
            digest = blake2b(row, digest_size=16, key=self.key).digest()
            total += int.from_bytes(digest, "little")
        self.sums[view, split] += sign * total
        self.rows[view, split] += sign * len(heads)

    def problems(self) -> list[str]:
        """Read the views; return which of their splits hold other rows than was expected."""
        expected = Counter(self.rows)
        problems = []
        for split in sorted({split_of(path) for own in self.files.values() for path in own}):
            unpaired, labels, sft = (
                _batches([path for path in self.files[view] if split_of(path) == split])
                for view in REPEATING
            )
            for rows, told in _side_by_side(unpaired, labels):
                if len(rows):
                    self._add("unpaired", split, *_columns("unpaired", rows), sign=-1)
                if self.files["labels"]:
                    problems += [f"labels/{split} {text}" for text in self._labels(rows, told)]
            for rows in sft:
                self._add("sft", split, *_columns("sft", rows), sign=-1)
        return problems + [
            f"{view}/{split}: {expected[view, split] - more} rows, not the "
            f"{expected[view, split]} that pairs and rankings give"
            for (view, split), more in sorted(self.rows.items())
            if more or self.sums[view, split]
        ]

    def _labels(self, unpaired: pa.RecordBatch, labels: pa.RecordBatch) -> Iterator[str]:
        """Yield which rows of `labels` are not those of `unpaired`, one after the other."""
        if len(unpaired) != len(labels):
            yield "does not have as many rows as unpaired"
            return
        text = self._text(unpaired.column("prompt"), unpaired.column("completion"))
        for name in ("id", "text", "label", "pair_id", *PLAIN):
            wanted = text if name == "text" else unpaired.column(name)
            same = pc.equal(wanted, labels.column(name).cast(wanted.type)).fill_null(False)
            for row in labels.column("id").filter(pc.invert(same)).to_pylist():
                yield f"row {row}: its {name} is not that of unpaired"

    def _text(self, prompt: Any, completion: Any) -> Any:
        """Return prompt and completion in the template of `labels`."""
        template = self._manifest["settings"]["template"]
        before, after = (_joined(turns, template) for turns in (prompt, completion))
        alone = pc.equal(pc.list_value_length(prompt), 0)
        both = pc.binary_join_element_wise(before, after, template["separator"])
        return pc.if_else(alone, after, both)

    def _is_of(self, pair: str, ranking: str) -> bool:
        if ranking not in self.known:  # the pairs of a ranking follow one another
            places = combinations(range(self._most), 2)
            self.known = {ranking: {pair_of(ranking, a, b) for a, b in places}}
        return pair in self.known[ranking]

    @cached_property
    def _most(self) -> int:
        """Return how many completions the longest ranking has."""
        most = 0
        for path in data_files(self.release, "rankings"):
            with open_file(path) as file:
                for batch in file.iter_batches(columns=["completions.list.element.rank"]):
                    own = pc.max(pc.list_value_length(batch.column("completions"))).as_py()
                    most = max(most, own or 0)
        return most

    @cached_property
    def _manifest(self) -> Any:
        return json.loads((self.release / "manifest.json").read_bytes())

    @cached_property
    def _every_pair(self) -> bool:
        steps = [step for step in self._manifest["steps"] if step["kind"] == "labels"]
        return any(step["settings"].get("rankings") == "all" for step in steps)


def split_of(path: Path) -> str:
    """Return the split that a data file is named after."""
    return path.name.partition("-")[0]


def pair_of(ranking: str, better: int, worse: int) -> str:
    """Return the id of a ranking's pair by the places of its texts."""
    hasher = blake2b(digest_size=16)
    for part in ("pair", ranking, str(better), str(worse)):
        hasher.update(len(part.encode()).to_bytes(8, "big") + part.encode())
    return hasher.hexdigest()


def _batches(paths: Sequence[Path]) -> Iterator[pa.RecordBatch]:
    for path in paths:
        with open_file(path) as file:
            yield from file.iter_batches(BATCH, use_threads=False)


def _columns(view: str, rows: pa.RecordBatch) -> list[list[Any]]:
    return [[rows.column(name) for name in names[view]] for names in (_PLAIN, _TURNS)]


def _side_by_side(*streams: Iterator[Any]) -> Iterator[list[Any]]:
    """Yield equally many rows of each stream at a time; at the end, what only one still has."""
    held = [next(stream, _NONE) for stream in streams]
    while any(map(len, held)):
        size = min(map(len, held)) or max(map(len, held))
        yield [rows.slice(0, size) for rows in held]
        held = [rows.slice(size) for rows in held]
        held = [
            rows if len(rows) else next(s, _NONE) for rows, s in zip(held, streams, strict=True)
        ]


def _taken(rows: Any, index: Sequence[int]) -> Any:
    return rows.take(pa.array(index, pa.int64()))


def _bytes_of(column: Any) -> Iterator[tuple[memoryview, memoryview, memoryview]]:
    """Yield of each conversation the roles, the lengths and the texts as they lie in memory."""
    roles, contents = column.flatten().flatten()
    numbers = pc.index_in(roles, ROLES).fill_null(len(ROLES)).cast(pa.uint8())
    whose, lengths = (
        memoryview(part.buffers()[1] or b"") for part in (numbers, pc.binary_length(contents))
    )
    text = memoryview(contents.buffers()[2] or b"")
    ends = memoryview(contents.buffers()[1] or b"").cast("i")[contents.offset :]
    for a, b in spans_of(column):
        yield whose[a:b], lengths[4 * a : 4 * b], text[ends[a] : ends[b]]


def _joined(turns: Any, template: Mapping[str, str]) -> Any:
    roles, contents = turns.flatten().flatten()
    known = roles.dictionary_encode()
    marks = pa.array([template[role] for role in known.dictionary.to_pylist()], pa.string())
    marked = pc.binary_join_element_wise(marks.take(known.indices), contents, "")
    offsets = pc.subtract(turns.offsets, turns.offsets[0])
    return pc.binary_join(pa.ListArray.from_arrays(offsets, marked), template["separator"])
