"""Freeplay on a loopback port: its routes, its rules, and the misbehaviour of `loopback_server`.

Run as a program like that one. It refuses what Freeplay is known to refuse: another key or project,
ids that are no uuid4, objects that lack what they need, feedback on what it does not know. Each
request that it takes is one line of the file: method, path, body, headers.
"""

from __future__ import annotations

import json
import re
import sys
import uuid
from pathlib import Path
from typing import Any

from tests.faults import loopback_server

KEY = "fp-very-secret-0123456789"
PROJECT = "5b5e0a2a-43c4-4a3b-8f6c-0d1f2a3b4c5d"

Said = tuple[int, dict[str, Any]]

KNOWN: set[tuple[str, str]] = set()
"""What was taken: sessions, traces, completions, and their ids."""

ASKED: list[str] = []
"""Every request that came, taken or not."""


def is_uuid4(text: object) -> bool:
    try:
        return isinstance(text, str) and str(uuid.UUID(text)) == text and text[14] == "4"
    except ValueError:
        return False


def are_scalars(found: object) -> bool:
    return isinstance(found, dict) and all(isinstance(v, str | int | float) for v in found.values())


def completion(session: str, body: dict[str, Any]) -> Said:
    """Take a completion."""
    call = body.get("call_info", {})
    usage = call.get("usage")
    wrong = [
        not body.get("messages") or not all(m.get("role") for m in body["messages"]),
        not is_uuid4(body.get("completion_id")),
        not is_uuid4(body.get("parent_id", str(uuid.uuid4()))),
        not are_scalars(body.get("session_info", {}).get("custom_metadata", {})),
        not isinstance(call.get("start_time", 0.0), float),
        not isinstance(call.get("end_time", 0.0), float),
        usage is not None and set(usage) != {"prompt_tokens", "completion_tokens"},
        "prompt_info" in body and "prompt_template_version_id" not in body["prompt_info"],
    ]
    if any(wrong):
        return 400, {"message": f"not a completion: {wrong}"}
    KNOWN.update({("session", session), ("completion", body["completion_id"])})
    return 201, {"completion_id": body["completion_id"]}


def trace(session: str, ident: str, body: dict[str, Any]) -> Said:
    """Take a trace."""
    wrong = [
        not is_uuid4(ident),
        "input" not in body or "output" not in body,
        body.get("kind") not in {None, "tool"},
        not are_scalars(body.get("custom_metadata") or {}),
    ]
    if any(wrong):
        return 400, {"message": f"not a trace: {wrong}"}
    KNOWN.update({("session", session), ("trace", ident)})
    return 201, {}


def about(kind: str, ident: str, body: dict[str, Any], status: int) -> Said:
    """Take feedback on something, or metadata of it."""
    if (kind, ident) not in KNOWN:
        return 404, {"code": "entity_not_found", "message": "There is no such thing"}
    thumb = body.get("freeplay_feedback", "positive")
    if not body or not are_scalars(body) or thumb not in {"positive", "negative"}:
        return 400, {"message": "not flat"}
    return status, {"message": "ok"}


def routed(method: str, path: str, body: dict[str, Any]) -> Said:
    """Return what Freeplay says to a request of a project."""
    if (method, path) == ("GET", "/api/v2/projects/all"):
        return 200, {"projects": [{"id": PROJECT, "name": "Ours"}]}
    found = re.fullmatch(rf"/api/v2/projects/{PROJECT}(/.*)", path)
    match (method, *(found[1] if found else "").split("/")[1:]):
        case ("POST" | "PATCH", "sessions", session, *_) if session != "id" and not is_uuid4(
            session
        ):
            return 400, {"message": f"Session ID {session} is not a valid uuid4 format."}
        case ("POST", "sessions", session, "completions"):
            return completion(session, body)
        case ("POST", "sessions", session, "traces", "id", ident):
            return trace(session, ident, body)
        case ("PATCH", "sessions", "id", session, "metadata"):
            return about("session", session, body, 200)
        case ("POST", "completion-feedback" | "trace-feedback" as route, "id", ident):
            return about(route.removesuffix("-feedback"), ident, body, 201)
        case _:
            return 404, {"message": "Not found"}


class Handler(loopback_server.Handler):
    """Answers as Freeplay does, where no mode tells otherwise."""

    def do_POST(self) -> None:  # noqa: N802 (a name of the base)
        """Say what was asked for so far, or take a request in the next mode."""
        if self.path == "/asked":
            self._body()
            self._answer(200, {}, json.dumps(ASKED).encode())
            return
        if self.path != "/mode":
            ASKED.append(f"{self.command} {self.path}")
        super().do_POST()

    do_GET = do_PATCH = do_POST  # noqa: N815 (names of the base)

    def do_take(self, _mode: dict[str, Any]) -> None:
        """Take the request, or refuse it as Freeplay does."""
        raw = self._body()
        status, said = self._said(raw)
        if status < 300 and self.command != "GET":
            self._write_down(raw)
        self._answer(status, {"Content-Type": "application/json"}, json.dumps(said).encode())

    def do_no_longer_than(self, mode: dict[str, Any]) -> None:
        """Refuse bodies that are longer, for ever; take the others."""
        with loopback_server.LOCK:
            loopback_server.MODES.insert(0, mode)
        if int(self.headers.get("content-length", 0)) > mode["bytes"]:
            self._body()
            self._answer(413, {}, b"Request Entity Too Large")
        else:
            self.do_take(mode)

    def _count(self, body: bytes) -> None:
        """Take the request, whatever is then said of it."""
        if self._said(body)[0] < 300:
            self._write_down(body)

    def _said(self, body: bytes) -> Said:
        with loopback_server.LOCK:
            if self.headers.get("authorization") != f"Bearer {KEY}":
                return 401, {"message": "Unauthorized"}
            return routed(self.command, self.path, json.loads(body or b"{}"))

    def _write_down(self, body: bytes) -> None:
        told = {
            "method": self.command,
            "path": self.path,
            "body": json.loads(body),
            "headers": dict(self.headers.items()),
        }
        with loopback_server.LOCK, Path(sys.argv[1]).open("a") as file:
            file.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    loopback_server.main(Handler)
