"""The Context API on a loopback port: its routes, its rules, and the misbehaviour of others.

Run as a program like `loopback_server`. Threads are appended to, whatever was sent before; what is
there can be read back. It refuses what the API is known to refuse or to forbid: another token,
roles that it has not, metadata beyond its limits or other than the first time. What it gives back
is set by `/be`, since servers differ in that. Each request that it takes is one line of the file:
method, path, body, headers, and how many bytes the body had.
"""

from __future__ import annotations

import json
import random
import re
import string
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.faults import loopback_server

TOKEN = "ctx-very-secret-0123456789"
LOGGED = "/api/v1/log/conversation"

Said = tuple[int, dict[str, Any]]

THREADS: dict[tuple[str | None, str], dict[str, Any]] = {}
BE = {"ids": True, "metadata": True, "own_ids": False, "filtered": False}
"""Whether ids of messages and their metadata are given back, threads get ids of its own, and words
are given back otherwise than they came."""


def is_map(found: object, most: int = 20) -> bool:
    """Whether this is metadata as the API takes it."""
    return (
        isinstance(found, dict)
        and len(found) <= most
        and all(isinstance(v, str) and len(k) <= 40 and len(v) <= 40 for k, v in found.items())
    )


def is_entry(entry: dict[str, Any]) -> bool:
    """Whether this is a message, a tool message or an event."""
    match entry.get("type", "message"):
        case "message":
            known = {"type", "role", "message", "event_timestamp", "rating", "metadata"}
            right = entry.get("role") in {"system", "user", "assistant"} and entry.get("message")
        case "tool":
            known = {"type", "name", "thought", "input", "observation", "event_timestamp"}
            right = entry.get("name") and isinstance(entry.get("observation"), str)
            right = right and isinstance(entry.get("input", {}), dict)
        case "event":
            known = {"type", "name", "metadata", "event_timestamp"}
            right = entry.get("name")
        case _:
            return False
    return bool(right) and set(entry) <= known and is_map(entry.get("metadata", {}))


def new_id() -> str:
    return "e_" + "".join(random.choices(string.ascii_lowercase, k=15))


def logged(path: str, body: dict[str, Any]) -> Said:
    """Take a transcript, or add to a thread."""
    told = body.get("conversation", {})
    tenant = body.get("tenant_id")
    wrong = [
        not isinstance(told.get("messages"), list) or not all(map(is_entry, told["messages"])),
        not is_map(told.get("metadata", {})),
        tenant is not None and len(tenant) >= 40,
    ]
    if any(wrong):
        return 400, {"message": f"not a conversation: {wrong}"}
    if path == LOGGED:
        return 201, {"status": "ok"}
    thread = THREADS.setdefault(
        (tenant, told["id"]),
        {
            "id": f"srv-{told['id']}" if BE["own_ids"] else told["id"],
            "messages": [],
            "metadata": told.get("metadata", {}),
        },
    )
    if thread["metadata"] != told.get("metadata", {}):
        return 400, {"message": "not the metadata of the first time"}
    thread["feedback"] = told.get("feedback", thread.get("feedback"))
    added = [{"rating": 0, **entry, "id": new_id()} for entry in told["messages"]]
    thread["messages"] += added
    data: dict[str, Any] = {"id": thread["id"]}
    if BE["ids"]:
        shown = ("id", "role", "message", "rating")
        data["appended_messages"] = [
            _shown({key: one[key] for key in shown} | {"rating": "neutral"})
            for one in added
            if "role" in one
        ]
    return 201, {"status": "ok", "data": data}


def _shown(entry: dict[str, Any]) -> dict[str, Any]:
    return entry | {"message": "***"} if BE["filtered"] and "message" in entry else entry


def patched(thread_id: str, body: dict[str, Any]) -> Said:
    """Change ratings of messages that are there."""
    threads = [t for t in THREADS.values() if t["id"] == thread_id]
    held = {m["id"]: m for t in threads for m in t["messages"] if "role" in m}
    wanted = body.get("messages") if isinstance(body, dict) else None
    if not wanted or any(set(m) != {"id", "rating"} or m["id"] not in held for m in wanted):
        return 404, {"message": "no such message"}
    for one in wanted:
        held[one["id"]]["rating"] = one["rating"]
    return 200, {"status": "ok"}


def read(tenant: str | None, thread_id: str) -> Said:
    """Return what a thread holds."""
    found = [t for (owner, _), t in THREADS.items() if owner == tenant and t["id"] == thread_id]
    if not found:
        return 404, {"message": "no such conversation"}
    hidden = {key for key, flag in (("id", "ids"), ("metadata", "metadata")) if not BE[flag]}
    messages = [
        _shown({k: v for k, v in m.items() if k not in hidden}) for m in found[0]["messages"]
    ]
    return 200, {**found[0], "messages": messages}


def routed(method: str, address: str, body: Any) -> Said:
    """Return what the API says to a request."""
    path, query = urlsplit(address).path, parse_qs(urlsplit(address).query)
    tenant = query.get("tenant_id", [None])[0]
    if method == "POST" and path in {LOGGED, f"{LOGGED}/thread"}:
        return logged(path, {"tenant_id": tenant, **body} if tenant else body)
    if found := re.fullmatch(rf"{LOGGED}/thread/([^/]+)", path):
        return patched(unquote(found[1]), body)
    if path == "/api/v1/conversations":
        return 200, {"conversations": [], "pagination": {"total_records": len(THREADS)}}
    if found := re.fullmatch(r"/api/v1/conversations/([^/]+)", path):
        return read(tenant, unquote(found[1]))
    return 404, {"message": "no such route"}


class Handler(loopback_server.Handler):
    """Answers as the API does, where no mode tells otherwise."""

    def do_POST(self) -> None:  # noqa: N802 (a name of the base)
        """Take what it is to be, tell what it holds, or take a request in the next mode."""
        if self.path == "/be":
            BE.update(json.loads(self._body()))
            self._answer(200)
        elif self.path.startswith("/held/"):
            [held] = [t for (_, name), t in THREADS.items() if name == self.path[6:]]
            self._answer(200, {}, json.dumps(held["messages"]).encode())
        else:
            super().do_POST()

    do_GET = do_PATCH = do_POST  # noqa: N815 (names of the base)

    def do_take(self, _mode: dict[str, Any]) -> None:
        """Take the request, or refuse it as the API does."""
        status, said = self._taken(self._body())
        self._answer(status, {"Content-Type": "application/json"}, json.dumps(said).encode())

    def do_note(self, mode: dict[str, Any]) -> None:
        """Write down what came, right or wrong, and say that all is well."""
        body = self._body()
        with loopback_server.LOCK:
            self._write_down(json.loads(body), len(body))
        self._answer(mode["status"], {"Content-Type": "application/json"}, b'{"status":"ok"}')

    def do_take_and_reset(self, mode: dict[str, Any]) -> None:
        """Take the request, begin an answer, and reset the connection."""
        self._count(self._body())
        self._body = bytes  # it was read
        self.do_reset(mode)

    def do_take_and_fail(self, mode: dict[str, Any]) -> None:
        """Take the request, and say that something went wrong."""
        self._count(self._body())
        self._answer(mode["status"])

    def do_take_late(self, _mode: dict[str, Any]) -> None:
        """Take the request long after it came, and never say so."""
        body = self._body()
        loopback_server.LET_GO.wait(60)
        self._count(body)
        self.close_connection = True

    def _count(self, body: bytes) -> None:
        """Take the request, whatever is then said of it."""
        self._taken(body)

    def _taken(self, body: bytes) -> Said:
        with loopback_server.LOCK:
            if self.headers.get("authorization") != f"Bearer {TOKEN}":
                return 401, {"message": "Unauthorized"}
            told = json.loads(body) if body else {}
            said = routed(self.command, self.path, told)
            if said[0] < 300 and self.command != "GET":
                self._write_down(told, len(body))
            return said

    def _write_down(self, body: Any, length: int) -> None:
        told = {
            "method": self.command,
            "path": self.path,
            "body": body,
            "bytes": length,
            "headers": dict(self.headers.items()),
        }
        with Path(sys.argv[1]).open("a") as file:
            file.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    loopback_server.main(Handler)
