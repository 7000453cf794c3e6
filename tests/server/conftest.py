"""A viewer that really listens, in a process of its own, and a client that speaks to it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from tests.stored import Stored

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from pathlib import Path


class Running:
    """A viewer that listens: where it is, and what lets one in."""

    def __init__(self, entrance: str) -> None:
        parts = urlsplit(entrance)
        self.entrance = entrance
        self.token = parse_qs(parts.query)["token"][0]
        self.base = f"http://{parts.netloc}"
        self.host = parts.netloc

    @contextlib.contextmanager
    def client(self, *, entered: bool = True) -> Iterator[httpx.Client]:
        """Lend a client, by default one that has opened the address with the token."""
        with httpx.Client(base_url=self.base, trust_env=False, timeout=20) as client:
            if entered:
                client.get("/", params={"token": self.token})
            yield client


@contextlib.contextmanager
def running(store: Path, *arguments: str) -> Iterator[Running]:
    """Start `threadline serve` on a store and end it by the signal of Ctrl-C."""
    program = [sys.executable, "-m", "threadline.cli", "serve", "--no-open", "--port", "0"]
    process = subprocess.Popen(
        [*program, "--store", str(store), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "NO_COLOR": "1"},
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline().strip()
        assert line.startswith("http"), process.communicate()[1]
        yield Running(line)
    finally:
        process.send_signal(signal.SIGINT)
        told = process.communicate(timeout=30)
        assert "Traceback" not in told[1], told[1]
        assert (process.returncode, "Aborted" in told[1]) == (0, False), told[1]


@pytest.fixture(scope="session")
def small_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a few conversations, and one of 100 turns."""
    path = tmp_path_factory.mktemp("server") / "small.db"
    stored = Stored(path)
    for number in range(5):
        said = [("user", f"Question {number} about refunds"), ("assistant", f"Answer {number}")]
        status = "error" if number == 3 else "ok"
        user = f"u-{number % 2}"
        stored.turn(f"t-{number}", *said, at=60 * number, status=status, user_id=user)
        stored.span(0, "workflow", "chain")
        stored.span(1, "llm", "model", parent=0, model="m-1", input_tokens=10, output_tokens=5)
    for number in range(100):
        stored.turn("long", ("user", f"Q{number}."), ("assistant", f"A{number}."), at=600 + number)
    stored.close()
    return path


@pytest.fixture(scope="session")
def viewer(small_store: Path) -> Generator[Running]:
    """A viewer of the small store."""
    with running(small_store) as started:
        yield started


@pytest.fixture(scope="session")
def entered(viewer: Running) -> Generator[httpx.Client]:
    """A client that has the cookie."""
    with viewer.client() as client:
        yield client


@pytest.fixture
def started(tmp_path: Path) -> Callable[..., contextlib.AbstractContextManager[Running]]:
    """Start a viewer on a store of this test."""
    return running
