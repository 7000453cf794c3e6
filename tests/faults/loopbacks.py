"""Servers on a loopback port, one of each kind that is shipped to: started, told, and asked."""

from __future__ import annotations

import base64
import http.client
import json
import subprocess
import sys
from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.faults import context_server, freeplay_server

from threadline.destinations import ContextApi, Freeplay, Otlp

if TYPE_CHECKING:
    from threadline.destinations import Destination

_FOLDER = Path(__file__).parent


class Loopback(ABC):
    """The server's process, and what it counted; it runs while a `with` block does."""

    kind: str
    program: str
    secret: str

    def __init__(self, folder: Path, *arguments: str) -> None:
        folder.mkdir(exist_ok=True)
        self.counted = folder / "counted.jsonl"
        self._arguments = arguments
        self._process: subprocess.Popen[str] | None = None
        self.port = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        program = str(_FOLDER / self.program)
        self._process = subprocess.Popen(
            [sys.executable, program, str(self.counted), str(self.port), *self._arguments],
            stdout=subprocess.PIPE,
            text=True,
            env={"PYTHONPATH": str(_FOLDER.parents[1])},
        )
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def behave(self, *modes: dict[str, Any]) -> None:
        self._tell("/mode", modes)

    def _tell(self, path: str, told: object) -> bytes:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("POST", path, json.dumps(told))
        response = connection.getresponse()
        assert response.status == 200
        answer = response.read()
        connection.close()
        return answer

    def requests(self) -> list[dict[str, Any]]:
        """Every request that was taken, in the order in which they came."""
        if not self.counted.exists():
            return []
        return [json.loads(line) for line in self.counted.read_text().splitlines()]

    @abstractmethod
    def target(self, *, scheme: str = "http", **more: Any) -> Destination:
        """Return a destination that ships here."""

    @abstractmethod
    def questions(self) -> list[tuple[str, str]]:
        """Of each turn that was taken: its thread and its question."""

    @abstractmethod
    def ids(self) -> list[Any]:
        """The ids of what was taken, as often as it was."""


class OtlpLoopback(Loopback):
    """An OpenTelemetry collector."""

    kind = "otlp"
    program = "loopback_server.py"
    secret = "sk-very-secret-0123456789"

    def target(self, *, scheme: str = "http", **more: Any) -> Otlp:
        headers = {"authorization": f"Bearer {self.secret}"}
        return Otlp(f"{scheme}://127.0.0.1:{self.port}/v1/traces", headers=headers, **more)

    def spans(self) -> list[Any]:
        """Every span that was taken."""
        bodies = [base64.b64decode(request["body"]) for request in self.requests()]
        return [
            span
            for body in bodies
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def questions(self) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        for span in self.spans():
            told = {pair.key: pair.value.string_value for pair in span.attributes}
            if "threadline.turn.id" in told:
                said = json.loads(told["gen_ai.input.messages"])[0]["parts"][0]["content"]
                found.append((told["gen_ai.conversation.id"], said))
        return found

    def ids(self) -> list[Any]:
        return [(span.trace_id, span.span_id) for span in self.spans()]


class FreeplayLoopback(Loopback):
    """A project of Freeplay."""

    kind = "freeplay"
    program = "freeplay_server.py"
    secret = freeplay_server.KEY

    def target(self, *, scheme: str = "http", **more: Any) -> Freeplay:
        url = f"{scheme}://127.0.0.1:{self.port}/api"
        return Freeplay(url, self.secret, freeplay_server.PROJECT, **more)

    def questions(self) -> list[tuple[str, str]]:
        requests = self.requests()
        threads: dict[str, str] = {}
        for request in requests:
            body, parts = request["body"], request["path"].split("/")
            told = body.get("session_info", {}).get("custom_metadata") or body
            if "thread_id" in told:
                threads[parts[7] if request["method"] == "PATCH" else parts[6]] = told["thread_id"]
        asked = {r["path"]: r["body"]["input"] for r in requests if "agent_name" in r["body"]}
        return [(threads[path.split("/")[6]], question) for path, question in asked.items()]

    def ids(self) -> list[Any]:
        return [ident for ident, bodies in self.objects().items() for _ in bodies]

    def asked(self) -> list[str]:
        """Every request that came, taken or not: its method and path."""
        return json.loads(self._tell("/asked", None))

    def objects(self) -> dict[str, list[dict[str, Any]]]:
        """By its id, every completion and trace as it was taken, as often as it was."""
        found: dict[str, list[dict[str, Any]]] = {}
        for request in self.requests():
            body, parts = request["body"], request["path"].split("/")
            if request["method"] == "POST" and parts[5] == "sessions":
                found.setdefault(body.get("completion_id", parts[-1]), []).append(body)
        return found


class ContextLoopback(Loopback):
    """A server of the Context API."""

    kind = "context"
    program = "context_server.py"
    secret = context_server.TOKEN

    def target(self, *, scheme: str = "http", **more: Any) -> ContextApi:
        url = f"{scheme}://127.0.0.1:{self.port}"
        return ContextApi(url, self.secret, **{"settle_s": 0.4, **more})

    def be(self, **flags: bool) -> None:
        """Tell what it gives back."""
        self._tell("/be", flags)

    def thread(self, thread_id: str) -> list[dict[str, Any]]:
        """Everything that a thread holds by now, as the server tells it."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("GET", f"/held/{thread_id}")
        held = json.loads(connection.getresponse().read())
        connection.close()
        return held

    def entries(self) -> list[tuple[str, dict[str, Any]]]:
        """Every entry that was added to a thread, with the thread's id."""
        added = [r["body"]["conversation"] for r in self.requests() if r["method"] == "POST"]
        return [(told["id"], entry) for told in added for entry in told["messages"]]

    def questions(self) -> list[tuple[str, str]]:
        return [(thread, e["message"]) for thread, e in self.entries() if e.get("role") == "user"]

    def ids(self) -> list[Any]:
        return [e["metadata"]["turn_id"] for _, e in self.entries() if e.get("role") == "user"]


KINDS: dict[str, type[Loopback]] = {
    kind.kind: kind for kind in (OtlpLoopback, FreeplayLoopback, ContextLoopback)
}
