"""What dead processes left is taken in once, whoever comes first; the living keep theirs."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from tests.faults.killed_application import Job
from tests.faults.test_kill import check_whole, kill, said, turns_of

import threadline
from threadline.langchain import ThreadlineCallbackHandler
from threadline.store.journal import journal_folder, read_journal, waiting_journals

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

THREADS = [f"t{n}" for n in range(6)]


@pytest.fixture(scope="module")
def left_behind(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store's folder with the journals of six processes that were killed."""
    path = tmp_path_factory.mktemp("left") / "a.db"
    kill([Job(str(path), thread_id, "invoke") for thread_id in THREADS])
    return path


@pytest.fixture
def path(left_behind: Path, tmp_path: Path) -> Path:
    """A copy of that store, for one test."""
    shutil.copytree(left_behind.parent, tmp_path / "copy")
    return tmp_path / "copy" / "a.db"


def check_all_there(path: Path, threads: Sequence[str] = THREADS) -> None:
    for thread_id in threads:
        [turn] = turns_of(path, thread_id)
        check_whole(turn, f"{thread_id} asks ")


def test_a_torn_last_frame_is_skipped(path: Path) -> None:
    """What stood before the tear is there; the turn whose end is torn off is abandoned."""
    torn = waiting_journals(journal_folder(path))[0]
    torn.write_bytes(torn.read_bytes()[:-7])
    states = [turn.status for thread_id in THREADS for turn in turns_of(path, thread_id)]
    assert sorted(states) == ["abandoned", *["ok"] * 5]


def test_taking_in_the_same_journals_again_changes_nothing(path: Path, tmp_path: Path) -> None:
    """A journal that was taken in and could not be deleted adds nothing the second time."""
    kept = shutil.copytree(journal_folder(path), tmp_path / "kept")
    check_all_there(path)
    with threadline.open(path) as store:
        before = [store.conversation(thread_id) for thread_id in THREADS]
    shutil.copytree(kept, journal_folder(path), dirs_exist_ok=True)
    assert len(waiting_journals(journal_folder(path))) == len(THREADS)
    with threadline.open(path) as store:
        assert [store.conversation(thread_id) for thread_id in THREADS] == before
    assert not waiting_journals(journal_folder(path))


def test_processes_that_open_at_once_take_each_journal_in_once(path: Path) -> None:
    """Whoever comes first takes a journal; nobody doubles it, and nobody fails."""
    program = f"import threadline; input(); threadline.open({str(path)!r}).turns()"
    openers = [
        subprocess.Popen(
            [sys.executable, "-c", program], stdin=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for _ in range(4)
    ]
    for opener in openers:
        opener.stdin.write(b"\n")
        opener.stdin.flush()
    assert [opener.communicate(timeout=30)[1] for opener in openers] == [b""] * 4
    assert [opener.returncode for opener in openers] == [0] * 4
    check_all_there(path)
    assert not waiting_journals(journal_folder(path))


def test_the_journal_of_a_living_process_is_left_alone(path: Path) -> None:
    """Another process opens the store while this one is in the middle of a turn."""
    with threadline.Client(store=path, min_free_bytes=0) as client:
        handler = ThreadlineCallbackHandler(client, thread_id="living")
        with threadline.turn(thread_id="living", input="Still here?", client=client):
            [own] = set(waiting_journals(journal_folder(path))) - journals_of_the_dead(path, client)
            program = f"import threadline; threadline.open({str(path)!r}).turns()"
            subprocess.run([sys.executable, "-c", program], check=True, timeout=30)
            assert waiting_journals(journal_folder(path)) == [own]
            run_parrot(handler)
    check_all_there(path)
    [turn] = turns_of(path, "living")
    assert turn.status == "ok"
    assert said(turn.messages)[0] == ("user", "Still here?")


def journals_of_the_dead(path: Path, client: threadline.Client) -> set[Path]:
    own = client.recorder.journal
    assert own is not None
    return {journal for journal in waiting_journals(journal_folder(path)) if journal != own.path}


def run_parrot(handler: ThreadlineCallbackHandler) -> None:
    from tests.faults.killed_application import CHAIN

    CHAIN.invoke({"question": "Still here?"}, {"callbacks": [handler]})


@pytest.mark.parametrize("death", ["after_rotation", "agent_after_rotation"])
def test_the_rest_of_a_turn_whose_beginning_was_cut_adds_nothing(
    tmp_path: Path, death: str
) -> None:
    """A turn may stand in several journal files; the first is gone once the store has the turn."""
    path = tmp_path / "a.db"
    kill([Job(str(path), "t", death)])
    assert len(waiting_journals(journal_folder(path))) == 1
    assert list(read_journal(waiting_journals(journal_folder(path))[0]))
    with threadline.open(path) as store:
        turns = store.turns(kind=None)
    assert [turn.status for turn in turns] == ["ok"]


def test_processes_that_make_a_store_at_once_all_can_use_it(tmp_path: Path) -> None:
    """SQLite itself refuses, without waiting, to those that come second."""
    path = tmp_path / "a.db"
    program = (
        "import sys, pathlib; from threadline.store import database\n"
        "path = pathlib.Path(sys.argv[1]); sys.stdin.readline()\n"
        "for n in range(40): database.connect_writer(path.with_name(f'{n}.db'), busy_s=5).close()"
    )
    makers = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(path)],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(4)
    ]
    for maker in makers:
        maker.stdin.write(b"\n")
        maker.stdin.flush()
    assert [maker.communicate(timeout=30)[1] for maker in makers] == [b""] * 4
