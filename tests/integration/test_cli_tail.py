"""`threadline tail` as a user has it: a program of its own, beside those that record."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import pytest

import threadline
from threadline.cli.listing import list_conversations
from threadline.cli.tail import tail

if TYPE_CHECKING:
    from collections.abc import Iterator

APPLICATION = """
import os, sys, threadline
from langchain_core.language_models import FakeListChatModel
from threadline.langchain import config
model = FakeListChatModel(responses=["Until six."])
for text in sys.argv[2:]:
    model.invoke(text, config(thread_id="t-1", user_id="ada"))
if sys.argv[1] == "killed":
    os.kill(os.getpid(), 9)
if sys.argv[1] == "rated":
    threadline.rate(1, turn_id=threadline.last().id, comment="Well put")
threadline.close()
"""


class Tail:
    """A running `threadline tail`, and the lines that it writes."""

    def __init__(self, process: subprocess.Popen[str], out: IO[str]) -> None:
        self.process = process
        self._out = out

    def until(self, words: str) -> list[str]:
        """Read lines until one holds these words."""
        lines: list[str] = []
        for line in self._out:
            lines.append(line.rstrip("\n"))
            if words in line:
                return lines
        pytest.fail(f"{words!r} did not come: {lines} {self.process.stderr}")

    def interrupt(self) -> tuple[int, str]:
        """Press Ctrl-C; return the exit code and what was left to be read."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(20), self._out.read()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "s.db"


def record(path: Path, how: str, *texts: str) -> None:
    environment = {**os.environ, "THREADLINE_STORE": str(path), "THREADLINE_MIN_FREE_BYTES": "0"}
    subprocess.run(
        [sys.executable, "-c", APPLICATION, how, *texts],
        check=how != "killed",
        env=environment,
    )


@pytest.fixture
def start(path: Path) -> Iterator[Any]:
    """Start the program; its talk comes with its data, so that a test can wait for it."""
    started: list[subprocess.Popen[str]] = []

    def run(*arguments: str) -> Tail:
        process = subprocess.Popen(
            [sys.executable, "-m", "threadline.cli", "tail", "--store", str(path), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "TZ": "UTC"},
        )
        started.append(process)
        assert process.stdout is not None
        return Tail(process, process.stdout)

    yield run
    for process in started:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def test_turns_of_other_processes_are_shown_as_they_happen(path: Path, start: Any) -> None:
    """Started before there is a store; ended by Ctrl-C without a word."""
    tail = start()
    tail.until("waiting for it")
    record(path, "whole", "When do you open?")
    tail.until("Following")
    shown = tail.until("Until six.")
    assert [line for line in shown if line.startswith("── t-1 · ")]
    assert "  When do you open?" in shown
    record(path, "rated", "And Sundays?")
    assert "  And Sundays?" in tail.until("rated +1: Well put")
    assert tail.interrupt() == (0, "")


def test_what_a_killed_process_left_is_shown_too(path: Path, start: Any) -> None:
    """Its turn is only in its journal; whoever follows takes it in."""
    record(path, "whole", "first")
    tail = start("-n", "0")
    tail.until("Following")
    record(path, "killed", "said before the end")
    tail.until("  said before the end")
    assert tail.interrupt()[0] == 0


def test_a_pipe_gets_one_object_a_line(path: Path, start: Any) -> None:
    record(path, "whole", "one", "two")
    tail = start("--json", "--user", "ada", "-n", "2")
    rows = [json.loads(line) for line in tail.until('"two"') if line.startswith("{")]
    assert [row["messages"][0]["parts"][0]["content"] for row in rows] == ["one", "two"]
    assert {(row["thread_id"], row["status"], "spans" in row) for row in rows} == {
        ("t-1", "ok", False)
    }
    record(path, "whole", "three")
    tail.until('"three"')


def test_filters_hold(path: Path, start: Any) -> None:
    record(path, "whole", "one")
    tail = start("--thread", "another")
    tail.until("Following")
    record(path, "whole", "not for me")
    environment = {**os.environ, "THREADLINE_STORE": str(path), "THREADLINE_MIN_FREE_BYTES": "0"}
    other = APPLICATION.replace('thread_id="t-1"', 'thread_id="another"')
    command = [sys.executable, "-c", other, "whole", "for me"]
    subprocess.run(command, check=True, env=environment)
    shown = tail.until("  for me")
    assert not [line for line in shown if "not for me" in line]


def test_it_ends_when_nobody_reads_any_more(path: Path) -> None:
    """Also while nothing happens, as `threadline tail | head` must."""
    record(path, "whole", "one")
    process = subprocess.Popen(
        [sys.executable, "-m", "threadline.cli", "tail", "--store", str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    Tail(process, process.stdout).until("Until six.")
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    assert process.wait(20) == 1
    assert said.splitlines() == [f"Following {path}; Ctrl-C ends it."]


def test_on_a_terminal_it_is_painted_and_ends_on_ctrl_c(path: Path) -> None:
    """The key itself is pressed: the terminal sends the signal."""
    record(path, "whole", "one")
    child, terminal = pty.fork()
    if child == 0:
        os.environ["TERM"] = "xterm-256color"
        os.execv(  # noqa: S606 (what the test is about: a terminal of its own)
            sys.executable,
            [sys.executable, "-m", "threadline.cli", "tail", "--store", str(path)],
        )
    written = b""
    while b"Until six." not in written:
        written += os.read(terminal, 65536)
    os.write(terminal, b"\x03")
    with contextlib.suppress(OSError):  # how Linux tells that the other side is closed
        while piece := os.read(terminal, 65536):
            written += piece
    _, status = os.waitpid(child, 0)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 0
    assert b"\x1b[" in written
    assert b"Traceback" not in written


def test_the_store_is_not_written(path: Path, start: Any) -> None:
    """Following leaves the file as it is: other programs may do so beside it."""
    record(path, "whole", "one")
    before = path.read_bytes()
    tail = start()
    tail.until("Until six.")
    assert tail.interrupt()[0] == 0
    assert path.read_bytes() == before
    with threadline.open(path) as store:
        assert [turn.input for turn in store.turns()] == ["one"]


def test_the_page_names_the_filters_that_it_takes() -> None:
    """All of those of `list` that it has, and no other."""
    page = (Path(__file__).parents[2] / "docs" / "reading.md").read_text()
    [told] = re.findall(r"a turn as it happens: (.*?)\. It waits", page, flags=re.DOTALL)
    taken = {option for one in tail.params for option in one.opts}
    listed = {option for one in list_conversations.params for option in one.opts}
    assert set(re.findall("--[a-z]+", told)) == (taken & listed) - {"--store", "--json"}
