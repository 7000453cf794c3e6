"""The README's first service, served by uvicorn with workers, and asked over real sockets."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ROOT = Path(__file__).parents[2]
BLOCKS = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), flags=re.DOTALL)
[SERVICE] = [block for block in BLOCKS if "Starlette(" in block]

WORKER = '''
import os
from service import app as service

async def app(scope, receive, send):
    """Serve, and tell which worker did."""
    async def told(message):
        if message["type"] == "http.response.start":
            worker = (b"x-worker", str(os.getpid()).encode())
            message = {**message, "headers": [*message["headers"], worker]}
        await send(message)
    await service(scope, receive, told)
'''
_RUNNING = re.compile(r"running on http://127\.0\.0\.1:(\d+)")


class Answer(NamedTuple):
    """What the service answered, and which worker did."""

    text: str
    turn_id: str
    worker: str


class Service:
    """The service while it runs; each request comes on a connection of its own."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}"

    def chat(self, thread_id: str, question: str, user_id: str = "ada") -> Answer:
        asked = {"thread_id": thread_id, "user_id": user_id, "question": question}
        with httpx.stream("POST", f"{self._url}/chat", json=asked, timeout=30) as response:
            assert response.status_code == 200
            words = list(response.iter_text())
        headers = response.headers
        return Answer("".join(words), headers["x-turn-id"], headers.get("x-worker", ""))

    def thumb(self, turn_id: str, value: int, comment: str | None = None) -> str:
        """Rate a turn; returns which worker took it."""
        given = {"turn_id": turn_id, "user_id": "ada", "value": value, "comment": comment}
        response = httpx.post(f"{self._url}/thumbs", json=given, timeout=30)
        assert response.status_code == 202, response.text
        return response.headers.get("x-worker", "")


@contextlib.contextmanager
def serving(folder: Path, environ: Mapping[str, str], *, workers: int = 4) -> Iterator[Service]:
    """Serve until the block is left; then end it as a container is ended, by SIGTERM."""
    (folder / "service.py").write_text(SERVICE)
    (folder / "worker.py").write_text(WORKER)
    command = ["uvicorn", "worker:app", "--port", "0", "--workers", str(workers)]
    with running(command, folder, environ) as (server, log):
        yield Service(_port_of(server, log, workers))
    assert "threadline" not in log.read_text(), log.read_text()


@contextlib.contextmanager
def running(
    command: Sequence[str], folder: Path, environ: Mapping[str, str]
) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """Run a server's module while the block does, and end it by SIGTERM; gives its log too."""
    log = folder / "server.log"
    with log.open("w") as said:
        server = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=folder,
            env=environment(folder) | dict(environ),
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield server, log
        server.send_signal(signal.SIGTERM)
        assert server.wait(60) == 0, log.read_text()
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def environment(folder: Path) -> dict[str, str]:
    """Return what every process of a test is started with."""
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    store = str(folder / "chat.db")
    return {**kept, "THREADLINE_STORE": store, "THREADLINE_MIN_FREE_BYTES": "0"}


def command_line(folder: Path, environ: Mapping[str, str], *command: str) -> Any:
    """Run `threadline` as a person would, in the same environment."""
    return subprocess.run(
        [sys.executable, "-m", "threadline.cli", *command],
        cwd=folder,
        env=environment(folder) | dict(environ),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def _port_of(server: subprocess.Popen[bytes], log: Path, workers: int) -> int:
    """Wait until every worker has started, and return where they listen."""
    while server.poll() is None:
        said = log.read_text()
        found = _RUNNING.search(said)
        if found and said.count("Application startup complete") >= workers:
            return int(found[1])
        os.sched_yield()
    raise AssertionError(log.read_text())
