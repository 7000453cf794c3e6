"""P7: a damaged store is moved aside, never overwritten; one that is moved away is made anew."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from typing import TYPE_CHECKING

import pytest
from tests.faults.application import WORD, Application, Lines, all_turns, numbers_of

import threadline
from threadline.store import database

if TYPE_CHECKING:
    from pathlib import Path

GARBAGE = b"These are the notes of somebody else. " * 1000
MOVED = "the store was damaged and has been moved aside"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.db"


def moved_aside(path: Path) -> list[Path]:
    found = path.parent.glob(f"{path.name}.corrupt-*")
    return [one for one in found if not one.name.endswith(("-wal", "-shm"))]


def check_sound(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def fill(path: Path, turns: int = 40) -> None:
    """Make a store of many pages, all of them in the file itself."""
    with threadline.Client(store=path, min_free_bytes=0) as client:
        Application(client, filler=3_000).talk(turns)


def damage(path: Path) -> bytes:
    """Overwrite what is in the middle of the file, and return what the file is now."""
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (size - 2 * 4096))
    return path.read_bytes()


def test_a_store_that_is_no_database_any_more_is_moved_aside(path: Path) -> None:
    """Its bytes are all there under another name; new turns are stored; it is said once."""
    fill(path, 3)
    path.write_bytes(GARBAGE)
    with Lines() as log:
        with threadline.Client(store=path, min_free_bytes=0) as client:
            Application(client).talk(3)
            report = client.flush()
            assert (report.stored, report.complete) == (3, True)
        log.check(MOVED)
    [aside] = moved_aside(path)
    assert aside.read_bytes() == GARBAGE
    assert numbers_of(all_turns(threadline.open(path))) == [0, 1, 2]


def test_a_file_that_never_was_a_store_is_left_alone(path: Path) -> None:
    """Not a byte of it changes, also not at the second start, when there are journals beside it."""
    path.write_bytes(GARBAGE)
    check_left_alone(path, {path.name, f"{path.name}.journals"})


def test_a_database_of_somebody_else_gets_no_tables_of_ours(path: Path) -> None:
    """It is refused as any other file is, whatever version its own schema has."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE meta (of_theirs)")
        connection.execute("PRAGMA user_version = 2")
    check_left_alone(path, {path.name, f"{path.name}.journals"})


def check_left_alone(path: Path, expected: set[str]) -> None:
    """Record twice into what is not ours: one warning each, and what is said waits in journals."""
    before = path.read_bytes()
    for _ in range(2):
        with Lines() as log:
            with threadline.Client(store=path, min_free_bytes=0) as client:
                Application(client).talk(3)
                report = client.flush(timeout=1)
                assert (report.stored, report.complete) == (0, False)
            told = [line for line in log.lines if "not a store of Threadline's" in line]
            assert len(told) == 1, log.lines
            assert str(path) in told[0]
            assert "THREADLINE_STORE" in told[0]
        assert path.read_bytes() == before
        assert {one.name for one in path.parent.iterdir()} == expected
    assert any((path.parent / f"{path.name}.journals").glob("*.journal*"))


def test_an_empty_file_becomes_the_store(path: Path) -> None:
    """There is nothing in it that could be lost."""
    path.touch()
    with Lines() as log:
        with threadline.Client(store=path, min_free_bytes=0) as client:
            Application(client).talk(3)
            assert client.flush().complete
        log.check()
    assert moved_aside(path) == []
    assert len(all_turns(threadline.open(path))) == 3


def test_a_store_damaged_in_the_middle_is_moved_aside(path: Path) -> None:
    """It opens well, and only reading or writing it shows that it is damaged."""
    fill(path)
    damaged = damage(path)
    with Lines() as log:
        with threadline.Client(store=path, min_free_bytes=0) as client:
            Application(client).talk(3)
            client.flush()
            report = client.flush()  # the first try finds the damage
            assert (report.stored, report.complete) == (3, True)
        assert [MOVED in line for line in log.lines].count(True) == 1
        assert not any(WORD in line for line in log.lines)
        assert len(log.lines) <= 2
    [aside] = moved_aside(path)
    assert aside.read_bytes() == damaged
    check_sound(path)
    assert numbers_of(all_turns(threadline.open(path))) == [0, 1, 2]


def test_two_that_find_the_damage_move_only_the_damaged_store(path: Path) -> None:
    """The second one leaves alone what the first one has begun in its place."""
    fill(path)
    clients = [threadline.Client(store=path, min_free_bytes=0) for _ in range(3)]
    applications = [Application(client) for client in clients]
    for application, client in zip(applications, clients, strict=True):
        application.talk()
        assert client.flush().stored == 1
    damage(path)
    for application, client in zip(applications, clients, strict=True):
        application.talk(2, thread_id=f"own-{id(client)}")
        client.flush()
        report = client.flush()
        assert (report.stored, report.complete) == (3, True)
    for client in clients:
        client.close()
    assert len(moved_aside(path)) == 1
    check_sound(path)
    turns = all_turns(threadline.open(path))
    assert len([turn for turn in turns if turn.thread_id.startswith("own-")]) == 6


@pytest.mark.parametrize("what", ["file", "all_files", "folder"])
def test_a_store_that_is_deleted_while_running_is_made_anew(path: Path, what: str) -> None:
    """What was in it is gone, as was wished; what is said from then on is stored."""
    path = path.parent / "stores" / path.name
    with threadline.Client(store=path, min_free_bytes=0) as client, Lines() as log:
        application = Application(client)
        application.talk(3)
        assert client.flush().stored == 3
        if what == "folder":
            shutil.rmtree(path.parent)
        else:
            for one in path.parent.glob("a.db" if what == "file" else "a.db*"):
                shutil.rmtree(one) if one.is_dir() else one.unlink()
        application.talk(3)
        report = client.flush()
        assert (report.stored, report.complete) == (6, True)
        application.talk()
        client.flush()
        journal = client.recorder.journal
        assert journal.path.exists(), "a kill would lose what is said now"
        log.check()
    check_sound(path)
    assert numbers_of(all_turns(threadline.open(path))) == [3, 4, 5, 6]


def test_a_store_that_is_replaced_while_running_takes_what_follows(path: Path) -> None:
    """The other file is sound before and after; the one that was there keeps what it had."""
    other = path.with_name("other.db")
    fill(other, 5)
    with threadline.Client(store=path, min_free_bytes=0) as client:
        application = Application(client)
        application.talk(3)
        assert client.flush().stored == 3
        path.rename(path.with_name("before.db"))
        other.rename(path)
        application.talk(3, thread_id="later")
        report = client.flush()
        assert (report.stored, report.complete) == (6, True)
    for one in (path, path.with_name("before.db")):
        check_sound(one)
    turns = all_turns(threadline.open(path))
    assert len(turns) == 8
    assert numbers_of([turn for turn in turns if turn.thread_id == "later"]) == [3, 4, 5]
    assert numbers_of(all_turns(threadline.open(path.with_name("before.db")))) == [0, 1, 2]


def test_a_key_file_that_is_cut_off_is_not_used(path: Path) -> None:
    """Half a key, as a full disk leaves it, would let digests be guessed."""
    folder = path.with_name("a.db.journals")
    folder.mkdir()
    (folder / "key").write_bytes(b"")
    with threadline.Client(store=path, min_free_bytes=0) as client:
        Application(client).talk()
        assert client.flush().complete
        key = client._started().store.key
    assert len(key) == 32
    assert (folder / "key").read_bytes() == key


def test_moving_aside_overwrites_nothing(path: Path) -> None:
    """Two stores of the same age are both kept."""
    for n in range(3):
        path.write_bytes(b"%d" % n)
        os.utime(path, ns=(1, 1))
        assert database.move_aside(path, database.file_id(path)) is not None
    assert sorted(one.read_bytes() for one in moved_aside(path)) == [b"0", b"1", b"2"]
