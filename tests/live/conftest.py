"""The real model that the live tests talk to."""

import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def model_path() -> Path:
    """Return the weights, fetched into `.cache` the first time."""
    script = _ROOT / "scripts" / "model.py"
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    return Path(done.stdout.strip())
