"""A turn under way is visible, and becomes the same turn when it has ended."""

from __future__ import annotations

import itertools
import threading
from typing import TYPE_CHECKING

from langchain_core.language_models import FakeListChatModel
from langchain_core.runnables import RunnableConfig, RunnableLambda

import threadline
import threadline.clock
from threadline.langchain import ThreadlineCallbackHandler
from threadline.langchain import handler as hooks
from threadline.model import Status

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


class SlowClock:
    """Real time for waiting; wall time that a test moves on."""

    def __init__(self) -> None:
        self.ahead_ns = 0

    def now_ns(self) -> int:
        return threadline.clock.now_ns() + self.ahead_ns

    def monotonic(self) -> float:
        return threadline.clock.SystemClock.monotonic() + self.ahead_ns / 1e9


def test_a_turn_under_way_is_seen_as_running_and_ends_as_itself(tmp_path: Path) -> None:
    """Readers of the store see a long turn while it runs; its end completes the same turn."""
    clock = SlowClock()
    client = threadline.Client(store=tmp_path / "s.db", clock=clock, min_free_bytes=0)
    handler = ThreadlineCallbackHandler(client)
    asked, answered = threading.Event(), threading.Event()

    def answer(question: str) -> str:
        asked.set()
        answered.wait(20)
        return f"{question}? Yes."

    config = {"callbacks": [handler], "metadata": {"thread_id": "t-1"}}
    call = threading.Thread(target=RunnableLambda(answer).invoke, args=("really", config))
    call.start()
    assert asked.wait(20)
    clock.ahead_ns = 60_000_000_000

    with client.reader() as reader:
        [running] = reader.turns(thread_id="t-1")
    assert running.status is Status.RUNNING
    assert running.messages == ()

    answered.set()
    call.join(20)
    with client.reader() as reader:
        [ended] = reader.turns(thread_id="t-1")
        [summary] = reader.conversations()
    client.close()
    assert (ended.id, ended.status, ended.output) == (running.id, Status.OK, "really? Yes.")
    assert (summary.turn_count, summary.message_count) == (1, 2)


def test_a_turn_of_a_process_that_died_ends_as_abandoned(tmp_path: Path) -> None:
    """Closing with a turn under way stores what there is, as abandoned, and counts it once."""
    clock = SlowClock()
    client = threadline.Client(store=tmp_path / "s.db", clock=clock, min_free_bytes=0)
    stream = RunnableLambda(str.upper).stream(
        "hello",
        {"callbacks": [ThreadlineCallbackHandler(client)], "metadata": {"thread_id": "t-1"}},
    )
    next(stream)
    clock.ahead_ns = 60_000_000_000
    client.flush()
    client.close()
    with threadline.open(tmp_path / "s.db") as reader:
        conversation = reader.conversation("t-1")
        assert conversation is not None
        assert [turn.status for turn in conversation.turns] == [Status.ABANDONED]
    stream.close()


def test_what_was_heard_so_far_is_not_said_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer that was told while it was spoken is one message, whole, when it has ended."""
    seconds = itertools.count(threadline.clock.now_ns() // 10**9)
    monkeypatch.setattr(hooks, "now_ns", lambda: next(seconds) * 10**9)
    clock = SlowClock()
    client = threadline.Client(store=tmp_path / "s.db", clock=clock, min_free_bytes=0)
    answer = "All in good time. " * 10
    config = RunnableConfig(
        callbacks=[ThreadlineCallbackHandler(client)], metadata={"thread_id": "t-1"}
    )
    stream = FakeListChatModel(responses=[answer]).stream("When?", config)
    said = [next(stream).text for _ in range(100)]
    clock.ahead_ns = 60_000_000_000
    with client.reader() as reader:
        [running] = reader.turns(thread_id="t-1")
    said += [chunk.text for chunk in stream]
    with client.reader() as reader:
        [ended] = reader.turns(thread_id="t-1")
    client.close()
    assert running.status is Status.RUNNING
    assert "".join(said) == answer
    assert [message.text for message in ended.messages] == ["When?", answer]
    assert [message.text for message in ended.llm_calls[0].output_messages] == [answer]
