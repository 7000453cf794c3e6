"""A service behind gunicorn: forked workers, with what the master made before it forked."""

from __future__ import annotations

import concurrent.futures
import contextlib
import os
import re
from typing import TYPE_CHECKING

import httpx
import pytest
from tests.web.serving import running

import threadline

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SERVICE = """
import json
import os

from langchain_core.language_models import FakeListChatModel

import threadline.langchain

model = FakeListChatModel(responses=["From nine to six."])
model.invoke("warm up", threadline.langchain.config(thread_id="warm-up"))


def app(environ, start_response):
    asked = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
    config = threadline.langchain.config(thread_id=asked["thread_id"])
    answer = model.invoke(asked["question"], config)
    start_response("200 OK", [("X-Worker", str(os.getpid()))])
    return [answer.content.encode()]
"""
ASKED = [(f"t-{n % 5}", f"question {n}") for n in range(40)]
_LISTENING = re.compile(r"Listening at: http://127\.0\.0\.1:(\d+)")

pytestmark = pytest.mark.timeout(150)


@contextlib.contextmanager
def serving(folder: Path, *options: str) -> Iterator[int]:
    """Serve with four workers; end them by SIGTERM. Gives the port."""
    (folder / "service.py").write_text(SERVICE)
    command = ["gunicorn", "service:app", "-w", "4", "-b", "127.0.0.1:0", *options]
    with running(command, folder, {"HOME": str(folder)}) as (server, log):
        while not (found := _LISTENING.search(log.read_text())):
            assert server.poll() is None, log.read_text()
            os.sched_yield()
        yield int(found[1])
    assert "Traceback" not in log.read_text(), log.read_text()


@pytest.mark.parametrize("options", [["--preload"], []], ids=["preloaded", "loaded-by-each"])
def test_four_forked_workers_lose_and_double_nothing(tmp_path: Path, options: list[str]) -> None:
    with serving(tmp_path, *options) as port:

        def ask(one: tuple[str, str]) -> str:
            given = {"thread_id": one[0], "question": one[1]}
            response = httpx.post(f"http://127.0.0.1:{port}/", json=given, timeout=60)
            assert response.text == "From nine to six."
            return response.headers["x-worker"]

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            workers = set(pool.map(ask, ASKED))
    assert len(workers) > 1
    with threadline.open(tmp_path / "chat.db") as store:
        turns = list(store.turns(limit=200))
    heard = sorted((t.thread_id, t.input) for t in turns if t.thread_id != "warm-up")
    assert heard == sorted(ASKED)
    assert {str(turn.status) for turn in turns} == {"ok"}
    warm = [turn for turn in turns if turn.thread_id == "warm-up"]
    assert len(warm) == (1 if options else 4)
