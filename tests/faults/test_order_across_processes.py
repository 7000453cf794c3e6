"""Turns of one conversation that several processes record are delivered in their order."""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING, Any

import pytest
from tests.faults.test_processes import leaving_for_good
from tests.shipping import Scripted, client_for, lines_of, say

from threadline.destinations import JsonLines
from threadline.ingest.destination import Delivered
from threadline.store.journal import journal_folder, waiting_journals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    import threadline
    from threadline.ingest.destination import Item

# Python warns of forks where threads run from 3.12 on; prefork servers do it all the same.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")

NOT_WAITING_S = 5.0
"""Half of what is waited for others at most: a flush that waits for them would leave something."""


@pytest.fixture
def another(tmp_path: Path) -> Iterator[Callable[..., int]]:
    """Return what records a turn in another process and then has it do something else."""
    children: list[int] = []

    def recording(
        then: Callable[[threadline.Client], object], *, destinations: list[Any] | None = None
    ) -> int:
        named: list[Any] = (
            [JsonLines(tmp_path / "out.jsonl")] if destinations is None else destinations
        )
        pid = os.fork()
        if pid == 0:
            with leaving_for_good():
                client = client_for(tmp_path / "s.db", named, ship=False)
                say(client, [("t", "before")])
                then(client)
        children.append(pid)
        return pid

    yield recording
    for pid in children:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def stop_oneself(_: threadline.Client) -> None:
    """Do nothing more, the writer too, until somebody says so; then store, and stay alive."""
    os.kill(os.getpid(), signal.SIGSTOP)
    signal.pause()


def asked_in(file: Path) -> list[str]:
    if not file.exists():
        return []
    turns = [line["record"] for line in lines_of(file) if line["kind"] == "turn"]
    return [turn["messages"][0]["parts"][0]["content"] for turn in turns]


def until_stopped(pid: int) -> None:
    assert os.WIFSTOPPED(os.waitpid(pid, os.WUNTRACED)[1])


def test_a_turn_waits_for_the_one_before_that_another_process_has_not_stored(
    tmp_path: Path, another: Callable[..., int]
) -> None:
    pid = another(stop_oneself)
    until_stopped(pid)
    file = tmp_path / "out.jsonl"
    with client_for(tmp_path / "s.db", [JsonLines(file)]) as client:
        say(client, [("t", "after"), ("elsewhere", "after"), ("t", "last")])
        assert client.flush(0.5).pending > 0
        assert asked_in(file) == []
        os.kill(pid, signal.SIGCONT)
        assert client.flush(20).pending == 0
        assert asked_in(file) == ["before", "after", "after", "last"]


def test_what_a_killed_process_recorded_before_is_taken_in_first(
    tmp_path: Path, another: Callable[..., int]
) -> None:
    file = tmp_path / "out.jsonl"
    with client_for(tmp_path / "s.db", [JsonLines(file)]) as client:
        say(client, [("t", "first")])
        assert client.flush(20).pending == 0  # so that it has looked for journals already
        pid = another(lambda _: os.kill(os.getpid(), signal.SIGKILL))
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        say(client, [("t", "after")])
        assert client.flush(20).pending == 0
        assert asked_in(file) == ["first", "before", "after"]


def test_what_is_taken_in_is_delivered_without_a_flush(
    tmp_path: Path, another: Callable[..., int]
) -> None:
    destination = Scripted()
    has_come = threading.Event()

    def take(items: Sequence[Item]) -> list[Delivered]:
        has_come.set()
        return [Delivered()] * len(items)

    destination.answer = take
    pid = another(lambda _: os.kill(os.getpid(), signal.SIGKILL), destinations=[destination])
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    with client_for(tmp_path / "s.db", [destination]) as client:
        assert client.take_in() == 1
        assert has_come.wait(20)


def test_a_closed_client_takes_nothing_in_any_more(
    tmp_path: Path, another: Callable[..., int]
) -> None:
    """Its sender finds what a killed process left; that is for whoever comes next."""
    file = tmp_path / "out.jsonl"
    of_others = set(threading.enumerate())
    client = client_for(tmp_path / "s.db", [JsonLines(file)])
    say(client, [("t", "first")])
    assert client.flush(20).pending == 0
    pid = another(lambda _: os.kill(os.getpid(), signal.SIGKILL))
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    say(client, [("t", "after")])
    assert client.close(2).pending == 1
    left = set(threading.enumerate()) - of_others
    assert "threadline-writer" not in {thread.name for thread in left}
    with client_for(tmp_path / "s.db", [JsonLines(file)]) as client:
        client.take_in()
        assert client.flush(20).pending == 0
    assert asked_in(file) == ["first", "before", "after"]


def test_a_process_that_has_been_silent_for_long_is_not_waited_for(
    tmp_path: Path, another: Callable[..., int]
) -> None:
    until_stopped(another(stop_oneself))
    [journal] = waiting_journals(journal_folder(tmp_path / "s.db"))
    long_ago = journal.stat().st_mtime_ns - 60_000_000_000
    os.utime(journal, ns=(long_ago, long_ago))
    file = tmp_path / "out.jsonl"
    with client_for(tmp_path / "s.db", [JsonLines(file)]) as client:
        say(client, [("t", "after")])
        assert client.flush(NOT_WAITING_S).pending == 0
        assert asked_in(file) == ["after"]


def test_a_turn_under_way_elsewhere_holds_nothing_up(
    tmp_path: Path, another: Callable[..., int]
) -> None:
    asking, asked = os.pipe()

    def go_on(client: threadline.Client) -> None:
        import threadline

        with threadline.turn(thread_id="long", input="a long one", client=client) as turn:
            turn.tool("look", {}, result="something")
            os.write(asked, b"1")
            signal.pause()

    another(go_on)
    os.read(asking, 1)
    file = tmp_path / "out.jsonl"
    with client_for(tmp_path / "s.db", [JsonLines(file)]) as client:
        say(client, [("t", "after")])
        assert client.flush(NOT_WAITING_S).pending == 0
        assert asked_in(file) == ["before", "after"]


def test_a_process_that_records_for_no_destination_is_not_waited_for(
    tmp_path: Path, another: Callable[..., int]
) -> None:
    until_stopped(another(stop_oneself, destinations=[]))
    file = tmp_path / "out.jsonl"
    with client_for(tmp_path / "s.db", [JsonLines(file)]) as client:
        say(client, [("t", "after")])
        assert client.flush(NOT_WAITING_S).pending == 0
        assert asked_in(file) == ["after"]
