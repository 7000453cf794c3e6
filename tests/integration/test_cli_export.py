"""`threadline export`: what comes out is what other programs read, whole and nothing else."""

from __future__ import annotations

import csv
import io
import json
import os
from pathlib import Path

import pyarrow.dataset as ds
import pytest
from click.testing import CliRunner, Result
from tests.fake_store import FakeStore
from tests.hostile import hostile
from tests.pages.audit import audited
from tests.samples import all_samples, conversation, said, turn
from tests.stored import Stored

import threadline
from threadline.cli.app import app
from threadline.cli.session import Session
from threadline.model import Conversation, TextPart, decode

SAMPLES = {one.thread_id: one for one in all_samples()}


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeStore:
    fake = FakeStore(tmp_path / "shop.db", *SAMPLES.values())
    monkeypatch.setattr(threadline, "open", lambda _path=None: fake, raising=False)
    return fake


def run(*arguments: str) -> Result:
    """Run the command on a pipe."""
    return CliRunner().invoke(app, ["export", *arguments], obj=Session())


def test_our_lines_hold_all_that_was_recorded(store: FakeStore) -> None:
    """Every conversation comes back equal from its line, spans and bytes among it."""
    done = run()
    assert done.exit_code == 0, done.stderr
    read = [decode(line.encode()) for line in done.stdout.splitlines()]
    assert read == store.held
    assert "9 conversations of" in done.stderr


def test_what_no_file_can_hold_is_no_obstacle(tmp_path: Path) -> None:
    """Control characters come back as they were; of a lone surrogate a question mark is left."""
    odd = conversation(
        "t", turn("t", 0, 1, said("user", "a\x9bb\u202ec", 0)), metadata={"k": "\ud800"}
    )
    line = run_on(tmp_path, conversations=[odd])
    assert "\x9b" not in line
    read = decode(line.encode())
    assert read.messages[0].text == "a\x9bb\u202ec"
    assert read.metadata == {"k": "?"}


def test_the_context_ai_shape_is_that_of_to_dict(store: FakeStore) -> None:
    """A line of it is read by `Conversation.from_dict`."""
    lines = run("--format", "contextai").stdout.splitlines()
    read = [Conversation.from_dict(json.loads(line)) for line in lines]
    assert [one.thread_id for one in read] == [one.thread_id for one in store.held]
    assert [len(one.messages) for one in read] == [len(one.messages) for one in store.held]


def test_fine_tuning_examples_are_whole_exchanges(store: FakeStore) -> None:
    """Roles, tool calls and their answers as the format wants them; failures teach nothing."""
    lines = run("--format", "openai").stdout.splitlines()
    trip = next(e for e in map(json.loads, lines) if "drier" in json.dumps(e))
    roles = [message["role"] for message in trip["messages"]]
    assert " ".join(roles) == "system user assistant tool tool assistant user assistant"
    call = trip["messages"][2]["tool_calls"][0]
    assert call["function"] == {"name": "weather", "arguments": '{"city":"Paris","days":2}'}
    assert trip["messages"][3] == {
        "role": "tool",
        "tool_call_id": "call_1",
        "content": "rain, 11 °C",
    }
    assert [tool["function"]["name"] for tool in trip["tools"]] == ["weather", "refund"]
    assert not any("4711" in line for line in lines)  # a failed and an interrupted turn


def test_one_conversation_is_a_page_of_its_own(store: FakeStore, tmp_path: Path) -> None:
    """The page is that of `to_html`; several stand below one another on one page."""
    done = run("--format", "html", "--thread", "trip-0412", "-o", str(tmp_path / "x.html"))
    assert done.exit_code == 0, done.stderr
    assert store.asked == {"thread_id": "trip-0412"}
    page = (tmp_path / "x.html").read_text()
    assert audited(page).wrong == []
    assert "A dry weekend" in page


def test_several_conversations_keep_apart_on_one_page(tmp_path: Path) -> None:
    """No anchor of one is that of another."""
    page = run_on(tmp_path, "--format", "html", conversations=[*all_samples(), hostile()])
    audit = audited(page)
    assert audit.wrong == []
    assert page.count("<h1") == 10


def run_on(tmp_path: Path, *arguments: str, conversations: list[Conversation]) -> str:
    """Export made-up conversations; returns what was written."""
    fake = FakeStore(tmp_path / "shop.db", *conversations)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threadline, "open", lambda _path=None: fake, raising=False)
        done = run(*arguments)
    assert done.exit_code == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("shape", ["html", "jsonl", "contextai", "openai"])
def test_more_is_taken_out_where_that_is_asked_for(tmp_path: Path, shape: str) -> None:
    """What a rule matches is in no export that was made with it."""
    message = said("user", "I am ada@example.org", 0, parts=(TextPart("I am ada@example.org"),))
    one = conversation(
        "t", turn("t", 0, 1, message, said("assistant", "Hello", 1)), user_id="ada@example.org"
    )
    written = run_on(tmp_path, "--format", shape, "--redact", "pii", conversations=[one])
    assert "Hello" in written
    assert "example.org" not in written


def test_csv_is_what_a_spreadsheet_reads(tmp_path: Path) -> None:
    """Every row has all cells, times are ISO in UTC, and nothing is taken for a formula."""
    evil = conversation("t", turn("t", 0, 1, said("user", '=HYPERLINK("http://x")\n"a",b', 0)))
    written = run_on(tmp_path, "--format", "csv", conversations=[*all_samples(), hostile(), evil])
    rows = list(csv.DictReader(io.StringIO(written)))
    assert len(rows) > 20
    assert all(None not in row and None not in row.values() for row in rows)
    [row] = [row for row in rows if "HYPERLINK" in row["text"]]
    assert row["text"] == '\'=HYPERLINK("http://x")\n"a",b'
    assert row["at"] == "2026-11-21T10:00:00Z"


def test_parquet_is_partitioned_by_day(store: FakeStore, tmp_path: Path) -> None:
    """Any engine that reads partitioned folders reads it, and a second export replaces it."""
    for _ in range(2):
        done = run("--format", "parquet", "--table", "turns", "-o", str(tmp_path / "out"))
        assert done.exit_code == 0, done.stderr
    found = ds.dataset(tmp_path / "out", partitioning="hive").to_table()
    assert found.num_rows == sum(len(one.turns) for one in store.held)
    assert set(found["day"].to_pylist()) == {"2026-11-21"}


def test_what_cannot_be_done_is_said_before_anything_is_written(
    store: FakeStore, tmp_path: Path
) -> None:
    """Wrong options end with a usage error; a wrong rule leaves no file behind."""
    assert run("--format", "parquet").exit_code == 2
    assert run("--format", "csv", "--redact", "pii").exit_code == 2
    failed = run("--redact", "everything", "-o", str(tmp_path / "x.jsonl"))
    assert failed.exit_code == 1
    assert "everything" in failed.stderr
    assert list(tmp_path.glob("x.jsonl*")) == []


def test_a_folder_or_a_pipe_is_not_replaced_by_a_file(store: FakeStore, tmp_path: Path) -> None:
    """Only a plain file is: what is no file is written to as it is, or the reason is told."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    assert run("--thread", "trip-0412", "-o", str(pipe)).exit_code == 0
    assert decode(os.read(reader, 1_000_000)) == SAMPLES["trip-0412"]
    os.close(reader)
    assert pipe.is_fifo()
    (tmp_path / "file").touch()
    for wrong in (tmp_path, tmp_path / "file" / "x", Path("/")):
        failed = run("-o", str(wrong))
        assert failed.exit_code == 1
        assert failed.stderr.startswith(f"Error: {wrong}: ")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "pipe"]


def test_a_filter_reaches_the_store(store: FakeStore) -> None:
    """The store narrows down, and the newest come first."""
    run("--user", "u-17", "--since", "2d", "--text", "refund", "--limit", "2")
    assert store.asked == {"user_id": "u-17", "since": "2d", "text": "refund"}
    assert len(run("--limit", "2").stdout.splitlines()) == 2


@pytest.mark.parametrize(
    ("shape", "target"),
    [
        *((shape, "a.db") for shape in ("html", "contextai", "openai", "csv", "parquet")),
        *(("jsonl", target) for target in ("a.db", "x/../a.db", "soft", "hard", "a")),
        *(("jsonl", target) for target in ("a.db-wal", "a.db-shm", "a.db.journals/page")),
    ],
)
def test_an_export_never_takes_the_place_of_its_store(
    tmp_path: Path, shape: str, target: str
) -> None:
    """However the place is spelled, it is refused before anything is written."""
    path = a_real_store(tmp_path, "a.part" if target == "a" else "a.db")
    (tmp_path / "soft").symlink_to(path)
    (tmp_path / "hard").hardlink_to(path)
    before = path.read_bytes()
    done = run("--store", str(path), "--format", shape, "-o", str(tmp_path / target))
    assert done.exit_code == 2, done.stderr
    assert "the store" in done.stderr
    assert path.read_bytes() == before
    assert not (tmp_path / "a.db.journals" / "page").exists()


@pytest.mark.parametrize("target", ["a.db", "x/../a.db", "a.db-wal"])
def test_a_copy_never_takes_the_place_of_its_store(tmp_path: Path, target: str) -> None:
    """A writer that has the store open would go on in a file without a name."""
    path = a_real_store(tmp_path, "a.db")
    before = path.stat().st_ino
    assert run("--store", str(path), "--sqlite", str(tmp_path / target)).exit_code == 2
    assert path.stat().st_ino == before


def test_a_copy_takes_the_place_of_an_earlier_copy_only(tmp_path: Path) -> None:
    """Not of what was recorded into: its log would be read as a part of the copy."""
    path, copy = a_real_store(tmp_path, "a.db"), tmp_path / "copy.db"
    for _ in range(2):
        assert run("--store", str(path), "--sqlite", str(copy)).exit_code == 0
        with threadline.open(copy) as read:
            assert len(read.turns()) == 1
    client = threadline.Client(store=copy, min_free_bytes=0)
    with threadline.turn(thread_id="t", input="and now", client=client) as turn:
        turn.output = "now too"
    client.flush()  # a program that records into it, and is not done
    before = copy.stat().st_ino  # not to be opened here: that would take the client's locks
    refused = run("--store", str(path), "--sqlite", str(copy))
    assert (refused.exit_code, copy.stat().st_ino) == (2, before)
    assert "a store that something else uses or has used" in refused.stderr
    assert client.close().complete
    with threadline.open(copy) as read:
        assert len(read.turns()) == 2
    assert run("--store", str(path), "--sqlite", str(copy)).exit_code == 2


def test_a_log_that_was_left_is_not_read_as_a_part_of_a_copy(tmp_path: Path) -> None:
    path, copy = a_real_store(tmp_path, "a.db"), tmp_path / "copy.db"
    assert run("--store", str(path), "--sqlite", str(copy)).exit_code == 0
    copy.with_name("copy.db-wal").write_bytes(b"left by something that was killed")
    assert run("--store", str(path), "--sqlite", str(copy)).exit_code == 2


def test_an_export_replaces_no_database_and_a_copy_no_text(tmp_path: Path) -> None:
    path, other, note = a_real_store(tmp_path, "a.db"), tmp_path / "other.db", tmp_path / "note"
    assert run("--store", str(path), "--sqlite", str(other)).exit_code == 0
    note.write_text("keep me")
    before = other.read_bytes()
    for wrong in (("-o", str(other)), ("--sqlite", str(note))):
        assert run("--store", str(path), *wrong).exit_code == 2
    assert (other.read_bytes(), note.read_text()) == (before, "keep me")
    assert run("--store", str(path), "-o", str(note)).exit_code == 0  # as any program would


def test_a_mistyped_conversation_or_option_is_told(tmp_path: Path) -> None:
    path, file = a_real_store(tmp_path, "a.db"), tmp_path / "x.jsonl"
    unknown = run("--store", str(path), "--thread", "nope", "-o", str(file))
    assert (unknown.exit_code, "no conversation 'nope'" in unknown.stderr) == (1, True)
    assert run("--store", str(path), "--table", "turns", "-o", str(file)).exit_code == 2
    assert not file.exists()


def a_real_store(folder: Path, name: str) -> Path:
    """Make a store with one turn, and beside it what a running process has there."""
    stored = Stored(folder / name)
    stored.turn("t", ("user", "hello"))
    stored.close()
    (folder / "x").mkdir()
    (folder / f"{name}.journals").mkdir()
    return folder / name
