"""P5: a prefork server with four workers loses nothing and doubles nothing."""

from __future__ import annotations

import concurrent.futures
import contextlib
import signal
import socket
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.faults.application import all_turns

import threadline
from threadline.store.journal import journal_folder, waiting_journals

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVER = Path(__file__).with_name("prefork_application.py")

pytestmark = pytest.mark.timeout(120)


@contextlib.contextmanager
def serving(store: Path, address: Path) -> Iterator[subprocess.Popen[bytes]]:
    server = subprocess.Popen(
        [sys.executable, str(SERVER), str(store), str(address)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        assert server.stdout is not None
        assert server.stdout.readline() == b"ready\n"
        yield server
    finally:
        if server.poll() is None:
            server.kill()
        server.communicate()


def ask(address: Path, thread_id: str, question: str) -> str | None:
    """Ask the server; return which process answered, or None if it died over it."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(60)
        connection.connect(str(address))
        connection.sendall(f"{thread_id}|{question}\n".encode())
        with connection.makefile() as stream, contextlib.suppress(ConnectionResetError):
            pid, _, answer = stream.readline().rstrip().partition("|")
            assert answer == (f"You said {question}" if pid else "")
            return pid or None
        return None


def test_a_prefork_server_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """The parent made the handler; workers answer at once, one is killed and replaced."""
    store, address = tmp_path / "s.db", tmp_path / "socket"
    asked = [(f"user-{n % 5}", f"question {n}") for n in range(60)]
    with serving(store, address) as server:
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            first = list(pool.map(lambda one: ask(address, *one), asked[:40]))
            assert ask(address, "nobody", "die") is None
            second = list(pool.map(lambda one: ask(address, *one), asked[40:]))
        assert None not in first + second
        assert len({*first, *second}) > 1
        server.send_signal(signal.SIGTERM)
        assert server.stderr is not None
        said = server.stderr.read().decode()
        assert server.wait(60) == 0, said
        # on a busy machine five writers may be in each other's way for a while
        assert all("what is recorded waits" in line for line in said.splitlines()), said
    turns = all_turns(threadline.open(store))
    heard = Counter((turn.thread_id, turn.messages[0].text) for turn in turns)
    own = [("warm-up", "warm up"), ("warm-up", "last words")]
    assert heard == Counter([*own, *asked])
    assert {str(turn.status) for turn in turns} == {"ok"}
    assert waiting_journals(journal_folder(store)) == []
