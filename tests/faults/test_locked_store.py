"""P7: a store that others hold costs the application nothing; all arrives when they let go."""

from __future__ import annotations

import contextlib
import contextvars
import math
import sqlite3
import time
from typing import TYPE_CHECKING

import pytest
from tests.faults.application import Application, Lines, all_turns, numbers_of

import threadline
from threadline.capture import memory_limit, store_wait
from threadline.store import database
from threadline.store.journal import journal_folder, waiting_journals

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PUT_OFF = "the store cannot be written; what is recorded waits"
MEMORY_FULL = "memory was full, the oldest was dropped"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A store that exists and is empty."""
    path = tmp_path / "a.db"
    database.connect_writer(path).close()
    return path


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the store's write lock, as another process would."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the writer put off at once what it cannot write."""
    monkeypatch.setattr(database, "WRITER_PATIENCE_S", 0.05)


@pytest.fixture
def calm(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the writer say nothing of others that hold the store for a while."""
    monkeypatch.setattr(store_wait, "_LONG_BUSY_S", math.inf)


@pytest.mark.usefixtures("calm")
def test_a_locked_store_does_not_slow_the_application(path: Path) -> None:
    """The writer waits; hooks do not. Nothing is lost, so that nothing is said."""
    with threadline.Client(store=path, min_free_bytes=0) as client, Lines() as log:
        application = Application(client)
        application.talk(3)
        client.flush()
        with locked(path):
            slowest = 0.0
            for _ in range(40):
                began = time.monotonic()
                application.talk()
                slowest = max(slowest, time.monotonic() - began)
            assert slowest < database.WRITER_PATIENCE_S / 4
            began = time.monotonic()
            report = client.flush(timeout=0.1)
            assert time.monotonic() - began < database.WRITER_PATIENCE_S
            assert (report.stored, report.pending, report.dropped) == (3, 40, {})
        # the writer's own wait may have to run out first
        assert client.flush(timeout=10).complete
        assert client.flush().stored == 43
        log.check()
    assert numbers_of(all_turns(threadline.open(path))) == list(range(43))


@pytest.mark.usefixtures("impatient")
def test_a_store_that_others_hold_for_long_is_told_once(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a busy machine processes are in each other's way for a while; not for ever."""
    monkeypatch.setattr(store_wait, "_LONG_BUSY_S", 0.3)
    with threadline.Client(store=path, min_free_bytes=0) as client, Lines() as log:
        application = Application(client)
        with locked(path):
            application.talk()
            client.flush(timeout=0.01)
            log.check()
            while not log.lines:
                client.flush(timeout=0.01)
            client.flush(timeout=0.01)
        assert client.flush(timeout=10).complete
        log.check(PUT_OFF)


@pytest.mark.usefixtures("impatient", "calm")
def test_what_waits_at_the_end_is_taken_in_by_the_next(path: Path) -> None:
    """The store stays locked until the process ends; its journal stays for the next one."""
    with locked(path):
        client = threadline.Client(store=path, min_free_bytes=0)
        with Lines() as log:
            Application(client).talk(5)
            threadline.rate(1, thread_id="t", client=client)
            report = client.close()
            assert (report.stored, report.pending, report.dropped) == (0, 5, {})
            log.check(PUT_OFF)
        assert len(waiting_journals(journal_folder(path))) == 1
    with threadline.open(path) as store:
        assert store.conversation("t").feedback or store.conversation("t").ratings
    assert numbers_of(all_turns(threadline.open(path))) == [0, 1, 2, 3, 4]


@pytest.mark.usefixtures("impatient")
def test_a_client_that_closed_in_vain_can_be_used_again(path: Path) -> None:
    """What its own journal kept comes in with what is recorded next, once."""
    client = threadline.Client(store=path, min_free_bytes=0)
    application = Application(client)
    with locked(path):
        application.talk(2)
        client.close()
    application.talk(2)
    client.close()
    assert numbers_of(all_turns(threadline.open(path))) == [0, 1, 2, 3]


@pytest.mark.usefixtures("impatient", "calm")
def test_memory_is_bounded_while_the_store_is_locked(path: Path) -> None:
    """What does not fit is left to the journals, and taken in once the store is free."""
    client = threadline.Client(store=path, min_free_bytes=0, max_memory_bytes=1_000_000)
    application = Application(client, filler=30_000)
    with Lines() as log:
        with locked(path):
            for _ in range(10):
                application.talk(10)
                report = client.flush()
                assert (report.stored, report.pending) == (0, application.said)
                assert client._started().keeper.held_bytes() < 1_500_000
        report = client.flush()
        assert (report.stored, report.pending, report.dropped) == (100, 0, {})
        client.close()
        log.check()
    assert numbers_of(all_turns(threadline.open(path))) == list(range(100))
    assert waiting_journals(journal_folder(path)) == []


@pytest.mark.usefixtures("impatient")
def test_memory_is_bounded_where_nothing_can_be_written(tmp_path: Path) -> None:
    """Neither store nor journal: the oldest turns go, and are counted."""
    path = tmp_path / "a.db"
    path.mkdir()
    (tmp_path / "a.db.journals").write_text("in the way")
    client = threadline.Client(store=path, min_free_bytes=0, max_memory_bytes=1_000_000)
    application = Application(client, filler=30_000)
    with Lines() as log:
        for _ in range(50):
            application.talk(2)
            client.flush()
            assert client._started().keeper.held_bytes() < 1_500_000
        report = client.flush()
        assert list(report.dropped) == [MEMORY_FULL]
        assert report.dropped[MEMORY_FULL] + report.pending == 100
        assert report.pending > 0
        log.check("the journal cannot be written", PUT_OFF, MEMORY_FULL)
    path.rmdir()
    client.close()
    kept = numbers_of(all_turns(threadline.open(path)))
    assert kept == list(range(100 - report.pending, 100))


def test_a_store_in_memory_is_bounded() -> None:
    """The conversations that were not spoken in for longest go, and are counted."""
    client = threadline.Client(store="memory", max_memory_bytes=2_000_000)
    application = Application(client, filler=10_000)
    with Lines() as log:
        for n in range(200):
            application.talk(thread_id=f"t{n}")
        report = client.flush()
        assert report.stored == 200
        log.check(MEMORY_FULL)
    kept = numbers_of(all_turns(client.reader()))
    assert kept == list(range(200 - len(kept), 200))
    assert len(kept) > 30
    assert report.dropped == {MEMORY_FULL: 200 - len(kept)}
    assert store_bytes(client) <= 2_000_000
    assert client._started().keeper.held_bytes() < 5_000_000
    application.talk(thread_id="t199")
    assert len(client.reader().conversation("t199").turns) == 2


def store_bytes(client: threadline.Client) -> int:
    connection = client._started().store.connection
    pages, free, size = (
        connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("page_count", "freelist_count", "page_size")
    )
    return (pages - free) * size


def test_what_nobody_ends_does_not_fill_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Turns that never end are abandoned, the longest silent first, once they take too much."""
    monkeypatch.setattr(memory_limit, "_SILENT_S", 0.0)
    path = tmp_path / "a.db"
    client = threadline.Client(store=path, min_free_bytes=0, max_memory_bytes=1_000_000)

    def begin(n: int) -> threadline.turn:
        scope = threadline.turn(thread_id=f"t{n}", input=f"{n} {'y' * 30_000}", client=client)
        scope.__enter__()
        return scope

    begun = []
    for n in range(100):
        begun.append(contextvars.copy_context().run(begin, n))
        client.flush()
        assert client._started().keeper.held_bytes() < 1_500_000
    report = client.flush()
    assert report.stored + report.pending == 100
    assert report.stored > 50
    for scope in begun:  # those that were given up do not come back as other turns
        contextvars.copy_context().run(scope.__exit__, None, None, None)
    report = client.close()
    assert (report.stored, report.pending) == (100, 0)
