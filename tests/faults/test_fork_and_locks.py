"""P5: what a process has open of a store when it is forked takes nothing from its children.

SQLite believes in a child that it holds the locks of its parent: a child that inherits a connection
would write without any lock, and lose what it wrote as soon as another process ends.
"""

from __future__ import annotations

import gc
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from tests.faults.application import Application, all_turns
from tests.faults.test_fork import in_child

import threadline
from threadline.errors import StoreUnavailableError
from threadline.store.database import connect_reader

if TYPE_CHECKING:
    from pathlib import Path

# Python warns of forks where threads run from 3.12 on; prefork servers do it all the same.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")

OPENS_AND_CLOSES = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
print(connection.execute("SELECT count(*) FROM turn").fetchone()[0])
connection.close()
"""


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "a.db"
    with threadline.Client(store=path, min_free_bytes=0) as client:
        Application(client).talk(1, "before")
    return path


def turns_seen_by_another(path: Path) -> int:
    """Ask a process that has the store open for a moment, and is the last one as far as it sees."""
    told = subprocess.run(
        [sys.executable, "-c", OPENS_AND_CLOSES, str(path)],
        capture_output=True,
        check=True,
        timeout=60,
    )
    return int(told.stdout)


def test_a_child_of_a_process_that_reads_loses_nothing(store: Path) -> None:
    """Whoever opens the store beside it must find it locked, and see all that it stored."""
    reader = threadline.open(store)
    assert len(reader.turns()) == 1

    def work() -> None:
        with threadline.Client(store=store, min_free_bytes=0) as client:
            application = Application(client)
            for stored in (1, 2, 3):
                application.talk(1, "child")
                assert client.flush().stored == stored
                assert turns_seen_by_another(store) == 1 + stored

    in_child(work, first=reader.close)
    assert len(all_turns(threadline.open(store))) == 4


@pytest.mark.parametrize("drops", ["reader", "client"])
def test_what_was_dropped_without_closing_it_bars_no_child(store: Path, drops: str) -> None:
    """A connection is in a cycle with its statements: it would live until it is collected."""
    gc.collect()
    gc.disable()
    try:
        if drops == "reader":
            assert len(threadline.open(store).turns()) == 1
        else:
            assert threadline.Client(store=store, ship=False).reader().turns()

        def work() -> None:
            with threadline.Client(store=store, min_free_bytes=0) as client:
                Application(client).talk(1, "child")
                assert client.flush().pending == 0

        in_child(work)
    finally:
        gc.enable()


def test_a_reader_goes_on_after_a_fork(store: Path) -> None:
    """On both sides, and it sees what the other side has stored since."""
    with threadline.open(store) as reader:
        assert len(reader.turns()) == 1

        def work() -> None:
            with threadline.Client(store=store, min_free_bytes=0) as client:
                Application(client).talk(1, "child")
            assert len(reader.turns()) == 2

        in_child(work)
        assert len(reader.turns()) == 2


def test_a_child_forked_in_the_middle_of_something_leaves_the_store_to_others(store: Path) -> None:
    """It cannot use the store safely: what it records stays in its journal, and is taken in."""

    def work() -> None:
        client = threadline.Client(store=store, min_free_bytes=0)
        Application(client).talk(2, "child")
        report = client.flush()
        assert (report.stored, report.pending, report.dropped) == (0, 2, {})
        with pytest.raises(StoreUnavailableError, match="forked while the store was in use"):
            threadline.open(store).turns()

    with closing(connect_reader(store)):  # as while a store is copied
        in_child(work)
    with threadline.Client(store=store, min_free_bytes=0) as client:
        assert client.take_in() == 2
    assert len(all_turns(threadline.open(store))) == 3
