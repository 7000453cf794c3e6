"""What Freeplay gets of a chat is what its own SDK sends of it, apart from what is documented."""

from __future__ import annotations

import re
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.faults import freeplay_server
from tests.faults.loopbacks import FreeplayLoopback
from tests.freeplay.chat_with_sdk import LoggedChat
from tests.freeplay.chat_with_threadline import have_chat
from tests.shipping import client_for, ingestion

if TYPE_CHECKING:
    from collections.abc import Iterator

Request = dict[str, Any]
Fields = dict[str, Any]

PAGE = (Path(__file__).parents[2] / "docs" / "delivery.md").read_text()
DOCUMENTED = set(re.findall(r"^\| ([a-z ]+) \| `([\w.\[\]]+)` \|", PAGE, flags=re.MULTILINE))
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
KINDS = {
    "completions": "completion",
    "traces": "trace",
    "completion-feedback": "feedback",
    "trace-feedback": "feedback",
    "metadata": "session metadata",
}


@pytest.fixture
def ours(server: FreeplayLoopback, tmp_path: Path) -> list[Request]:
    client = client_for(tmp_path / "chat.db", ["freeplay"], ship=False)
    have_chat(client)
    client.close()
    sender = ingestion(tmp_path / "chat.db", server.target())
    sender.flush(20)
    sender.stop(1)
    assert sender.deliveries() == (6, 0, 0)
    return without_ids(in_calling_order(server.requests()))


@pytest.fixture
def theirs(tmp_path: Path) -> list[Request]:
    with FreeplayLoopback(tmp_path / "theirs") as server:
        url = f"http://127.0.0.1:{server.port}/api"
        LoggedChat(url, freeplay_server.KEY, freeplay_server.PROJECT).run()
        return without_ids(server.requests())


def in_calling_order(requests: list[Request]) -> list[Request]:
    """Sort what tools that ran at once did: which of them began first is nobody's business."""
    at = [n for n, request in enumerate(requests) if request["body"].get("kind") == "tool"]
    tools = sorted((requests[n] for n in at), key=lambda tool: tool["body"]["input"]["city"])
    for n, tool in zip(at, tools, strict=True):
        requests[n] = tool
    return requests


def without_ids(requests: list[Request]) -> list[Request]:
    """Number the ids by where they come first, so that only their places count."""
    numbers = count(1)
    known: dict[str, str] = {}

    def numbered(value: Any) -> Any:
        if isinstance(value, str):
            return UUID.sub(lambda m: known.setdefault(m[0], f"id {next(numbers)}"), value)
        if isinstance(value, dict):
            return {key: numbered(value[key]) for key in sorted(value)}
        return [numbered(item) for item in value] if isinstance(value, list) else value

    return [{**numbered(r), "headers": r["headers"]} for r in requests]


def kind_of(request: Request) -> str:
    parts = request["path"].split("/")
    return next(name for part, name in KINDS.items() if part in parts)


def fields(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every field that is there, by its path; of times only how they are written."""
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from fields(item, f"{path}.{key}".lstrip("."))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from fields(item, f"{path}[{number}]")
    elif path.endswith(("start_time", "end_time")):
        yield path, re.sub(r"\d+", "1", str(value))
    elif value is not None:
        yield path, value


def difference(one: Fields, other: Fields) -> set[str]:
    paths = {path for path in one.keys() | other.keys() if one.get(path) != other.get(path)}
    return {re.sub(r"\[\d+\]", "[]", path) for path in paths}


def test_the_same_requests_come_in_the_same_order(
    ours: list[Request], theirs: list[Request]
) -> None:
    """Method, address and all ids: who is whose child, and what feedback is about."""
    assert [(r["method"], r["path"]) for r in ours] == [(r["method"], r["path"]) for r in theirs]
    assert len(ours) == 4 + 2 + 3 + 3  # completions, tools, turns, what the user thinks


def test_each_field_is_the_same_or_its_difference_is_documented(
    ours: list[Request], theirs: list[Request]
) -> None:
    """The table in docs/delivery.md names every field that differs, and no other."""
    found: set[tuple[str, str]] = set()
    for mine, other in zip(ours, theirs, strict=True):
        changed = difference(dict(fields(mine["body"])), dict(fields(other["body"])))
        kind = kind_of(mine)
        if kind == "completion":  # all of it is there a second time
            changed = {re.sub(r"^custom_metadata\..*", "custom_metadata", path) for path in changed}
        found |= {(kind, path) for path in changed}
    assert found == DOCUMENTED


def test_nothing_is_sent_as_null_but_the_content_of_a_call(ours: list[Request]) -> None:
    """What is not there is left out, where the SDK writes null."""
    nulls = {re.sub(r"\[\d+\]", "[]", path) for r in ours for path in null_paths(r["body"])}
    assert nulls == {"messages[].content"}


def null_paths(value: Any, path: str = "") -> Iterator[str]:
    if value is None:
        yield path
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from null_paths(item, f"{path}.{key}".lstrip("."))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from null_paths(item, f"{path}[{number}]")


def test_key_and_kind_of_content_are_sent_alike(ours: list[Request], theirs: list[Request]) -> None:
    """The key is a bearer token, the body JSON."""
    sent = [
        {(name.lower(), value) for name, value in request["headers"].items()}
        for request in (ours[0], theirs[0])
    ]
    alike = {
        ("authorization", f"Bearer {freeplay_server.KEY}"),
        ("content-type", "application/json"),
    }
    assert all(alike <= headers for headers in sent)
