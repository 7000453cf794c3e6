"""The real model that the live tests talk to, the wire in between, and a store on the disk."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import xllamacpp
from langchain_openai import ChatOpenAI
from tests.live.record import Record
from tests.live.wire import Wire

import threadline
from threadline.capture.guard import hook_failures

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

_ROOT = Path(__file__).resolve().parents[2]
_CONTEXT = 4096
_SLOTS = 2


@pytest.fixture(scope="session")
def model_path() -> Path:
    """Return the weights, fetched into `.cache` the first time."""
    script = _ROOT / "scripts" / "model.py"
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    return Path(done.stdout.strip())


@pytest.fixture(scope="session")
def server(model_path: Path) -> Generator[str]:
    """Return the address of a server that speaks the OpenAI API."""
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(model_path)
    parameters.model_alias = {"smollm2"}
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = 0  # any that is free
    parameters.n_ctx = _CONTEXT
    parameters.n_parallel = _SLOTS
    parameters.cpuparams.n_threads = 1  # several wait for each other where a core is busy
    running = xllamacpp.Server(parameters)
    yield running.listening_address
    del running  # which stops it


@pytest.fixture
def wire(server: str) -> Generator[Wire]:
    """Return what stands between the application and the server."""
    with Wire(server) as wire:
        yield wire


@pytest.fixture
def ask_for(wire: Wire) -> Callable[..., ChatOpenAI]:
    """Return a maker of chat models that answer the same to the same."""

    def make(kind: type[ChatOpenAI] = ChatOpenAI, **settings: Any) -> ChatOpenAI:
        defaults: dict[str, Any] = {
            "model": "smollm2",
            "base_url": wire.url,
            "api_key": "none",
            "temperature": 0,
            "seed": 7,
            "max_completion_tokens": 12,
            "max_retries": 0,
            "stream_usage": True,
        }
        return kind(**defaults | settings)

    return make


@pytest.fixture
def record(wire: Wire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Record]:
    """Return a recorder with a store on the disk, compared with the wire."""
    monkeypatch.setattr(hook_failures, "reraise", True)
    path = tmp_path / "live.db"
    with threadline.Client(store=path, min_free_bytes=0) as client:
        yield Record(client, path, wire)
        report = client.flush()
    assert report.complete, report
