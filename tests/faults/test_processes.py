"""P5: many processes, however they came to be, record into one store: each turn is there once."""

from __future__ import annotations

import concurrent.futures
import contextlib
import ctypes
import multiprocessing
import os
import subprocess
import sys
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from tests.faults.application import Application, all_turns, numbers_of
from tests.faults.killed_application import CHAIN

import threadline
from threadline.capture import writer_thread
from threadline.destinations import JsonLines
from threadline.langchain import ThreadlineCallbackHandler
from threadline.store import rows
from threadline.store.journal import journal_folder, waiting_journals

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from threadline.model import Turn

# Python warns of forks where threads run from 3.12 on; prefork servers do it all the same.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")


def heard_in(turns: list[Turn]) -> Counter[tuple[str, str]]:
    """Count what users said, by conversation."""
    for turn in turns:
        asked = turn.messages[0].text
        assert [str(turn.status), turn.messages[-1].text] == ["ok", f"You said {asked}"]
    return Counter((turn.thread_id, turn.messages[0].text) for turn in turns)


def once(*expected: tuple[str, str]) -> Counter[tuple[str, str]]:
    return Counter(expected)


# -- multiprocessing -------------------------------------------------------------------------------


def talk(config: Any, thread_id: str, times: int) -> str:
    """Ask so many questions; run in another process."""
    for n in range(times):
        CHAIN.invoke(
            {"question": f"question {n}"}, {**config, "metadata": {"thread_id": thread_id}}
        )
    [handler] = config["callbacks"]
    return str(handler._client.settings.store)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_children_of_multiprocessing_record_into_the_parents_store(
    tmp_path: Path, method: str
) -> None:
    """Pools, executors and processes: their children skip `atexit`, and get the handler pickled."""
    store = tmp_path / "s.db"
    context = multiprocessing.get_context(method)
    with threadline.Client(store=store, min_free_bytes=0) as client:
        config: Any = {"callbacks": [ThreadlineCallbackHandler(client)]}
        talk(config, "parent", 1)
        with context.Pool(2) as pool:
            done = [pool.apply_async(talk, (config, f"pool-{n}", 2)) for n in range(2)]
            assert {one.get(30) for one in done} == {str(store)}
            pool.close()
            pool.join()
        with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as executor:
            assert executor.submit(talk, config, "executor", 2).result(30) == str(store)
        process = context.Process(target=talk, args=(config, "process", 2))
        process.start()
        process.join(30)
        assert process.exitcode == 0
        talk(config, "parent again", 1)
    names = ["pool-0", "pool-1", "executor", "process"]
    expected = [(name, f"question {n}") for name in names for n in range(2)]
    own = [("parent", "question 0"), ("parent again", "question 0")]
    assert heard_in(all_turns(threadline.open(store))) == once(*own, *expected)


def test_four_processes_write_one_store_at_once(tmp_path: Path) -> None:
    """Each in a conversation of its own and all in a shared one, flushing as they go."""
    store = tmp_path / "s.db"
    begin_r, begin_w = os.pipe()
    children = []
    for number in range(4):
        pid = os.fork()
        if pid == 0:
            with leaving_for_good():
                os.close(begin_w)
                os.read(begin_r, 1)  # returns for all of them once the parent closes its end
                _talk_and_flush(store, number)
        children.append(pid)
    os.close(begin_r)
    os.close(begin_w)
    assert [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children] == [0] * 4
    turns = all_turns(threadline.open(store))
    for number in range(4):
        own = [turn for turn in turns if turn.thread_id == f"own-{number}"]
        assert numbers_of(own) == [n for n in range(40) if n % 4 != 3]
    shared = [turn for turn in turns if turn.thread_id == "shared"]
    assert numbers_of(shared) == sorted(4 * [n for n in range(40) if n % 4 == 3])
    assert waiting_journals(journal_folder(store)) == []


def _talk_and_flush(store: Path, number: int) -> None:
    with threadline.Client(store=store, min_free_bytes=0) as client:
        application = Application(client)
        for n in range(40):
            application.talk(thread_id="shared" if n % 4 == 3 else f"own-{number}")
            if n % 10 == number:
                client.flush(20)
        report = client.close(20)
        assert (report.pending, report.dropped) == (0, {})


@contextlib.contextmanager
def leaving_for_good() -> Iterator[None]:
    """Do this in a forked child, and leave it as worker processes do, by `os._exit`."""
    import traceback

    try:
        yield
    except BaseException:  # noqa: BLE001 (the parent must be told, and pytest must not run on)
        traceback.print_exc(file=sys.__stderr__)
        os._exit(1)
    os._exit(0)


def in_child(fork: Any, work: Any) -> None:
    pid = fork()
    if pid == 0:
        with leaving_for_good():
            work()
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


# -- forks at bad moments --------------------------------------------------------------------------


def test_a_fork_waits_for_the_transaction_that_the_writer_is_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The child inherits no open transaction; what it stores and what the parent stores stays."""
    store = tmp_path / "s.db"
    inside, parked = threading.Event(), threading.Event()
    insert, park = rows._insert, writer_thread.WriterThread.parked

    def insert_slowly(connection: Any, table: str, *rest: Any) -> None:
        insert(connection, table, *rest)
        if not inside.is_set():
            inside.set()
            assert parked.wait(20)

    def park_noticed(self: Any, timeout: float) -> Any:
        parked.set()
        return park(self, timeout)

    monkeypatch.setattr(rows, "_insert", insert_slowly)
    monkeypatch.setattr(writer_thread.WriterThread, "parked", park_noticed)
    with threadline.Client(store=store, min_free_bytes=0) as client:
        application = Application(client)
        application.talk(3, "before")
        assert inside.wait(20)

        def work() -> None:
            application.talk(3, "child")
            assert client.flush(20).stored == 3

        in_child(os.fork, work)
        application.talk(3, "after")
        assert client.flush(20).stored == 6
    found = Counter(turn.thread_id for turn in all_turns(threadline.open(store)))
    assert found == {"before": 3, "child": 3, "after": 3}


def test_threads_that_fork_at_once_leave_the_writer_at_work(tmp_path: Path) -> None:
    """Each fork parks the writer and lets it go again, however many there are."""
    store = tmp_path / "s.db"
    with threadline.Client(store=store, min_free_bytes=0) as client:
        application = Application(client)
        application.talk(1, "before")
        begun = threading.Barrier(3)

        def fork_often() -> None:
            begun.wait(20)
            for _ in range(6):
                in_child(os.fork, lambda: Application(client).talk(1, "child"))

        threads = [threading.Thread(target=fork_often) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(40)
        application.talk(1, "after")
        assert client.flush(20).stored >= 2
        assert client.flush().pending == 0
    found = Counter(turn.thread_id for turn in all_turns(threadline.open(store)))
    assert found == {"before": 1, "child": 18, "after": 1}


def test_a_fork_that_the_interpreter_does_not_know_of_is_noticed(tmp_path: Path) -> None:
    """A C library forks by itself: no hook of Python's runs; the process id tells."""
    store = tmp_path / "s.db"
    with threadline.Client(store=store, min_free_bytes=0) as client:
        application = Application(client)
        application.talk(2, "parent")
        client.flush()
        in_child(ctypes.PyDLL(None).fork, lambda: application.talk(2, "child"))
        application.talk(2, "parent")
    found = Counter(turn.thread_id for turn in all_turns(threadline.open(store)))
    assert found == {"parent": 4, "child": 2}


def test_what_a_worker_left_is_taken_in_by_those_that_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that never restarts must not gather the journals of its dead workers."""
    monkeypatch.setattr(writer_thread, "_TAKE_IN_S", 0.0)
    store = tmp_path / "s.db"
    with threadline.Client(store=store, min_free_bytes=0) as client:
        application = Application(client)
        application.talk(1, "parent")
        client.flush()
        in_child(os.fork, lambda: application.talk(1, "child"))
        assert len(waiting_journals(journal_folder(store))) == 2
        application.talk(1, "parent")
        client.flush()
        assert len(waiting_journals(journal_folder(store))) == 1


# -- threads ---------------------------------------------------------------------------------------


def test_threads_that_come_first_all_at_once_share_one_journal_and_one_writer(
    tmp_path: Path,
) -> None:
    """Whoever is first makes what is needed; nobody waits, nothing is made twice and kept."""
    for life in range(10):
        store = tmp_path / f"{life}.db"
        client = threadline.Client(store=store, min_free_bytes=0)
        handler = ThreadlineCallbackHandler(client)
        writers_before = _writers()
        begin = threading.Barrier(12)

        def enter(n: int, begin: Any = begin, handler: Any = handler) -> None:
            begin.wait(20)
            config: Any = {"callbacks": [handler], "metadata": {"thread_id": f"t{n}"}}
            CHAIN.invoke({"question": "who?"}, config)

        threads = [threading.Thread(target=enter, args=(n,)) for n in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert len(waiting_journals(journal_folder(store))) == 1
        assert _writers() - writers_before <= 1
        report = client.close(20)
        assert (report.stored, report.pending, report.dropped) == (12, 0, {})
        assert _writers() == writers_before
        assert len(all_turns(threadline.open(store))) == 12


def _writers() -> int:
    return sum(thread.name == "threadline-writer" for thread in threading.enumerate())


def test_notes_that_were_delivered_are_not_delivered_again_by_who_takes_them_in(
    tmp_path: Path,
) -> None:
    """A killed process leaves a journal of what is stored, and delivered, long since."""
    store, file = tmp_path / "s.db", tmp_path / "out.jsonl"
    program = (
        "import os, signal, threadline\n"
        "from threadline.destinations import JsonLines\n"
        f"client = threadline.configure(store={str(store)!r}, min_free_bytes=0,"
        f" destinations=[JsonLines({str(file)!r})])\n"
        "with threadline.turn(thread_id='t', input='Hi') as turn:\n"
        "    turn.output = 'Hello'\n"
        "threadline.rate(1, turn_id=turn.id)\n"
        "threadline.event('Checkout', thread_id='t')\n"
        "assert client.flush(30).delivered == 3\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=False)
    before = file.read_text()
    assert before.count("\n") == 3
    with threadline.Client(store=store, destinations=[JsonLines(file)], min_free_bytes=0) as client:
        assert waiting_journals(journal_folder(store))
        client.take_in()
        client.flush(30)
    assert file.read_text() == before


# -- locks of the store's file ---------------------------------------------------------------------

ANOTHER = """
import sys, threadline
with threadline.Client(store=sys.argv[1], min_free_bytes=0) as client:
    with threadline.turn(thread_id="other", input="hello", client=client) as turn:
        turn.output = "hi"
"""
READER = """
import sys, threadline
with threadline.open(sys.argv[1]) as store:
    print(sorted((t.thread_id, t.input) for t in store.turns()))
"""


def test_a_process_that_ends_takes_nothing_from_one_that_goes_on(tmp_path: Path) -> None:
    """Who closes any handle of the store's file loses all locks on it: then another process takes
    itself for the last, deletes the write-ahead log, and later commits of this one with it.
    """
    path = tmp_path / "a.db"
    target = JsonLines(tmp_path / "out.jsonl")
    with threadline.Client(store=path, destinations=[target], min_free_bytes=0) as client:
        for question in ("one", "two", "three"):
            with threadline.turn(thread_id="mine", input=question, client=client) as turn:
                turn.output = "yes"
            report = client.flush(20.0)
            assert (report.pending, report.dropped) == (0, {})
            subprocess.run([sys.executable, "-c", ANOTHER, str(path)], check=True, timeout=60)
        told = subprocess.run(
            [sys.executable, "-c", READER, str(path)], capture_output=True, text=True, check=True
        )
        mine = [("mine", question) for question in ("one", "three", "two")]
        assert told.stdout.strip() == str([*mine, *[("other", "hello")] * 3])
        assert client.flush(0.0).delivered == 3
