"""What `ship --follow` writes to its log while it runs."""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

import pytest
from tests.shipping import Hanging, ingestion, lines_of, record, ship_to_a_file

from threadline.ingest.pace import Pace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SLOW = Pace(first_wait_s=600.0, longest_wait_s=600.0, jitter=lambda: 1.0)
SECRET = "the user's own words"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return ship_to_a_file(tmp_path, monkeypatch)


@contextmanager
def shipper() -> Iterator[tuple[subprocess.Popen[str], IO[str]]]:
    """Run a shipper beside the test; lends it and its log."""
    command = [sys.executable, "-m", "threadline.cli", "ship", "--follow", "--json"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        try:
            yield process, process.stderr
        finally:
            process.kill()


def end(process: subprocess.Popen[str]) -> str:
    """Ask a shipper to end; returns what its log had beside what was read of it."""
    process.send_signal(signal.SIGTERM)
    return process.communicate(timeout=30)[1]


def test_the_log_begins_with_what_is_shipped_where(store: Path) -> None:
    """Also where there is no store yet; and it may be told to end as soon as it has said so."""
    with shipper() as (process, log):
        assert log.readline() == f"Shipping from {store} to jsonl; SIGTERM or Ctrl-C ends it.\n"
        assert end(process) == ""
    assert process.returncode == 0


def test_the_log_tells_when_a_destination_begins_to_fail_and_when_it_answers_again(
    store: Path,
) -> None:
    """Once each, however many tries there were; and nothing of what was said."""
    file = store.with_name("out.jsonl")
    file.mkdir()  # a file that cannot be written
    record(store, [("a", SECRET)], ["jsonl"])
    with shipper() as (process, log):
        log.readline()
        failed = log.readline()
        assert failed == "jsonl fails: the file cannot be written: Is a directory\n"
        file.rmdir()
        assert log.readline() == "jsonl answers again\n"
        record(store, [("a", SECRET)], ["jsonl"])
        while len(lines_of(file)) < 2:
            assert process.poll() is None
        assert end(process) == ""
    assert process.returncode == 0


def test_a_failure_of_before_that_is_still_waited_for_is_told(store: Path) -> None:
    """A shipper that is started anew would else say nothing until the wait is over."""
    record(store, [("a", SECRET)], ["jsonl"])
    down = Hanging()
    down.name = "jsonl"
    down.let_go.set()
    client = ingestion(store, down, pace=SLOW)
    client.flush(5)
    client.stop(1)
    with shipper() as (process, log):
        log.readline()
        assert log.readline() == "jsonl fails: it hung\n"
        end(process)
