"""What is new in a store, told to whoever follows it; asking where nothing is new costs nothing."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.language_models import FakeListChatModel
from langchain_core.runnables import RunnableLambda

import threadline
from threadline.clock import SystemClock
from threadline.errors import StoreNotFoundError
from threadline.langchain import config
from threadline.store.connections import FileDatabase
from threadline.store.reader import Reader

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Generator, Iterator
    from pathlib import Path

    from threadline.store.following import Following

MODEL = FakeListChatModel(responses=["yes"])
OTHER_PROCESS = """
import sys, threadline
from langchain_core.language_models import FakeListChatModel
from threadline.langchain import config
threadline.configure(store=sys.argv[1], min_free_bytes=0)
FakeListChatModel(responses=["hi"]).invoke(sys.argv[2], config(thread_id="elsewhere"))
threadline.flush()
"""


class MovedClock(SystemClock):
    """The machine's clock, moved on by a test."""

    ahead_ns = 0

    def now_ns(self) -> int:
        return SystemClock.now_ns() + self.ahead_ns

    def monotonic(self) -> float:
        return SystemClock.monotonic() + self.ahead_ns / 1e9


class CountedDatabase(FileDatabase):
    """Remembers what was asked of the store."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.queries: list[str] = []

    @contextmanager
    def read(self) -> Generator[sqlite3.Connection]:
        with super().read() as connection:
            connection.set_trace_callback(self.queries.append)
            try:
                yield connection
            finally:
                connection.set_trace_callback(None)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "s.db"


@pytest.fixture
def client(path: Path) -> Iterator[threadline.Client]:
    with threadline.configure(store=path, min_free_bytes=0) as client:
        yield client


def say(text: str, **whose: Any) -> None:
    MODEL.invoke(text, config(**{"thread_id": "t-1", **whose}))
    threadline.flush()


def followed(path: Path, **filters: Any) -> Following:
    """Follow a store that was told of so far."""
    say("earlier")
    following = of_another_process(path).follow(**filters)
    assert following.changes() == ()
    return following


def of_another_process(path: Path, **more: Any) -> Reader:
    """A reader as another process has it: one that knows nothing of what is recorded here."""
    return Reader(FileDatabase(path), path, **more)


def test_only_what_is_new_is_told(client: threadline.Client, path: Path) -> None:
    """Each turn once, the oldest first, whichever connection wrote it."""
    say("before")
    following = of_another_process(path).follow()
    assert following.changes() == ()
    say("one")
    say("two", thread_id="t-2")
    assert [turn.input for turn in following.changes()] == ["one", "two"]
    assert following.changes() == ()
    subprocess.run([sys.executable, "-c", OTHER_PROCESS, str(path), "three"], check=True)
    [turn] = following.changes()
    assert (turn.input, turn.output, turn.thread_id) == ("three", "hi", "elsewhere")


def test_it_begins_with_the_newest_if_so_wanted(client: threadline.Client, path: Path) -> None:
    for text in ("one", "two", "three"):
        say(text)
    following = of_another_process(path).follow(last=2)
    assert [turn.input for turn in following.changes()] == ["two", "three"]
    assert following.changes() == ()


def test_nothing_new_costs_one_statement(client: threadline.Client, path: Path) -> None:
    """Whoever waits asks SQLite for its version, and nothing else."""
    say("one")
    database = CountedDatabase(path)
    following = Reader(database, path).follow(last=1)
    following.changes()
    database.queries.clear()
    assert following.changes() == ()
    assert database.queries == ["PRAGMA data_version"]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"thread_id": "t-2"}, ["b"]),
        ({"user_id": "ada"}, ["a"]),
        ({"tag": "beta"}, ["b"]),
        ({"status": "error"}, ["c"]),
        ({"metadata": {"plan": "pro"}}, ["b"]),
        ({"tenant": "nobody"}, []),
        ({"text": "yes"}, ["a", "b"]),
    ],
)
def test_the_filters_of_lists_hold(
    client: threadline.Client, path: Path, filters: dict[str, Any], expected: list[str]
) -> None:
    following = followed(path, **filters)
    say("a", user_id="ada")
    with threadline.conversation("t-2", metadata={"plan": "pro"}):
        MODEL.invoke("b", config(tags=["beta"]))
    with pytest.raises(ZeroDivisionError):
        RunnableLambda(lambda _: 1 // 0).invoke("c", config(thread_id="t-3"))
    threadline.flush()
    assert [turn.input for turn in following.changes()] == expected


def test_a_turn_under_way_is_told_and_told_again_when_it_ends(path: Path) -> None:
    clock = MovedClock()
    client = threadline.configure(store=path, min_free_bytes=0, clock=clock)
    say("first")
    following = of_another_process(path, clock=clock).follow()
    following.changes()
    asked, answered = threading.Event(), threading.Event()

    def answer(text: str) -> str:
        asked.set()
        answered.wait(20)
        return text.upper()

    call = threading.Thread(
        target=RunnableLambda(answer).invoke, args=("slow", config(thread_id="t-1"))
    )
    call.start()
    assert asked.wait(20)
    clock.ahead_ns = 30_000_000_000
    client.flush()
    assert [turn.status for turn in following.changes()] == ["running"]
    answered.set()
    call.join(20)
    client.flush()
    assert [(turn.status, turn.output) for turn in following.changes()] == [("ok", "SLOW")]
    client.close()


def test_a_turn_whose_process_died_is_told_as_abandoned(path: Path) -> None:
    """Nobody writes that it died: the missing sign of life tells."""
    clock = MovedClock()
    client = threadline.configure(store=path, min_free_bytes=0, clock=clock)
    say("first")
    following = of_another_process(path, clock=clock).follow()
    following.changes()
    stream = RunnableLambda(str.upper).stream("left", config(thread_id="t-1"))
    next(stream)
    clock.ahead_ns = 30_000_000_000
    client.flush()
    [running] = following.changes()
    clock.ahead_ns = 300_000_000_000
    [dead] = following.changes()
    assert (running.status, dead.status) == ("running", "abandoned")
    assert following.changes() == ()
    stream.close()
    client.close()


def test_what_is_noted_later_is_told(client: threadline.Client, path: Path) -> None:
    """A rating, feedback and an event of a turn that was told before."""
    following = followed(path)
    say("one")
    [turn] = following.changes()
    threadline.rate(1, turn_id=turn.id)
    threadline.flush()
    [rated] = following.changes()
    assert [rating.value for rating in rated.ratings] == [1]
    threadline.feedback("It helped.", turn_id=turn.id)
    threadline.event("Checkout", turn_id=turn.id)
    threadline.flush()
    [noted] = following.changes()
    assert (noted.feedback[0].text, noted.events[0].name) == ("It helped.", "Checkout")


def test_more_than_one_answer_holds_is_told_in_several(
    client: threadline.Client, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oldest first; what had no room comes with the next answer, though nobody wrote since."""
    following = followed(path)
    monkeypatch.setattr("threadline.store.following.MAX_LIMIT", 2)
    for text in ("one", "two", "three"):
        say(text)
    assert [turn.input for turn in following.changes()] == ["one", "two"]
    assert [turn.input for turn in following.changes()] == ["three"]
    assert following.changes() == ()


def test_side_calls_are_not_told(client: threadline.Client, path: Path) -> None:
    following = followed(path)
    side = {"metadata": {"threadline": "trace", "thread_id": "t-1"}}
    say("one")
    MODEL.invoke("title", config(thread_id="t-1") | side)
    threadline.flush()
    assert [turn.input for turn in following.changes()] == ["one"]


def test_a_store_in_the_place_of_the_one_before_is_told_from_now_on(tmp_path: Path) -> None:
    """What is restored is not news, what is recorded into it is."""
    path, other = tmp_path / "s.db", tmp_path / "other.db"
    with threadline.configure(store=other, min_free_bytes=0):
        say("old, in the other one")
    with threadline.configure(store=path, min_free_bytes=0):
        say("one")
    following = of_another_process(path).follow(last=1)
    assert [turn.input for turn in following.changes()] == ["one"]
    path.unlink()
    with pytest.raises(StoreNotFoundError):
        following.changes()
    shutil.copy(other, path)
    with threadline.configure(store=path, min_free_bytes=0):
        assert following.changes() == ()
        say("two")
    assert [turn.input for turn in following.changes()] == ["two"]


def test_of_a_store_that_is_not_there_yet_all_is_new(path: Path) -> None:
    following = of_another_process(path).follow()
    with pytest.raises(StoreNotFoundError):
        following.changes()
    with threadline.configure(store=path, min_free_bytes=0):
        say("one")
    assert [turn.input for turn in following.changes()] == ["one"]


def test_a_store_in_memory_is_followed_too() -> None:
    with threadline.configure(store="memory"):
        following = threadline.open().follow()
        following.changes()
        say("one")
        assert [turn.input for turn in following.changes()] == ["one"]
        assert following.changes() == ()
