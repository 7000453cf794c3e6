"""A server on a loopback port, in a process of its own, that misbehaves as it is told.

Run as a program with the file it counts into. It prints its port. What it does with a request
depends on the modes that were posted to `/mode`, a JSON list of which each request takes one; when
they are used up it answers well. Each request that it takes is one line of the file: the body.
"""

from __future__ import annotations

import base64
import gzip
import json
import socket
import socketserver
import ssl
import struct
import sys
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

MODES: list[dict[str, Any]] = []
LOCK = threading.Lock()
LET_GO = threading.Event()


class Handler(BaseHTTPRequestHandler):
    """Answers one connection's requests."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # an answer goes in two writes: the second must not wait

    def do_POST(self) -> None:
        """Take a mode, or a request in the next mode."""
        if self.path == "/mode":
            MODES[:] = json.loads(self._body())
            LET_GO.set()  # whoever hangs in an earlier mode
            LET_GO.clear()
            self._answer(200)
            return
        with LOCK:
            mode = MODES.pop(0) if MODES else {"do": "take"}
        getattr(self, f"do_{mode['do']}")(mode)

    def do_take(self, _mode: dict[str, Any]) -> None:
        """Take the request and say so."""
        self._count(self._body())
        self._answer(200)

    def do_say(self, mode: dict[str, Any]) -> None:
        """Answer with a status and headers, and take nothing."""
        self._body()
        self._answer(mode["status"], mode.get("headers", {}), mode.get("body", "").encode())

    def do_take_and_say(self, mode: dict[str, Any]) -> None:
        """Take the request, and answer with a body."""
        self._count(self._body())
        self._answer(200, {}, mode["body"].encode("latin-1"))

    def do_hang(self, _mode: dict[str, Any]) -> None:
        """Never answer; the connection is let go when the mode changes."""
        LET_GO.wait(60)
        self.close_connection = True

    def do_take_and_hang(self, _mode: dict[str, Any]) -> None:
        """Take the request and never say so: nobody knows what came of it."""
        self._count(self._body())
        LET_GO.wait(60)
        self.close_connection = True

    def do_reset(self, _mode: dict[str, Any]) -> None:
        """Begin an answer, then reset the connection."""
        self._body()
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
        self.wfile.flush()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def do_slow(self, _mode: dict[str, Any]) -> None:
        """Read nothing of what is sent."""
        LET_GO.wait(60)
        self.close_connection = True

    def do_pick(self, mode: dict[str, Any]) -> None:
        """Refuse each request that holds a word, for ever; take the others."""
        with LOCK:
            MODES.insert(0, mode)
        body = self._body()
        if mode["word"].encode() in body:
            self._answer(mode["status"], {}, b"not that word")
            return
        self._count(body)
        self._answer(200)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def _body(self) -> bytes:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        return gzip.decompress(body) if self.headers.get("content-encoding") == "gzip" else body

    def _count(self, body: bytes) -> None:
        told = {"body": base64.b64encode(body).decode(), "headers": dict(self.headers.items())}
        with LOCK, Path(sys.argv[1]).open("a") as file:
            file.write(json.dumps(told) + "\n")

    def _answer(
        self, status: int, headers: dict[str, str] | None = None, body: bytes = b""
    ) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Server(socketserver.ThreadingTCPServer):
    """One thread for each connection."""

    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, *_: Any) -> None:
        """A client that goes away is nothing to talk about."""


def main(handler: type[Handler] = Handler) -> None:
    """Serve until the process is ended."""
    port = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    server = Server(("127.0.0.1", port), handler)
    if len(sys.argv) > 3:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[3])
        server.socket = context.wrap_socket(server.socket, server_side=True)
    sys.stdout.write(f"{server.server_address[1]}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()
