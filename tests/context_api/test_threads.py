"""What a Context thread gets of a conversation: only what is new, within the limits."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
from langchain_core.language_models import FakeListChatModel
from tests.context_api.conftest import bodies
from tests.context_api.shop import MODEL, Shop

import threadline
from threadline.destinations import Rejected
from threadline.langchain import ThreadlineCallbackHandler

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.loopbacks import ContextLoopback


def test_a_turn_is_what_was_said_and_what_tools_observed(
    server: ContextLoopback, shop: Shop
) -> None:
    """Tools stand between question and answer; who asked of which model is told once a thread."""
    turn_id = shop.ask_with_tools("A table?", "19:30?")
    assert shop.ship() == (1, 0, 0)
    [body] = bodies(server)
    told = body["conversation"]
    assert (told["id"], told["metadata"]) == ("t-1", {"user_id": "u-1", "model": MODEL})
    question, first, second, answer = told["messages"]
    assert (question["role"], question["message"]) == ("user", "A table?")
    assert question["metadata"] == {"turn_id": turn_id}
    assert (first["type"], first["name"], first["input"]) == ("tool", "find_table", {"people": 2})
    assert first["observation"] == "19:30, 20:15"
    assert second["observation"] == '{"rain":true}'
    assert (answer["role"], answer["message"]) == ("assistant", "19:30?")
    assert all(entry["event_timestamp"].endswith("Z") for entry in told["messages"])


def test_each_request_brings_only_what_is_new(server: ContextLoopback, shop: Shop) -> None:
    """History that was sent is not sent again."""
    for number in range(4):
        shop.ask(f"q{number}", f"a{number}")
        shop.ship()
    said = [[e["message"] for e in body["conversation"]["messages"]] for body in bodies(server)]
    assert said == [[f"q{n}", f"a{n}"] for n in range(4)]


def test_the_metadata_of_a_thread_is_the_same_each_time(
    server: ContextLoopback, shop: Shop
) -> None:
    """Also when more became known of the conversation: the API asks for that."""
    threadline.update("t-1", metadata={"plan": "pro", "seats": 3}, client=shop.client)
    shop.ask("q0", "a0", user_id="u-1")
    shop.ship()
    threadline.update("t-1", metadata={"plan": "free"}, title="Seats", client=shop.client)
    shop.ask("q1", "a1")
    threadline.event("Checkout", thread_id="t-1", client=shop.client)
    assert shop.ship() == (3, 0, 0)
    told = [body["conversation"]["metadata"] for body in bodies(server)]
    assert told == [{"user_id": "u-1", "plan": "pro", "seats": "3"}] * 3


def test_metadata_beyond_the_limits_is_cut_and_that_is_said(
    server: ContextLoopback, shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    """Twenty keys of forty characters; what was cut shows it, and the log says it once."""
    caplog.set_level(logging.WARNING)
    long = {"note": "n" * 41, "k" * 50: "v"} | {f"key-{n}": n for n in range(30)}
    threadline.update("t-1", metadata=long, client=shop.client)
    shop.ask("q0", "a0")
    shop.ask("q0", "a0", thread_id="t-2", metadata=long)
    assert shop.ship() == (2, 0, 0)
    told = bodies(server)[0]["conversation"]["metadata"]
    assert len(told) == 20
    assert told["note"] == "n" * 39 + "…"
    assert told["k" * 39 + "…"] == "v"
    assert told["left_out"] == "13 keys"
    assert bodies(server)[1]["conversation"]["messages"][0]["metadata"]["left_out"] == "14 keys"
    assert [r.message for r in caplog.records if "20 keys" in r.message] != []
    assert len([r for r in caplog.records if "20 keys" in r.message]) == 1
    assert "nnn" not in caplog.text


def test_a_tenants_conversations_stay_its_own(server: ContextLoopback, tmp_path: Path) -> None:
    """The tenant of a conversation goes before that of the destination; one too long is refused."""
    for tenant, more in (("shop-eu", {}), (None, {"tenant": "all"}), ("t" * 40, {})):
        shop = Shop(tmp_path / f"{tenant}.db", server, more, tenant=tenant)
        shop.ask("q", "a")
        assert shop.ship() == ((1, 0, 0) if tenant != "t" * 40 else (0, 0, 1))
        shop.close()
    assert [body["tenant_id"] for body in bodies(server)] == ["shop-eu", "all"]


def test_an_id_that_the_application_did_not_give_is_not_passed_off_as_one(
    server: ContextLoopback, shop: Shop
) -> None:
    """A thread needs an id; that it was made up here stands beside it."""
    shop.ask("q", "a", thread_id=None)
    shop.ship()
    assert bodies(server)[0]["conversation"]["metadata"]["id_source"] == "generated"


def test_side_calls_are_no_part_of_the_thread(server: ContextLoopback, shop: Shop) -> None:
    """What is kept out of the transcript is kept out here; it counts as delivered."""
    handler = ThreadlineCallbackHandler(shop.client, thread_id="t-1")
    FakeListChatModel(responses=["Tables"]).invoke(
        "A title?", {"callbacks": [handler], "metadata": {"threadline": "trace"}}
    )
    shop.ask("q", "a")
    assert shop.ship() == (2, 0, 0)
    assert [entry["message"] for _, entry in server.entries()] == ["q", "a"]


def test_a_turn_that_failed_says_so(server: ContextLoopback, shop: Shop) -> None:
    """Its question is there, with the status; there is no answer."""

    def fail() -> None:
        with threadline.turn(thread_id="t-1", input="q", client=shop.client):
            raise KeyError("sky")

    with pytest.raises(KeyError):
        fail()
    shop.ship()
    [(_, entry)] = server.entries()
    assert entry["metadata"]["status"] == "error"


def test_events_stand_in_the_thread(server: ContextLoopback, shop: Shop) -> None:
    """With what the application said of them, and their own ids."""
    turn_id = shop.ask("q", "a")
    event_id = threadline.event(
        "Checkout", turn_id=turn_id, metadata={"total": 12}, client=shop.client
    )
    assert shop.ship() == (2, 0, 0)
    _, event = server.entries()[-1]
    assert (event["type"], event["name"]) == ("event", "Checkout")
    assert event["metadata"] == {"event_id": event_id, "turn_id": turn_id, "total": "12"}


def test_a_finished_conversation_is_logged_as_a_whole(server: ContextLoopback, shop: Shop) -> None:
    """By hand, with its events and feedback; a refusal is told."""
    turn_id = shop.ask_with_tools("A table?", "19:30?")
    threadline.event("Checkout", turn_id=turn_id, client=shop.client)
    threadline.feedback("Quick", thread_id="t-1", client=shop.client)
    shop.client.store_recorded()
    conversation = threadline.open(shop.client.settings.store).conversation("t-1")
    assert conversation is not None
    target = server.target()
    assert not isinstance(target.log(conversation), Rejected)
    [request] = server.requests()
    assert request["path"] == "/api/v1/log/conversation"
    told = request["body"]["conversation"]
    assert [e.get("role") or e["name"] for e in told["messages"]] == [
        "user", "find_table", "weather", "assistant", "Checkout",
    ]  # fmt: skip
    assert (told["metadata"], told["feedback"]) == ({"user_id": "u-1"}, "Quick")
    server.behave({"do": "say", "status": 400})
    assert isinstance(target.log(conversation), Rejected)
    target.close()
