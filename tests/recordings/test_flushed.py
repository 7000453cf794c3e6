"""A reader that comes in the middle of a call changes nothing of what is told at last."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.recordings.playing import Player
from tests.recordings.rebuilding import Rebuilding
from tests.recordings.sittings import ALONE
from tests.recordings.streams import read_stream
from tests.scenarios.checking import difference, recorded_chats

import threadline
from threadline.langchain import ThreadlineCallbackHandler

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.recordings.streams import Sitting
    from tests.scenarios.script import Chat

_PLACES = [
    (sitting, at)
    for sitting in ALONE.values()
    for at in range(1, len(read_stream(sitting.streams[0])))
]


# An example is a whole store with its writer; drawing one from 70 streams takes long, too.
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(_PLACES))
def test_a_reader_in_the_middle_changes_nothing(place: tuple[Sitting, int]) -> None:
    """What is under way is shown as running; where it ends late, what it had said is kept."""
    sitting, at = place
    events = read_stream(sitting.streams[0])
    with threadline.Client(store="memory") as client:
        handler = ThreadlineCallbackHandler(client)
        rebuilding = Rebuilding("flushed")
        player = Player(
            [handler], rebuilding, around=sitting.around, configurable=sitting.configurable
        )
        player.expect(events)
        for event in events[:at]:
            player.play(event)
        client.reader().turns(kind=None)
        for event in events[at:]:
            player.play(event)
        report = client.flush()
        assert (report.pending, report.dropped) == (0, {})
        expected = _to_first_words(sitting.chats)
        recorded = _to_first_words(recorded_chats(client.reader()))
    if expected != recorded:
        pytest.fail(difference(recorded, expected), pytrace=False)


def _to_first_words(chats: Iterable[Chat]) -> list[Chat]:
    """Cut what is partial after its first word: LangChain drains models that nobody hears."""
    return sorted((_cut(chat) for chat in chats), key=lambda chat: repr(chat.turns[0].said))


def _cut(chat: Chat) -> Chat:
    turns = [
        replace(
            turn,
            said=tuple(
                line._replace(text=line.text.split(" ")[0]) if line.partial else line
                for line in turn.said
            ),
        )
        for turn in chat.turns
    ]
    return replace(chat, turns=tuple(turns))
