"""A short soak: what a process holds after a thousand turns it holds after three thousand.

`python -m benchmarks soak` is the long one; docs/benchmarks.md has its figures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from benchmarks.soak import soak

from threadline.capture import recorder
from threadline.store import held_cache

if TYPE_CHECKING:
    from pathlib import Path

_ROTATE_BYTES = 200_000


@pytest.fixture
def small_caches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let caches and journals reach their limits within the first thousand turns."""
    monkeypatch.setattr(held_cache, "_CACHED_MESSAGES", 1_000)
    monkeypatch.setattr(recorder, "_CACHED_DIGESTS", 500)
    monkeypatch.setattr("threadline.client.parts.ROTATE_BYTES", _ROTATE_BYTES)


@pytest.mark.usefixtures("small_caches")
def test_nothing_grows_with_the_number_of_turns(tmp_path: Path) -> None:
    """Blocks of memory, handles, threads, open runs and journals; endings of all kinds."""
    warm, *later = soak(tmp_path / "soak.db", 3_000, warm=1_000)
    assert later[-1].turns == 3_000
    assert max(mark.blocks for mark in later) < 1.05 * warm.blocks
    assert {mark.handles for mark in later} == {warm.handles}
    assert {mark.threads for mark in later} == {warm.threads}
    assert {mark.open_runs for mark in later} == {0}
    assert max(mark.journals for mark in later) <= 2
    assert max(mark.journal_bytes for mark in later) < 3 * _ROTATE_BYTES
