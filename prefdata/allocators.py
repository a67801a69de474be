"""Freed memory goes back to the system; left alone, Arrow and the C library keep much of it."""

from __future__ import annotations

import ctypes
import os
import sys


def frugal_arrow() -> None:
    """Let Arrow use jemalloc, in this process and in those it starts; call before pyarrow loads.

    Its default, mimalloc, keeps what each thread has freed. A pool chosen in the environment
    stands. There is no later way: pyarrow's Parquet writer takes no pool for its pages.
    """
    # Elsewhere not every build of Arrow has jemalloc.
    pool = "jemalloc" if sys.platform == "linux" else "system"
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", pool)


def trim() -> None:
    """Give back at once what Arrow and the C library hold of freed memory, where they can."""
    import pyarrow as pa

    pa.default_memory_pool().release_unused()
    give_back = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc has it
    if give_back is not None:
        give_back(0)
