"""The walk over MeCab's nodes in compiled code (numba), over the libmecab of fugashi's wheel.

Needs the extra ``[fast]`` and a 64-bit Linux layout of MeCab 0.996; `mecab` and `features` compare it
with the pure road before they use it. Compiling takes a few seconds once; numba keeps the result.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, overload

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import carray, njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from prefdata.text.classes import CONTENT, of_left_ids, of_unknown
from prefdata.text.features import CONTENT as CONTENT_POS
from prefdata.text.features import Features, printable
from prefdata.text.loops import LONGEST as LONGEST_UNIT
from prefdata.text.mecab import ITEM, LONGEST, Pure, Words, dictionary

# mypy: disable-error-code="untyped-decorator, no-untyped-def"
# numba has no types; the compiled functions below are called through `Accelerated` alone.


@intrinsic
def _pointer(typing_context, address):
    def generate(context, builder, signature, arguments):
        return builder.inttoptr(arguments[0], cgutils.voidptr_t)

    return types.voidptr(address), generate


@intrinsic
def _parse(typing_context, function, tagger, text, length):
    """Call ``mecab_sparse_tonode2``; its address is an argument, so that the code can be kept."""

    def generate(context, builder, signature, arguments):
        kind = ir.FunctionType(cgutils.intp_t, [cgutils.intp_t] * 3)
        return builder.call(builder.inttoptr(arguments[0], kind.as_pointer()), arguments[1:])

    return types.uint64(function, tagger, text, length), generate


@njit(cache=True, inline="always")
def _mix(x):
    x ^= x >> np.uint64(32)
    x *= np.uint64(0xD6E8FEB86659FD93)
    x ^= x >> np.uint64(32)
    x *= np.uint64(0xD6E8FEB86659FD93)
    return x ^ (x >> np.uint64(32))


@njit(cache=True)
def _walk(function, tagger, address, offsets, known, unknown, prefixes, found):
    """Write the words of texts in UTF-8 that lie at `offsets`: see `_Found`."""
    ends, classes, content, is_unknown, begins, stops, digests = found
    words = 0
    for i in range(len(offsets) - 1):
        start = np.uint64(address + offsets[i])
        length = offsets[i + 1] - offsets[i]
        text = carray(_pointer(start), length, np.uint8)
        byte = character = np.int64(0)
        node = _parse(np.uint64(function), np.uint64(tagger), start, np.uint64(length))
        while node != 0:
            # mecab_node_t: next at 1, surface at 6, feature at 7; length in 8; left id and stat in 9
            fields = carray(_pointer(node), 12, np.uint64)
            stat = (fields[9] >> np.uint64(56)) & np.uint64(255)
            if stat < 2:
                first = np.int64(fields[6] - start)
                stop = first + np.int64((fields[8] >> np.uint64(32)) & np.uint64(0xFFFF))
                for place in range(byte, first):  # blanks
                    character += (text[place] & 0xC0) != 0x80
                begins[words] = character
                digest = np.uint64(1469598103934665603)
                for place in range(first, stop):
                    character += (text[place] & 0xC0) != 0x80
                    digest = (digest ^ np.uint64(text[place])) * np.uint64(1099511628211)
                byte = stop
                stops[words] = character
                digests[words] = _mix(digest)
                is_unknown[words] = stat == 1
                if stat == 1:
                    pos = _begins(fields[7], prefixes)
                    classes[words], content[words] = unknown[pos]
                else:
                    left = np.int64((fields[9] >> np.uint64(16)) & np.uint64(0xFFFF))
                    classes[words], content[words] = known[left]
                words += 1
            node = fields[1]
        ends[i] = words


@njit(cache=True)
def _begins(address, prefixes):
    """Return which of the prefixes a feature begins with; their number for none."""
    feature = carray(_pointer(address), prefixes.shape[1], np.uint8)
    for n in range(prefixes.shape[0]):
        same = True
        for k in range(prefixes.shape[1]):
            if prefixes[n, k] == 0:
                break
            if feature[k] != prefixes[n, k]:
                same = False
                break
        if same:
            return n
    return prefixes.shape[0]


@njit(cache=True)
def _distinct_bigrams(digests, out, ends):
    """Write the number of distinct pairs of neighbors of each text."""
    capacity = 4096
    keys = np.empty(capacity, np.uint64)
    generations = np.zeros(capacity, np.uint32)
    generation = np.uint32(0)
    first = 0
    for i in range(len(ends)):
        while capacity < (ends[i] - first) * 2:
            capacity *= 2
        if capacity > len(keys):
            keys = np.empty(capacity, np.uint64)
            generations = np.zeros(capacity, np.uint32)
            generation = np.uint32(0)
        generation += np.uint32(1)
        mask = np.uint64(capacity - 1)
        distinct = 0
        for n in range(first + 1, ends[i]):
            pair = _mix(digests[n - 1] * np.uint64(3) + digests[n])
            place = pair & mask
            while generations[place] == generation and keys[place] != pair:
                place = (place + np.uint64(1)) & mask
            if generations[place] != generation:
                generations[place] = generation
                keys[place] = pair
                distinct += 1
        out[i] = distinct
        first = ends[i]


@njit(cache=True)
def _may_loop(digests, content, ends, out):
    """Write what `loops.may_loop` says of each text."""
    first = 0
    for i in range(len(ends)):
        out[i] = False
        for n in range(first, ends[i] - 2):
            if content[n] and _is_periodic(digests, content, n, ends[i]):
                out[i] = True
                break
        first = ends[i]


@njit(cache=True)
def _is_periodic(digests, content, first, end):
    for size in range(1, min(LONGEST_UNIT, (end - 1 - first) // 2) + 1):
        second, third = first + size, first + 2 * size
        if (
            digests[first] == digests[second] == digests[third]
            and content[second]
            and content[third]
        ):
            k = 1
            while k < size and digests[first + k] == digests[second + k]:
                k += 1
            if k == size:
                return True
    return False


class Surfaces(Sequence[str]):
    """The words of a text as places in it; they are cut out when they are asked for."""

    __slots__ = ("_begins", "_stops", "_text")

    def __init__(self, text: str, begins: memoryview, stops: memoryview) -> None:
        self._text, self._begins, self._stops = text, begins, stops

    def __len__(self) -> int:
        return len(self._begins)

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[str, ...]: ...
    def __getitem__(self, place: int | slice) -> str | tuple[str, ...]:
        if isinstance(place, slice):
            places = zip(self._begins[place].tolist(), self._stops[place].tolist(), strict=True)
            return tuple([self._text[begin:stop] for begin, stop in places])
        return self._text[self._begins[place] : self._stops[place]]

    def __iter__(self) -> Iterator[str]:
        return iter(self[:])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and self[:] == tuple(other)

    __hash__ = None  # type: ignore[assignment]  # as a list has none


class _Found:
    """Room for the words of a batch: one array for each of their properties."""

    def __init__(self, texts: int, size: int) -> None:
        self.ends = np.empty(texts, np.int64)  # the number of words up to the end of each text
        self.classes = np.empty(size, np.uint8)
        self.content = np.empty(size, np.uint8)
        self.is_unknown = np.empty(size, np.uint8)
        self.begins = np.empty(size, np.int32)  # in characters
        self.stops = np.empty(size, np.int32)
        self.digests = np.empty(size, np.uint64)


class Accelerated:
    """Words and counts in compiled code, without a Python string for each word."""

    def __init__(self) -> None:
        import fugashi

        folder = Path(fugashi.__file__).parent.parent / "fugashi.libs"
        mecab = ctypes.CDLL(str(next(folder.glob("libmecab*"), folder / "libmecab.so")))
        mecab.mecab_model_new2.restype = ctypes.c_void_p
        mecab.mecab_model_new2.argtypes = [ctypes.c_char_p]
        mecab.mecab_model_new_tagger.restype = ctypes.c_void_p
        mecab.mecab_model_new_tagger.argtypes = [ctypes.c_void_p]
        files = dictionary()
        model = mecab.mecab_model_new2(f"-r {files}/mecabrc -d {files}".encode())
        if not model:
            raise OSError("MeCab cannot open its dictionary")
        self._tagger = mecab.mecab_model_new_tagger(model)
        self._function = ctypes.cast(mecab.mecab_sparse_tonode2, ctypes.c_void_p).value
        self._known = np.zeros((65536, 2), np.uint8)
        for number, pos, mark in of_left_ids(files):
            self._known[number] = ord(mark), pos in CONTENT_POS
        marks = of_unknown()
        rows = [(ord(mark), pos in CONTENT_POS) for pos, mark in marks.items()]
        self._unknown = np.array([*rows, (ord("~"), False)])  # the last for any other
        self._prefixes = np.zeros((len(marks), 32), np.uint8)
        for n, pos in enumerate(marks):
            encoded = f"{pos},".encode()
            self._prefixes[n, : len(encoded)] = np.frombuffer(encoded, np.uint8)
        self._is_content = np.array([chr(code) in CONTENT for code in range(256)])
        self._pure = Pure()

    def words(self, texts: Sequence[str]) -> list[Words]:
        """Return the words of each text; very long ones are left to the pure road."""
        if any(len(text) > LONGEST for text in texts):
            return [(self._pure if len(t) > LONGEST else self).words([t])[0] for t in texts]
        found = self._walk(texts)
        loops = np.empty(len(texts), np.bool_)
        ends = found.ends.tolist()
        marks = found.classes[: ends[-1] if ends else 0]
        _may_loop(found.digests, self._is_content[marks], found.ends, loops)
        classes = marks.tobytes().decode("ascii")
        begins, stops = found.begins.data, found.stops.data
        words, first = [], 0
        for text, stop, loop in zip(texts, ends, loops.tolist(), strict=True):
            surfaces = Surfaces(text, begins[first:stop], stops[first:stop])
            words.append(Words(surfaces, classes[first:stop], loop, ITEM in text))
            first = stop
        return words

    def many(self, texts: Sequence[str]) -> list[Features]:
        """Return the features of each text."""
        return [Features(*row) for row in self.counts(texts).tolist()]

    def counts(self, texts: Sequence[str]) -> Any:
        """Return the features as an array: (text, feature)."""
        found = self._walk([text if text.isprintable() else printable(text) for text in texts])
        counts = np.empty((len(texts), 4), np.int64)
        bounds = np.concatenate([[0], found.ends])
        counts[:, 0] = np.diff(bounds)
        for column, kind in ((1, found.content), (2, found.is_unknown)):
            sums = np.concatenate([[0], np.cumsum(kind[: bounds[-1]], dtype=np.int64)])
            counts[:, column] = np.diff(sums[bounds])
        _distinct_bigrams(found.digests, counts[:, 3], found.ends)
        return counts

    def _walk(self, texts: Sequence[str]) -> _Found:
        encoded = [text.encode("utf-8") for text in texts]
        offsets = np.zeros(len(encoded) + 1, np.int64)
        np.cumsum([len(text) for text in encoded], out=offsets[1:])
        buffer = np.frombuffer(b"".join(encoded) + b"\x00", np.uint8)
        found = _Found(len(texts), len(buffer))
        _walk(
            self._function,
            self._tagger,
            buffer.ctypes.data,
            offsets,
            self._known,
            self._unknown,
            self._prefixes,
            tuple(vars(found).values()),
        )
        return found
