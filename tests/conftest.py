"""What all tests share: real data read in place, Hypothesis without deadlines."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("prefdata", deadline=None, derandomize=True)
settings.load_profile("prefdata")

ROOT = Path(__file__).parent.parent


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite the golden files")


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def fixtures() -> Path:
    """Our own invented rows in the published schemas (CC0)."""
    return ROOT / "tests" / "fixtures"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real data of other people, read in place and never copied."""
    path = ROOT.parent / "shared" / "data"
    if not path.is_dir():
        pytest.skip("real data is not beside this checkout (../shared/data)")
    return path
