"""P7: where nothing can be written the application goes on, and what is lost is counted, once."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.faults.application import Application, Lines, all_turns, numbers_of

import threadline
from threadline.capture import room
from threadline.store import database

HERE = Path(__file__).parent
IN_MEMORY = "recording into memory"
NOT_JOURNALED = "the journal cannot be written"
PUT_OFF = "the store cannot be written; what is recorded waits"
UNTIL_THE_END = "the store could not be written until the end"


def look_at_the_disk(client: threadline.Client) -> None:
    """Do now what the writer does every few seconds."""
    writer = client._started().writer
    with writer.working:
        writer.room._checked_at = 0.0
        writer.room.mind()


@pytest.mark.parametrize("place", ["below_a_file", "in_proc"])
def test_without_a_folder_it_records_into_memory(tmp_path: Path, place: str) -> None:
    """Root itself cannot make a folder there; what was said can be read while the process lives."""
    (tmp_path / "file").write_text("in the way")
    folder = {"below_a_file": tmp_path / "file" / "folder", "in_proc": Path("/proc/threadline")}
    path = folder[place] / "a.db"
    with Lines() as log:
        client = threadline.Client(store=path, min_free_bytes=0)
        application = Application(client)
        application.talk(5)
        assert client.flush().stored == 5
        assert client.flush().complete
        assert numbers_of(all_turns(threadline.open(path))) == [0, 1, 2, 3, 4]
        client.close()
    log.check(IN_MEMORY)


def test_a_folder_of_somebody_else_is_not_written(tmp_path: Path) -> None:
    """The same without the powers of root, in a process that has given them up."""
    report = run_as_nobody(tmp_path, folder_mode=0o555)
    assert report["stored"] == 5
    assert report["dropped"] == {}
    assert [IN_MEMORY in line for line in report["lines"]] == [True]


def test_a_store_that_is_read_only_leaves_the_journals_waiting(tmp_path: Path) -> None:
    """Nothing is lost: whoever can write the store takes the journals in."""
    path = tmp_path / "shared" / "a.db"
    database.connect_writer(path).close()
    report = run_as_nobody(tmp_path, folder_mode=0o777, file_mode=0o444)
    assert report["stored"] == 0
    assert report["pending"] == 5
    assert report["dropped"] == {}
    assert [PUT_OFF in line for line in report["lines"]] == [True]
    assert numbers_of(all_turns(threadline.open(path))) == [0, 1, 2, 3, 4]


def run_as_nobody(tmp_path: Path, *, folder_mode: int, file_mode: int | None = None) -> dict:
    """Talk five times in a process without the powers of root, closing the client at the end."""
    folder = tmp_path / "shared"
    folder.mkdir(exist_ok=True)
    if file_mode is not None:
        (folder / "a.db").chmod(file_mode)
    shutil.rmtree(folder / "a.db.journals", ignore_errors=True)
    for opened in (tmp_path, *list(tmp_path.parents)[:2]):
        opened.chmod(opened.stat().st_mode | 0o055)
    folder.chmod(folder_mode)
    done = subprocess.run(
        [sys.executable, str(HERE / "starving_application.py"), "nobody", str(folder / "a.db")],
        capture_output=True,
        text=True,
        timeout=40,
        check=False,
    )
    folder.chmod(0o755)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_without_a_journal_the_store_alone_records(tmp_path: Path) -> None:
    """The folder of the journals cannot be made; turns reach the store through memory."""
    path = tmp_path / "a.db"
    (tmp_path / "a.db.journals").write_text("in the way")
    with Lines() as log:
        with threadline.Client(store=path, min_free_bytes=0) as client:
            Application(client).talk(5)
            assert client.flush().complete
        log.check(NOT_JOURNALED)
    assert numbers_of(all_turns(threadline.open(path))) == [0, 1, 2, 3, 4]


def test_without_a_store_the_journal_keeps_everything(tmp_path: Path) -> None:
    """The store's place is taken by a folder; once it is gone all turns arrive."""
    path = tmp_path / "a.db"
    path.mkdir()
    with Lines() as log:
        client = threadline.Client(store=path, min_free_bytes=0)
        Application(client).talk(5)
        report = client.flush()
        assert (report.stored, report.pending, report.dropped) == (0, 5, {})
        report = client.close()
        assert (report.stored, report.pending, report.dropped) == (0, 5, {})
        log.check(PUT_OFF)
    path.rmdir()
    with threadline.Client(store=path) as other:
        assert numbers_of(all_turns(other.reader())) == [0, 1, 2, 3, 4]


def test_without_store_and_journal_the_loss_is_counted(tmp_path: Path) -> None:
    """It waits in memory as long as there is hope; at the end it is lost, and said so."""
    path = tmp_path / "a.db"
    path.mkdir()
    (tmp_path / "a.db.journals").write_text("in the way")
    with Lines() as log:
        client = threadline.Client(store=path, min_free_bytes=0)
        Application(client).talk(5)
        assert client.flush().pending == 5
        report = client.close()
        assert (report.stored, report.pending) == (0, 0)
        assert report.dropped == {UNTIL_THE_END: 5}
        log.check(NOT_JOURNALED, PUT_OFF, UNTIL_THE_END)


def test_the_journal_is_tried_again(tmp_path: Path) -> None:
    """Where a journal can be made at last, turns are safe from a kill again."""
    path = tmp_path / "a.db"
    (tmp_path / "a.db.journals").write_text("in the way")
    with threadline.Client(store=path, min_free_bytes=0) as client:
        application = Application(client)
        application.talk()
        assert client.recorder.journal.path is None
        (tmp_path / "a.db.journals").unlink()
        look_at_the_disk(client)
        application.talk()
        assert client.recorder.journal.path.exists()
        assert client.flush().stored == 2


def test_without_a_home_the_store_is_in_the_temporary_folder(tmp_path: Path) -> None:
    """An environment with nothing in it but where temporary files go."""
    program = (
        "import threadline; from tests.faults.application import *\n"
        "client = threadline.Client(min_free_bytes=0); Application(client).talk(3)\n"
        "print(client.flush().stored, client.settings.store)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"TMPDIR": str(tmp_path)},
        cwd=HERE.parents[1],
        capture_output=True,
        text=True,
        timeout=40,
        check=False,
    )
    assert done.stderr == ""
    stored, path = done.stdout.split()
    assert (stored, Path(path).parent) == ("3", tmp_path / "threadline")
    assert len(all_turns(threadline.open(path))) == 3


def test_a_floor_of_free_space_stops_recording(tmp_path: Path) -> None:
    """Nothing is written, what is not recorded is counted, and it is said once."""
    path = tmp_path / "a.db"
    with Lines() as log:
        client = threadline.Client(store=path, min_free_bytes=10**18)
        Application(client).talk(5)
        [(reason, count)] = client.close().dropped.items()
        assert count == 5
        log.check(reason)
    assert not path.exists()
    assert "min_free_bytes" in reason


def test_recording_goes_on_once_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The floor is watched while recording; the turns of the time below it are counted."""
    free = {"bytes": 10**9}
    monkeypatch.setattr(room, "_free_bytes", lambda _: free["bytes"])
    with threadline.Client(store=tmp_path / "a.db") as client:
        application = Application(client)
        for now in (10**9, 10**6, 10**9):
            free["bytes"] = now
            look_at_the_disk(client)
            application.talk(2)
        report = client.flush()
        assert report.stored == 4
        assert list(report.dropped.values()) == [2]
    assert numbers_of(all_turns(threadline.open(tmp_path / "a.db"))) == [0, 1, 4, 5]
