"""What was recorded of any stream is the same in another store that it is taken into."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.recordings.playing import play_sitting
from tests.recordings.sittings import SITTINGS
from tests.taken import same_elsewhere

from threadline.langchain import ThreadlineCallbackHandler

if TYPE_CHECKING:
    from pathlib import Path

    from tests.recordings.streams import Sitting

    from threadline import Client


@pytest.mark.parametrize("sitting", SITTINGS, ids=lambda sitting: "+".join(sitting.streams))
def test_a_store_taken_over_is_the_same_store(
    sitting: Sitting, client: Client, tmp_path: Path
) -> None:
    """Ids, times, spans, inputs of model calls, ratings and lists, through our lines of JSON."""
    play_sitting(sitting, ThreadlineCallbackHandler(client))
    client.flush()
    same_elsewhere(client.reader(), tmp_path / "elsewhere.db")
