"""A relay between a client and a server that keeps every request and every answer as they were."""

from __future__ import annotations

import http.client
import json
import threading
from dataclasses import dataclass, field
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple, Self
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from types import TracebackType


class Words(NamedTuple):
    """One message, as it is compared: who, what, which tool calls, the answer to which."""

    role: str
    text: str
    calls: tuple[tuple[str | None, str, str], ...] = ()
    answers: str | None = None


@dataclass
class Exchange:
    """One request and all that came back."""

    request: dict[str, Any]
    status: int = 0
    body: bytearray = field(default_factory=bytearray)

    @property
    def is_stream(self) -> bool:
        """Whether the answer came in chunks."""
        return bool(self.request.get("stream"))

    @property
    def messages(self) -> list[Words]:
        """What the model was told."""
        return [_words_of(message) for message in self.request["messages"]]

    @cached_property
    def events(self) -> list[dict[str, Any]]:
        """The answer, or its chunks."""
        if not self.is_stream:
            return [json.loads(self.body)]
        data = [line for line in bytes(self.body).split(b"\n") if line.startswith(b"data: ")]
        return [json.loads(line[6:]) for line in data if line != b"data: [DONE]"]

    @property
    def text(self) -> str:
        """What the model said."""
        said = [choice for event in self.events for choice in event["choices"]]
        return "".join((c.get("message") or c["delta"]).get("content") or "" for c in said)

    @property
    def finish_reason(self) -> str:
        """Why it stopped."""
        said = [choice for event in self.events for choice in event["choices"]]
        return said[-1]["finish_reason"]

    @property
    def usage(self) -> dict[str, Any]:
        """What the server counted."""
        return self.events[-1]["usage"]

    @property
    def model(self) -> str:
        """Who answered, by the server's own account."""
        return self.events[-1]["model"]


def _words_of(message: dict[str, Any]) -> Words:
    content = message.get("content") or ""
    if not isinstance(content, str):
        content = "".join(part["text"] for part in content)
    calls = tuple(
        (call["id"], call["function"]["name"], same_json(json.loads(call["function"]["arguments"])))
        for call in message.get("tool_calls") or ()
    )
    return Words(message["role"], content, calls, message.get("tool_call_id"))


def same_json(value: object) -> str:
    """Write a JSON value so that equal ones are written alike."""
    return json.dumps(value, sort_keys=True)


class Wire:
    """Relays to the server at `target` while it is entered; `exchanges` is what went through."""

    def __init__(self, target: str) -> None:
        self.exchanges: list[Exchange] = []
        address = urlsplit(target)
        wire = self

        class Relay(_Relay):
            server_address = (str(address.hostname), int(address.port or 80))
            exchanges = wire.exchanges

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Relay)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    @property
    def url(self) -> str:
        """Where clients of the OpenAI API find it."""
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Relay(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_address: tuple[str, int]
    exchanges: list[Exchange]

    def do_POST(self) -> None:
        """Hand a request on, and each piece of the answer as soon as it is there."""
        asked = self.rfile.read(int(self.headers["Content-Length"]))
        exchange = Exchange(json.loads(asked))
        self.exchanges.append(exchange)
        server = http.client.HTTPConnection(*self.server_address)
        try:
            server.request("POST", self.path, asked, {"Content-Type": "application/json"})
            answer = server.getresponse()
            exchange.status = answer.status
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.headers["Content-Type"])
            self.send_header("Connection", "close")
            self.end_headers()
            while piece := answer.read1(65536):
                exchange.body += piece
                self.wfile.write(piece)
        except (BrokenPipeError, ConnectionResetError):
            pass  # the client has heard enough
        finally:
            server.close()

    def log_message(self, *args: object) -> None:
        """Say nothing."""
