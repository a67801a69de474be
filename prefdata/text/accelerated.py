"""The walk over MeCab's nodes in compiled code (numba), over the libmecab of fugashi's wheel.

Needs the extra ``[fast]`` and a 64-bit Linux layout of MeCab 0.996; `features.counter` compares it
with the pure road before it is used. Compiling takes about a second at the first use.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numba import carray, njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from prefdata.text.features import Features, printable
from prefdata.text.mecab import CONTENT, dictionary

# mypy: disable-error-code="untyped-decorator, no-untyped-def"
# numba has no types; the compiled functions below are called through `Accelerated` alone.


@intrinsic
def _pointer(typing_context, address):
    def generate(context, builder, signature, arguments):
        return builder.inttoptr(arguments[0], cgutils.voidptr_t)

    return types.voidptr(address), generate


@njit(nogil=True, inline="always")
def _mix(x):
    x ^= x >> np.uint64(32)
    x *= np.uint64(0xD6E8FEB86659FD93)
    x ^= x >> np.uint64(32)
    x *= np.uint64(0xD6E8FEB86659FD93)
    return x ^ (x >> np.uint64(32))


def _library() -> ctypes.CDLL:
    import fugashi

    folder = Path(fugashi.__file__).parent.parent / "fugashi.libs"
    return ctypes.CDLL(str(next(folder.glob("libmecab*"), folder / "libmecab.so")))


_LIB = _library()
_SIZE = ctypes.c_size_t
_parse = _LIB.mecab_sparse_tonode2
_parse.argtypes = [_SIZE, _SIZE, _SIZE]
_parse.restype = _SIZE


@njit(nogil=True)
def _count(tagger, address, offsets, table, prefixes, out):  # noqa: C901  # one loop, for speed
    capacity = 4096
    keys = np.empty(capacity, np.uint64)
    generations = np.zeros(capacity, np.uint32)
    generation = np.uint32(0)
    for i in range(len(offsets) - 1):
        length = offsets[i + 1] - offsets[i]
        if length * 2 + 16 > capacity:
            while capacity < length * 2 + 16:
                capacity *= 2
            keys = np.empty(capacity, np.uint64)
            generations = np.zeros(capacity, np.uint32)
            generation = np.uint32(0)
        generation += np.uint32(1)
        mask = np.uint64(capacity - 1)
        node = _parse(np.uint64(tagger), np.uint64(address + offsets[i]), np.uint64(length))
        words = content = unknown = distinct = 0
        previous = np.uint64(0)
        while node != 0:
            # mecab_node_t: next at 1, surface at 6, feature at 7; length in 8; left id and stat in 9
            fields = carray(_pointer(node), 12, np.uint64)
            stat = (fields[9] >> np.uint64(56)) & np.uint64(255)
            if stat < 2:
                size = int((fields[8] >> np.uint64(32)) & np.uint64(0xFFFF))
                left = int((fields[9] >> np.uint64(16)) & np.uint64(0xFFFF))
                surface = carray(_pointer(fields[6]), size, np.uint8)
                digest = np.uint64(1469598103934665603)
                for k in range(size):
                    digest = (digest ^ np.uint64(surface[k])) * np.uint64(1099511628211)
                digest = _mix(digest)
                if words:
                    pair = _mix(previous * np.uint64(3) + digest)
                    place = pair & mask
                    while generations[place] == generation and keys[place] != pair:
                        place = (place + np.uint64(1)) & mask
                    if generations[place] != generation:
                        generations[place] = generation
                        keys[place] = pair
                        distinct += 1
                previous = digest
                words += 1
                if stat == 1:
                    unknown += 1
                    content += _begins(fields[7], prefixes)
                else:
                    content += table[left]
            node = fields[1]
        out[i, 0] = words
        out[i, 1] = content
        out[i, 2] = unknown
        out[i, 3] = distinct


@njit(nogil=True)
def _begins(address, prefixes):
    feature = carray(_pointer(address), 16, np.uint8)
    for n in range(prefixes.shape[0]):
        same = True
        for k in range(16):
            if prefixes[n, k] == 0:
                break
            if feature[k] != prefixes[n, k]:
                same = False
                break
        if same:
            return 1
    return 0


class Accelerated:
    """Counts in compiled code, without Python strings."""

    def __init__(self) -> None:
        _LIB.mecab_model_new2.restype = ctypes.c_void_p
        _LIB.mecab_model_new2.argtypes = [ctypes.c_char_p]
        _LIB.mecab_model_new_tagger.restype = ctypes.c_void_p
        _LIB.mecab_model_new_tagger.argtypes = [ctypes.c_void_p]
        folder = dictionary()
        model = _LIB.mecab_model_new2(f"-r {folder}/mecabrc -d {folder}".encode())
        if not model:
            raise OSError("MeCab cannot open its dictionary")
        self.tagger = _LIB.mecab_model_new_tagger(model)
        self.table = np.zeros(65536, np.uint8)
        for line in (Path(folder) / "left-id.def").read_text(encoding="utf-8").splitlines():
            number, feature = line.split(" ", 1)
            self.table[int(number)] = feature.split(",", 1)[0] in CONTENT
        self.prefixes = np.zeros((len(CONTENT), 16), np.uint8)
        for n, pos in enumerate(CONTENT):
            encoded = f"{pos},".encode()
            self.prefixes[n, : len(encoded)] = np.frombuffer(encoded, np.uint8)

    def many(self, texts: Sequence[str]) -> list[Features]:
        """Return the features of each text."""
        return [Features(*row) for row in self.counts(texts).tolist()]

    def counts(self, texts: Sequence[str]) -> Any:
        """Return the features as an array: (text, feature)."""
        clean = [text if text.isprintable() else printable(text) for text in texts]
        encoded = [text.encode("utf-8") for text in clean]
        offsets = np.zeros(len(encoded) + 1, np.int64)
        np.cumsum([len(text) for text in encoded], out=offsets[1:])
        buffer = np.frombuffer(b"".join(encoded) + b"\x00", np.uint8)
        out = np.empty((len(encoded), 4), np.uint32)
        _count(self.tagger, buffer.ctypes.data, offsets, self.table, self.prefixes, out)
        return out
