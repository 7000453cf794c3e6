"""P5: a process that is forked while it ships shares no connection with its parent."""

from __future__ import annotations

import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from threadline.ingest.http import HttpTarget

if TYPE_CHECKING:
    from collections.abc import Iterator

PORTS: dict[str, int] = {}


class Handler(BaseHTTPRequestHandler):
    """Remembers over which connection each path was asked for."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        PORTS[self.path] = self.client_address[1]
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_forked_child_opens_connections_of_its_own(url: str) -> None:
    """Else either could read the answer that was meant for the other."""
    target = HttpTarget(url, secrets={})
    target.send("GET", "/parent", timeout_s=10)
    child = os.fork()
    if child == 0:
        try:
            target.send("GET", "/child", timeout_s=10)
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    target.send("GET", "/again", timeout_s=10)
    target.close()
    assert PORTS["/parent"] == PORTS["/again"] != PORTS["/child"]
