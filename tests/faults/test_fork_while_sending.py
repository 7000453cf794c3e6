"""P5: a process that is forked while another thread sends keeps nobody from sending.

A child has every file open that its parent had, and with it the parent's lock on it, for as long
as the child lives: so a lock is opened, not left to end when its file is closed.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

import pytest
from tests.shipping import client_for, lines_of, say

from threadline.destinations import JsonLines
from threadline.ingest import json_lines
from threadline.ingest.sender_lock import SenderLock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Python warns of forks where threads run from 3.12 on; prefork servers do it all the same.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")


@contextlib.contextmanager
def idle_child() -> Iterator[int]:
    """Fork a process that does nothing, with all files of this one open, until the block ends."""
    waits, done = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(done)
        os.read(waits, 1)
        os._exit(0)
    os.close(waits)
    try:
        yield child
    finally:
        os.close(done)
        os.waitpid(child, 0)


def test_the_right_to_send_can_be_given_back(tmp_path: Path) -> None:
    """Also while a child lives that was forked when it was held."""
    mine, other = (SenderLock(tmp_path, "jsonl") for _ in range(2))
    assert mine.take()
    with idle_child():
        assert not other.take()
        mine.give_back()
        assert other.take()
        other.give_back()


def test_a_child_lets_go_of_its_parents_right_and_leaves_it_to_the_parent(tmp_path: Path) -> None:
    """What the child does with what it inherited takes nothing from the parent."""
    mine, other = (SenderLock(tmp_path, "jsonl") for _ in range(2))
    assert mine.take()
    child = os.fork()
    if child == 0:
        mine.let_go()
        os._exit(int(other.take()))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert not other.take()
    mine.give_back()
    assert other.take()
    other.give_back()


def test_a_file_of_lines_is_written_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Although a child has it open that was forked in the middle of a line."""
    file = tmp_path / "out.jsonl"
    append = json_lines._append
    with contextlib.ExitStack() as children:

        def fork_and_append(fd: int, data: bytes) -> None:
            children.enter_context(idle_child())
            append(fd, data)

        with client_for(tmp_path / "s.db", [JsonLines(file)]) as client:
            monkeypatch.setattr(json_lines, "_append", fork_and_append)
            say(client, [("t", "one")])
            assert client.flush(20).delivered == 1
            say(client, [("t", "two")])
            assert client.flush(20).delivered == 2
    assert len(lines_of(file)) == 2
