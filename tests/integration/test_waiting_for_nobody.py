"""P4: no call of a hook waits for a destination, and none is made on the application's thread."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.language_models import FakeListChatModel
from tests.shipping import Scripted, client_for, say

import threadline
from threadline.destinations import Later
from threadline.langchain import ThreadlineCallbackHandler
from threadline.store.outbox import Outbox

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from threadline.destinations import Item, Outcome

TURNS = 50


class Watched(Scripted):
    """A destination that hangs, and remembers on whose thread it was asked."""

    def __init__(self) -> None:
        super().__init__(self._hang, name="watched")
        self.entered = threading.Event()
        self.let_go = threading.Event()
        self.threads: set[str] = set()

    def _hang(self, items: Sequence[Item]) -> Sequence[Outcome]:
        self.threads.add(threading.current_thread().name)
        self.entered.set()
        self.let_go.wait(60)
        return [Later("it hung")] * len(items)


@pytest.fixture
def watched() -> Iterator[Watched]:
    destination = Watched()
    yield destination
    destination.let_go.set()


def test_turns_go_on_while_a_destination_hangs(
    tmp_path: Path, watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All hooks of fifty turns return before it answers; the outbox is never asked by them."""
    asked_on: set[str] = set()
    plan = Outbox.plan

    def watched_plan(self: Outbox, *given: Any) -> Any:
        asked_on.add(threading.current_thread().name)
        return plan(self, *given)

    monkeypatch.setattr(Outbox, "plan", watched_plan)
    with client_for(tmp_path / "chat.db", [watched], shutdown_timeout=0.1) as client:
        handler = ThreadlineCallbackHandler(client)
        model = FakeListChatModel(responses=["From nine to six."])
        config: Any = {"callbacks": [handler], "metadata": {"thread_id": "t-1"}}
        model.invoke("first", config)
        assert watched.entered.wait(30)
        for n in range(TURNS):
            model.invoke(f"question {n}", config)
            list(model.stream(f"streamed {n}", config))
        say(client, [("t-2", f"{n}") for n in range(TURNS)])
        threadline.rate(1, thread_id="t-1", client=client)
        assert not watched.let_go.is_set()
        assert len(watched.tries) == 1  # still the first
        client.store_recorded(30.0)
        with client.reader() as reader:
            assert len(reader.turns(limit=1000)) == 3 * TURNS + 1
    own = threading.current_thread().name
    assert watched.threads == asked_on == {"threadline-watched"}
    assert own not in watched.threads


def test_hooks_need_no_lock_of_delivery(tmp_path: Path, watched: Watched) -> None:
    """Whoever holds every lock that delivery has cannot hold up a turn."""
    with client_for(tmp_path / "chat.db", [watched], shutdown_timeout=0.1) as client:
        say(client, [("t-1", "first")])
        assert watched.entered.wait(30)
        delivery = client._started().delivery._client()
        held, done = threading.Event(), threading.Event()

        def hold() -> None:
            with delivery._outbox.in_use, delivery.senders[0]._starting, delivery._moved:
                held.set()
                done.wait(60)

        holder = threading.Thread(target=hold)
        holder.start()
        assert held.wait(30)
        say(client, [("t-1", f"{n}") for n in range(TURNS)])
        assert not done.is_set()
        done.set()
        holder.join()
        assert client.flush(0.1).stored == TURNS + 1
