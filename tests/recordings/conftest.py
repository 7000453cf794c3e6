"""What every test of recorded streams has: failures of our own are seen; a client on a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from threadline import Client
from threadline.capture.guard import hook_failures

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True, scope="module")
def _failures_are_seen() -> Iterator[None]:
    hook_failures.reraise = True
    yield
    hook_failures.reraise = False


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    client = Client(store=tmp_path / "store.db", min_free_bytes=0)
    yield client
    client.close()
