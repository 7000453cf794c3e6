"""What the Context API gets of a chat is what its own SDK sends, apart from what is documented.

The chat is recorded, shipped by us to one server, and logged by hand with the SDK to another: each
turn as it comes, as the SDK's documentation shows it.
"""

from __future__ import annotations

import contextlib
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs, urlsplit

import pytest
from getcontext import ContextAPI
from getcontext.generated.models import Conversation, Message, Thread, ThreadMessage
from getcontext.token import Credential
from tests.context_api.shop import MODEL, Shop
from tests.faults.context_server import TOKEN
from tests.faults.loopbacks import ContextLoopback

import threadline
from threadline.destinations import Delivered

if TYPE_CHECKING:
    from collections.abc import Iterator

    from threadline.model import Event, Turn

Request = dict[str, Any]

PAGE = (Path(__file__).parents[2] / "docs" / "delivery.md").read_text()
TABLE = PAGE[PAGE.index("| field of the Context API |") :].split("\n\n")[0]
DOCUMENTED = set(re.findall(r"^\| `([^`]+)` \|", TABLE, flags=re.MULTILINE))
TENANT = "restaurant-44"
HAPPENED = {"seats": 2, "paid": True}
ABOUT = {"user_id": "u-1", "model": MODEL}


class Logged:
    """Logs what was recorded with the SDK, as one does by hand.

    Args:
        port: Where the server listens.
    """

    def __init__(self, port: int) -> None:
        self._api = ContextAPI(Credential(TOKEN), endpoint=f"http://127.0.0.1:{port}")

    def turn(self, turn: Turn) -> None:
        """Append one turn to its thread: question, tools, answer."""
        self._append(turn.thread_id, [_question(turn), *_tools(turn), _answer(turn)])

    def event(self, event: Event) -> None:
        """Append an event."""
        told = Message(
            type="event",
            name=event.name,
            metadata=event.metadata,
            event_timestamp=_moment(event.at_ns),
        )
        self._append("t-1", [told])

    def rating(self, thread_id: str, rating: int) -> None:
        """Set a rating."""
        body = [ThreadMessage(rating=rating)]
        self._api.log.update_conversation_thread(thread_id, body, enforce_https=False)

    def feedback(self, text: str) -> None:
        """Set what the user wrote."""
        self._append("t-1", [], feedback=text)

    def whole(self, turn: Turn) -> None:
        """Log a finished conversation."""
        told = Conversation(messages=[_question(turn), _answer(turn)], metadata={"user_id": "u-1"})
        self._api.log.conversation(
            body={"conversation": told}, tenant_id=TENANT, enforce_https=False
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._api.close()

    def _append(self, thread_id: str, messages: list[Message], **more: Any) -> None:
        about = ABOUT if thread_id == "t-1" else {"user_id": "u-1"}
        told = Thread(id=thread_id, messages=messages, metadata=about, **more)
        self._api.log.conversation_thread(
            body={"conversation": told}, tenant_id=TENANT, enforce_https=False
        )


def _question(turn: Turn) -> Message:
    [said] = [m for m in turn.messages if m.role == "user"]
    return Message(role="user", message=said.text, event_timestamp=_moment(said.at_ns))


def _answer(turn: Turn) -> Message:
    said = turn.messages[-1]
    return Message(role="assistant", message=said.text, event_timestamp=_moment(said.at_ns))


def _tools(turn: Turn) -> list[Message]:
    return [
        Message(
            type="tool",
            name=seen.name,
            input=seen.arguments,
            observation=seen.result if isinstance(seen.result, str) else '{"rain":true}',
            event_timestamp=_moment(seen.started_ns),
        )
        for seen in turn.tool_observations
    ]


def _moment(at_ns: int | None) -> datetime:
    assert at_ns is not None
    return datetime.fromtimestamp(at_ns // 1_000_000 / 1_000, UTC)


def have_chat(shop: Shop, server: ContextLoopback) -> None:
    """Have the chat and ship it, step by step; log one conversation as finished, too."""
    first = shop.ask_with_tools("A table?", "19:30?")
    shop.ask("Yes", "Booked", user_id="u-1")
    shop.ship()
    threadline.event("Booked", thread_id="t-1", metadata=HAPPENED, client=shop.client)
    threadline.rate(1, turn_id=first, client=shop.client)
    threadline.feedback("Quick", thread_id="t-1", client=shop.client)
    shop.ask("Open on Sunday?", "No", thread_id="t-2", user_id="u-1")
    assert shop.ship() == (6, 0, 0)
    finished = threadline.open(shop.client.settings.store).conversation("t-2")
    target = server.target()
    assert target.log(finished) == Delivered()
    target.close()


def log_chat(store: Path, server: ContextLoopback) -> None:
    """Log what was recorded with the SDK, in the same order."""
    opened = threadline.open(store)
    chat, other = opened.conversation("t-1"), opened.conversation("t-2")
    with Logged(server.port) as logged:
        for turn in chat.turns:
            logged.turn(turn)
        logged.event(chat.events[0])
        server.behave({"do": "note", "status": 200})  # not the body that the API documents
        logged.rating("t-1", 1)
        logged.feedback("Quick")
        logged.turn(other.turns[0])
        logged.whole(other.turns[0])


@pytest.fixture
def both(server: ContextLoopback, tmp_path: Path) -> Iterator[tuple[list[Request], list[Request]]]:
    """The requests of the same chat: ours, theirs."""
    shop = Shop(tmp_path / "chat.db", server, tenant=TENANT)
    with ContextLoopback(tmp_path / "theirs") as other, contextlib.closing(shop):
        have_chat(shop, server)
        log_chat(shop.client.settings.store, other)
        yield server.requests(), other.requests()


def fields(request: Request) -> dict[str, Any]:
    """Every field of a request, by its path; which of several messages does not count."""
    address = urlsplit(request["path"])
    found = {"?" + key: value for key, value in parse_qs(address.query).items()}
    return found | dict(_fields(request["body"], ""))


def _fields(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    pairs: Any = ()
    if isinstance(value, dict):
        pairs = [(f"{path}.{key}".lstrip("."), item) for key, item in value.items()]
    elif isinstance(value, list):
        pairs = [(f"{path}[{number}]", item) for number, item in enumerate(value)]
    for name, item in pairs:
        yield from _fields(item, name)
    if not pairs:
        yield path, value


def test_the_same_requests_come_in_the_same_order(
    both: tuple[list[Request], list[Request]],
) -> None:
    """Two turns, an event, a rating, feedback, a turn elsewhere, a finished conversation."""
    told = [[(r["method"], urlsplit(r["path"]).path) for r in requests] for requests in both]
    assert told[0] == told[1]
    assert len(told[0]) == 7


def test_each_field_is_the_same_or_its_difference_is_documented(
    both: tuple[list[Request], list[Request]],
) -> None:
    """The table in docs/delivery.md names every field that differs, and no other."""
    found: set[str] = set()
    for mine, other in zip(*both, strict=True):
        ours, theirs = fields(mine), fields(other)
        paths = ours.keys() | theirs.keys()
        found |= {path for path in paths if ours.get(path) != theirs.get(path)}
    shown = {re.sub(r"\[\d+\]", "[]", path).replace(".paid", ".<key>") for path in found}
    assert shown == DOCUMENTED


def test_the_token_and_the_kind_of_content_are_sent_alike(
    both: tuple[list[Request], list[Request]],
) -> None:
    """A bearer token, and JSON."""
    for requests in both:
        for request in requests:
            sent = {name.lower(): value for name, value in request["headers"].items()}
            assert sent["authorization"] == f"Bearer {TOKEN}"
            assert sent["content-type"] == "application/json"
