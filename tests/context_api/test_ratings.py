"""Ratings, comments and feedback at the Context API: on the message they judge, or beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.context_api.shop import Shop

import threadline
from threadline.ids import uuid7
from threadline.ingest.shipping import open_outbox

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.loopbacks import ContextLoopback


def ratings_of(server: ContextLoopback) -> list[tuple[str, int]]:
    """By their words, the messages that were rated after they were sent."""
    return [(m["message"], m["rating"]) for m in server.thread("t-1") if m.get("rating")]


def events_of(server: ContextLoopback) -> list[dict[str, Any]]:
    return [entry for _, entry in server.entries() if entry.get("type") == "event"]


@pytest.mark.parametrize("filtered", [False, True])
@pytest.mark.parametrize("own_ids", [False, True])
def test_a_thumb_is_set_on_the_answer_by_the_ids_that_came_back(
    server: ContextLoopback, shop: Shop, *, own_ids: bool, filtered: bool
) -> None:
    """Also where the server has other words and an id of its own, and the program ended between."""
    server.be(own_ids=own_ids, filtered=filtered)
    turn_id = shop.ask_with_tools("A table?", "19:30?")
    shop.ship()
    shop.sender.stop(1)
    threadline.rate(-1, turn_id=turn_id, client=shop.client)
    assert shop.ship()[1:] == (0, 0)
    assert ratings_of(server) == [("19:30?", -1)]
    patch = server.requests()[-1]
    thread_id = "srv-t-1" if own_ids else "t-1"
    assert (patch["method"], patch["path"].rpartition("/")[2]) == ("PATCH", thread_id)
    assert set(patch["body"]) == {"messages"}


def test_a_message_is_rated_itself(server: ContextLoopback, shop: Shop) -> None:
    """By the id of the message, whoever said it; a 0 takes a thumb back."""
    turn_id = shop.ask("q", "a")
    shop.ship()
    turn = threadline.open(shop.client.settings.store).turn(turn_id)
    assert turn is not None
    for value in (1, -1, 0):
        threadline.rate(value, message_id=turn.messages[0].id, client=shop.client)
    threadline.rate(1, message_id=turn.messages[1].id, client=shop.client)
    shop.ship()
    assert [(m["message"], m["rating"]) for m in server.thread("t-1")] == [("q", 0), ("a", 1)]


def test_a_comment_is_feedback_of_the_thread(server: ContextLoopback, shop: Shop) -> None:
    """The API has no place for it at a message; the newest stands there."""
    turn_id = shop.ask("q", "a")
    threadline.feedback("Slow", thread_id="t-1", client=shop.client)
    threadline.rate(1, turn_id=turn_id, comment="well put", client=shop.client)
    assert shop.ship() == (3, 0, 0)
    told = [r["body"].get("conversation", {}).get("feedback") for r in server.requests()]
    assert [text for text in told if text] == ["Slow", "well put"]
    assert [e["message"] for _, e in server.entries() if "role" in e] == ["q", "a"]


def test_what_a_message_cannot_bear_is_an_event(server: ContextLoopback, shop: Shop) -> None:
    """Named scores and labels, judgements of a step and of the conversation."""
    turn_id = shop.ask("q", "a")
    threadline.rate(0.5, turn_id=turn_id, name="tone", client=shop.client)
    threadline.rate("dry", turn_id=turn_id, name="style", client=shop.client)
    threadline.rate(1, span_id=f"{turn_id}.0", client=shop.client)
    threadline.rate(1, thread_id="t-1", client=shop.client)
    assert shop.ship() == (5, 0, 0)
    told = [event["metadata"] for event in events_of(server)]
    assert {event["name"] for event in events_of(server)} == {"Rating"}
    assert [(m["name"], m.get("value") or m.get("label")) for m in told] == [
        ("tone", "0.5"), ("style", "dry"), ("rating", "1"), ("rating", "1"),
    ]  # fmt: skip
    assert [m.get("turn_id") for m in told] == [turn_id, turn_id, turn_id, None]


def test_where_no_ids_came_back_a_thumb_is_an_event(server: ContextLoopback, shop: Shop) -> None:
    """Older servers tell none, neither at once nor when they are asked."""
    server.be(ids=False)
    turn_id = shop.ask("q", "a")
    shop.ship()
    threadline.rate(1, turn_id=turn_id, client=shop.client)
    assert shop.ship() == (2, 0, 0)
    [event] = events_of(server)
    assert (event["metadata"]["turn_id"], event["metadata"]["value"]) == (turn_id, "1")


@pytest.mark.usefixtures("quick_notes")
class TestWhatThisStoreDoesNotHold:
    """Another host answered; here is only what the user thinks of it."""

    def test_a_thumb_is_set_on_the_answer_that_the_thread_shows(
        self, server: ContextLoopback, shop: Shop, tmp_path: Path
    ) -> None:
        """Thread and turn name it; the answer of another turn is left alone."""
        shop.ask("q0", "a0", user_id="u-1")
        turn_id = shop.ask("q1", "a1", user_id="u-1")
        shop.ask("q2", "a2", user_id="u-1")
        shop.ship()
        here = Shop(tmp_path / "here.db", server)
        threadline.rate(1, turn_id=turn_id, thread_id="t-1", comment="Yes", client=here.client)
        assert here.ship() == (1, 0, 0)
        here.close()
        assert ratings_of(server) == [("a1", 1)]
        assert server.requests()[-1]["body"]["conversation"]["metadata"] == {"user_id": "u-1"}

    def test_what_is_not_in_the_thread_yet_becomes_an_event(
        self, server: ContextLoopback, shop: Shop
    ) -> None:
        """It names the turn, so that the two can be joined."""
        turn_id = str(uuid7())
        threadline.rate(-1, turn_id=turn_id, thread_id="t-9", client=shop.client)
        threadline.event("Left", thread_id="t-9", client=shop.client)
        assert shop.ship() == (2, 0, 0)
        assert {thread_id for thread_id, _ in server.entries()} == {"t-9"}
        assert events_of(server)[0]["metadata"]["turn_id"] == turn_id

    def test_without_a_thread_it_is_put_aside_with_what_to_do(
        self, server: ContextLoopback, shop: Shop
    ) -> None:
        """Nobody can tell where it belongs; it is kept, not lost."""
        threadline.rate(1, turn_id=str(uuid7()), client=shop.client)
        assert shop.ship() == (0, 0, 1)
        outbox = open_outbox(shop.client.settings.store, shop.client.clock)
        [row] = outbox.listed(limit=5, put_aside_only=True)
        assert "name the thread_id" in str(row.reason)
        assert server.requests() == []


@pytest.fixture
def quick_notes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Notes do not wait for turns that nobody knows."""
    from threadline.store import outbox

    plan = outbox._PLAN.replace(str(outbox._UNKNOWN_TURN_NS), "0")
    assert plan != outbox._PLAN
    monkeypatch.setattr(outbox, "_PLAN", plan)
