"""Every recorded stream, played into the real handler, leaves what was really said."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.recordings.playing import play_sitting
from tests.recordings.sittings import SITTINGS
from tests.recordings.streams import NAMES
from tests.scenarios.checking import difference, recorded_chats

from threadline.langchain import ThreadlineCallbackHandler

if TYPE_CHECKING:
    from tests.recordings.streams import Sitting
    from tests.scenarios.script import Chat

    from threadline import Client

_CASES = [pytest.param(sitting, id="+".join(sitting.streams)) for sitting in SITTINGS]


@pytest.mark.parametrize("sitting", _CASES)
def test_a_stream_leaves_what_was_said(sitting: Sitting, client: Client) -> None:
    """Nothing raises; conversations, transcripts, observations and endings are as in the table."""
    play_sitting(sitting, ThreadlineCallbackHandler(client))
    _compare(sitting, client)


@pytest.mark.parametrize("sitting", _CASES)
def test_nothing_doubles_where_the_handler_is_attached_twice(
    sitting: Sitting, client: Client
) -> None:
    """Each hook comes twice, through two handlers of one client."""
    handlers = ThreadlineCallbackHandler(client), ThreadlineCallbackHandler(client)
    play_sitting(sitting, *handlers)
    _compare(sitting, client)


def test_every_stream_is_in_the_table() -> None:
    """A stream whose outcome nobody wrote down proves nothing."""
    assert {name for sitting in SITTINGS for name in sitting.streams} == set(NAMES)
    assert len(NAMES) >= 70


def _compare(sitting: Sitting, client: Client) -> None:
    report = client.flush()
    assert (report.pending, report.dropped) == (0, {})
    recorded = sorted(recorded_chats(client.reader()), key=_first_words)
    expected = sorted(sitting.chats, key=_first_words)
    if expected != recorded:  # the words of a framework are equal to more than themselves
        pytest.fail(difference(recorded, expected), pytrace=False)
    assert client.recorder.runs == {} or _left_open(sitting)


def _first_words(chat: Chat) -> str:
    return next((line.text for turn in chat.turns for line in turn.said), "")


def _left_open(sitting: Sitting) -> bool:
    """Whether a stream of the sitting has runs that LangChain never ends."""
    return any("cancelled" in name or "aclose" in name for name in sitting.streams)
