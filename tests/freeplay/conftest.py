"""A project of Freeplay on a loopback port."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.faults.loopbacks import FreeplayLoopback

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def server(tmp_path: Path) -> Iterator[FreeplayLoopback]:
    with FreeplayLoopback(tmp_path) as loopback:
        yield loopback
