"""Many recorded streams at once on one handler: each leaves what it leaves alone."""

from __future__ import annotations

import contextvars
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.recordings.playing import Player, play_siblings_at_once
from tests.recordings.rebuilding import Rebuilding
from tests.recordings.sittings import ALONE
from tests.recordings.streams import read_stream
from tests.scenarios.checking import difference, recorded_chats

from threadline import Client
from threadline.capture.held_back import HeldBack
from threadline.langchain import ThreadlineCallbackHandler

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.recordings.streams import Sitting
    from tests.scenarios.script import Chat

_ALONE = tuple(ALONE.values())


# An example is a whole store with its writer; drawing one from 70 streams takes long, too.
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from(_ALONE), min_size=2, max_size=6), st.randoms())
def test_interleaved_streams_leave_what_they_leave_alone(sittings: list[Sitting], chance) -> None:
    """Hooks of several calls come mixed, as those of concurrent tasks do."""
    chosen = _of_different_threads(sittings)
    with Client(store="memory") as client:
        players = _players(chosen, client)
        turns = [n for n, one in enumerate(chosen) for _ in read_stream(one.streams[0])]
        chance.shuffle(turns)
        hooks = [iter(read_stream(one.streams[0])) for one in chosen]
        for n in turns:
            players[n].play(next(hooks[n]))
        _compare(chosen, client)


def test_all_streams_at_once_on_threads_of_their_own() -> None:
    """Twenty threads enter the one handler, and the switch between them is free."""
    chosen = _of_different_threads(_ALONE)
    ready = threading.Barrier(20)
    with Client(store="memory") as client:
        players = _players(chosen, client)

        def play(n: int) -> None:
            if n < 20:
                ready.wait()
            for event in read_stream(chosen[n].streams[0]):
                players[n].play(event)

        with ThreadPoolExecutor(20) as pool:
            contexts = [contextvars.copy_context() for _ in chosen]
            done = [pool.submit(contexts[n].run, play, n) for n in range(len(chosen))]
            for one in done:
                one.result()
        _compare(chosen, client)


_ON_POOLS = [
    pytest.param(sitting, id=sitting.streams[0])
    for sitting in _ALONE
    if any("Pool" in event["thread"] for event in read_stream(sitting.streams[0]))
]


@pytest.mark.parametrize("sitting", _ON_POOLS)
def test_children_that_race_leave_what_they_leave_in_order(sitting: Sitting) -> None:
    """Parallel tools, batches and branches enter the handler at once, time and again."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(20):
            with Client(store="memory") as client:
                [player] = _players([sitting], client)
                play_siblings_at_once(read_stream(sitting.streams[0]), player)
                _compare([sitting], client)
    finally:
        sys.setswitchinterval(interval)


def test_a_tool_that_starts_while_another_one_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever of two parallel tools takes along what waited, both belong to who asked."""
    sitting = ALONE["agent_hitl_resume_edit"]
    events = list(read_stream(sitting.streams[0]))
    first, second = [event for event in events if event["ev"] == "tool_start"]
    take_all = HeldBack.take
    with Client(store="memory") as client:
        [player] = _players([sitting], client)

        def take_one(held_back: HeldBack):
            """Take the oldest; then another thread comes and takes the rest."""
            monkeypatch.setattr(HeldBack, "take", take_all)
            oldest = held_back._events.popleft()
            player.play(second)
            return (oldest,)

        for event in events:
            if event is first:
                monkeypatch.setattr(HeldBack, "take", take_one)
            if event is not second:
                player.play(event)
        _compare([sitting], client)


def _of_different_threads(sittings: Sequence[Sitting]) -> list[Sitting]:
    """Streams of one thread are turns of one conversation; here each is to be alone."""
    taken: set[str] = set()
    chosen: list[Sitting] = []
    for sitting in sittings:
        threads = {chat.thread for chat in sitting.chats if chat.thread is not None}
        if not threads & taken:
            taken |= threads
            chosen.append(sitting)
    return chosen


def _players(sittings: Sequence[Sitting], client: Client) -> list[Player]:
    handler = ThreadlineCallbackHandler(client)
    players: list[Player] = []
    for n, sitting in enumerate(sittings):
        player = Player(
            [handler],
            Rebuilding(f"{n}"),
            around=sitting.around,
            configurable=sitting.configurable,
        )
        player.expect(read_stream(sitting.streams[0]))
        players.append(player)
    return players


def _compare(sittings: Sequence[Sitting], client: Client) -> None:
    report = client.flush()
    assert (report.pending, report.dropped) == (0, {})
    expected = [chat for sitting in sittings for chat in sitting.chats]
    recorded = recorded_chats(client.reader())
    left: list[Chat] = []
    for chat in recorded:
        if chat in expected:  # by their equality: words of a framework are equal to more
            expected.remove(chat)
        else:
            left.append(chat)
    if left or expected:
        pytest.fail(difference(left, expected), pytrace=False)
