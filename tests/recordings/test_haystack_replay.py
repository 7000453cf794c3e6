"""Every recorded stream of Haystack, played into the real tracer, leaves what was really said."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.recordings.haystack_expected import EXPECTED
from tests.recordings.haystack_playing import STREAMS, Player
from tests.scenarios.checking import difference, recorded_chats

from threadline.haystack import ThreadlineTracer

if TYPE_CHECKING:
    from tests.scenarios.script import Chat

    from threadline import Client


@pytest.mark.parametrize(
    ("streams", "chats"), [pytest.param(*item, id="+".join(item[0])) for item in EXPECTED.items()]
)
def test_a_stream_of_haystack_leaves_what_was_said(
    streams: tuple[str, ...], chats: tuple[Chat, ...], client: Client
) -> None:
    """Nothing raises; conversations, transcripts, observations and endings are as in the table."""
    player = Player(ThreadlineTracer(client))
    for name in streams:
        player.play(name)
    report = client.flush()
    assert (report.pending, report.dropped) == (0, {})
    recorded = recorded_chats(client.reader())
    if recorded != list(chats):
        pytest.fail(difference(recorded, chats), pytrace=False)


def test_every_stream_of_haystack_is_in_the_table() -> None:
    """A stream whose outcome nobody wrote down proves nothing."""
    assert sorted(name for streams in EXPECTED for name in streams) == list(STREAMS)
    assert len(STREAMS) == 25
