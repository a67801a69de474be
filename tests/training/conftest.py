"""Models that the tests build themselves, once a session."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.training import toy


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """One torch thread: same numbers everywhere, and the machine stays free."""
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    os.environ["HF_HUB_OFFLINE"] = "1"
    try:
        import torch
    except ImportError:
        yield
        return
    torch.set_num_threads(1)
    yield


@pytest.fixture(scope="session")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT of two layers with random weights, and its tokenizer."""
    return toy.encoder(tmp_path_factory.mktemp("encoder"))


@pytest.fixture(scope="session")
def toy_release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """1,500 pairs to train on, 200 and 400 to measure with."""
    rows = toy.pairs(2100, seed=1)
    return toy.release(
        tmp_path_factory.mktemp("release"),
        pairs={"train": rows[:1500], "validation": rows[1500:1700], "test": rows[1700:]},
    )
