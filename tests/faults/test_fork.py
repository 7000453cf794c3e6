"""A fork after recording: both sides go on, and each one's turns are in the store once."""

from __future__ import annotations

import os
import sys
import threading
import traceback
from typing import TYPE_CHECKING

import pytest
from tests.faults.application import Application, all_turns, numbers_of

import threadline
from threadline.store.journal import journal_folder, waiting_journals

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# Python warns of forks where threads run from 3.12 on; prefork servers do it all the same.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")


def in_child(work: Callable[[], None], *, first: Callable[[], None] | None = None) -> None:
    """Do this in a forked child that leaves by `os._exit`, as worker processes do.

    Args:
        work: What the child does.
        first: What the parent does after the fork, before the child begins.
    """
    waits, done = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(done)
            os.read(waits, 1)
            work()
        except BaseException:  # noqa: BLE001 (the parent must be told, and pytest must not run on)
            traceback.print_exc(file=sys.__stderr__)
            os._exit(1)
        os._exit(0)
    os.close(waits)
    if first is not None:
        first()
    os.close(done)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


@pytest.mark.parametrize("flushed", [True, False], ids=["flushed", "under-way"])
def test_both_sides_of_a_fork_record_once(tmp_path: Path, *, flushed: bool) -> None:
    """The child's turns are in its own journal when it is gone; the parent's are its own."""
    path = tmp_path / "a.db"
    with threadline.Client(store=path, min_free_bytes=0) as client:
        application = Application(client)
        application.talk(2, "before")
        if flushed:
            client.flush()
        for n in range(3):
            in_child(lambda n=n: application.talk(2, f"child-{n}"))
            application.talk(1, "parent")
        assert client.flush().stored == 5
    turns = all_turns(threadline.open(path))
    found = {t.thread_id: 0 for t in turns}
    for turn in turns:
        found[turn.thread_id] += 1
    assert found == {"before": 2, "parent": 3, "child-0": 2, "child-1": 2, "child-2": 2}
    assert waiting_journals(journal_folder(path)) == []


def test_a_child_that_flushes_stores_its_turns_itself(tmp_path: Path) -> None:
    """It opens the store anew; what the parent has committed stays, and so does what follows."""
    path = tmp_path / "a.db"
    with threadline.Client(store=path, min_free_bytes=0) as client:
        application = Application(client)
        application.talk(2)
        client.flush()

        def work() -> None:
            application.talk(2)
            report = client.flush()
            assert (report.stored, report.pending) == (2, 0)
            client.close()

        in_child(work)
        application.said += 2
        application.talk(2)
        assert client.flush().stored == 4
    assert numbers_of(all_turns(threadline.open(path))) == [0, 1, 2, 3, 4, 5]


def test_a_fork_inside_a_turn_leaves_the_turn_to_the_parent(tmp_path: Path) -> None:
    """The child leaves without ending it; the parent ends it as if nothing had been."""
    path = tmp_path / "a.db"
    with threadline.Client(store=path, min_free_bytes=0) as client:
        application = Application(client)
        with threadline.turn(thread_id="t", input="Go on?", client=client) as turn:
            application.talk()
            in_child(lambda: None)
            application.talk()
            turn.output = "Yes"
    [stored] = all_turns(threadline.open(path))
    assert (stored.status, stored.messages[-1].text) == ("ok", "Yes")
    assert len(stored.llm_calls) == 2


def test_forks_while_other_threads_record_lose_nothing(tmp_path: Path) -> None:
    """The writer is parked at a fork, whatever it is doing; hooks of other threads go on."""
    path = tmp_path / "a.db"
    with threadline.Client(store=path, min_free_bytes=0) as client:
        applications = [Application(client) for _ in range(2)]
        begun = threading.Barrier(3)

        def talk_on(n: int) -> None:
            begun.wait()
            applications[n].talk(100, f"thread-{n}")

        threads = [threading.Thread(target=talk_on, args=(n,)) for n in range(2)]
        for thread in threads:
            thread.start()
        begun.wait()
        for n in range(8):
            in_child(lambda n=n: Application(client).talk(1, f"child-{n}"))
        for thread in threads:
            thread.join()
        assert client.flush(timeout=20).stored == 200
    turns = all_turns(threadline.open(path))
    assert len([turn for turn in turns if turn.thread_id.startswith("child-")]) == 8
    for n in range(2):
        own = [turn for turn in turns if turn.thread_id == f"thread-{n}"]
        assert numbers_of(own) == list(range(100))
