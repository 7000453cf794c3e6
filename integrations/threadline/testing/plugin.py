"""The pytest plugin. It is loaded in every run of pytest, so it imports nothing but pytest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

    from threadline.testing.recorder import ThreadlineRecorder


@pytest.fixture
def threadline_recorder() -> Generator[ThreadlineRecorder]:
    """A recorder with a store of its own, in memory, for this test alone.

    Whatever the code under test records goes there too: through `threadline_recorder.config()`,
    `.handler`, `threadline.turn(...)` or `threadline.attach()`. Nothing is ever sent anywhere.
    """
    from threadline.testing.recorder import recording

    with recording() as recorder:
        yield recorder
