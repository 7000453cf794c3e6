"""Where things are, for the tests that read the sources."""

from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the root of the checkout."""
    return _ROOT


@pytest.fixture(scope="session")
def source_root(root: Path) -> Path:
    """Return the folder whose children are the packages."""
    return root / "integrations"
