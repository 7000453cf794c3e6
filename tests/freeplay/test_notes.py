"""What is said beside the calls, at Freeplay: feedback, metadata of sessions, traces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.faults import freeplay_server
from tests.shipping import client_for, ingestion, say, say_at_length

import threadline
from threadline.clock import SystemClock
from threadline.ingest.freeplay_ids import FreeplayIds
from threadline.ingest.shipping import open_outbox

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.loopbacks import FreeplayLoopback

    from threadline.ingest.ingestion import IngestionClient

IDS = FreeplayIds(freeplay_server.PROJECT)
ELSEWHERE = "0192f0c1-7b1e-7cc3-98c4-dc0c0c07398f"


class MovedClock(SystemClock):
    """A clock that a test puts forward."""

    def __init__(self, hours: float) -> None:
        self._ahead_ns = int(hours * 3_600e9)

    def now_ns(self) -> int:
        return SystemClock.now_ns() + self._ahead_ns


@pytest.fixture
def client(tmp_path: Path) -> threadline.Client:
    return client_for(tmp_path / "chat.db", ["freeplay"], ship=False)


def ship(client: threadline.Client, server: FreeplayLoopback, hours: float = 0) -> IngestionClient:
    """Ship what waits, as if it were some hours later."""
    client.store_recorded()
    path = client.settings.store
    sender = ingestion(path, server.target(), clock=MovedClock(hours))
    sender.flush(10)
    sender.stop(1)
    return sender


def notes(server: FreeplayLoopback) -> list[tuple[str, dict[str, Any]]]:
    """Of each feedback and change of metadata: what it is on, and what it says."""
    told = [(r["path"].split("/", 5)[5], r["body"]) for r in server.requests()]
    return [(path, body) for path, body in told if "-feedback/" in path or "/metadata" in path]


@pytest.mark.parametrize(
    ("rating", "said"),
    [
        ({"value": 1}, {"freeplay_feedback": "positive", "source": "user"}),
        (
            {"value": -1, "comment": "dry", "user_id": "u-2"},
            {
                "freeplay_feedback": "negative",
                "comment": "dry",
                "source": "user",
                "user_id": "u-2",
            },
        ),
        ({"value": 0}, {"rating": 0.0, "source": "user"}),
        (
            {"value": 0.5, "name": "tone", "source": "judge"},
            {"tone": 0.5, "tone_source": "judge"},
        ),
        (
            {"value": "rude", "name": "tone", "comment": "shouts"},
            {"tone": "rude", "tone_comment": "shouts", "tone_source": "user"},
        ),
    ],
    ids=["up", "down", "neutral", "number", "label"],
)
def test_a_rating_of_a_turn_is_feedback_on_its_trace(
    client: threadline.Client, server: FreeplayLoopback, rating: dict[str, Any], said: Any
) -> None:
    """Thumbs are Freeplay's own, everything else stands under its name."""
    [turn_id] = say(client, [("t", "Rain?")])
    threadline.rate(**rating, turn_id=turn_id, client=client)
    assert ship(client, server).deliveries() == (2, 0, 0)
    assert notes(server)[-1] == (f"trace-feedback/id/{IDS.turn(turn_id)}", said)


def test_a_rating_of_a_call_is_feedback_on_the_completion_and_of_a_tool_on_its_trace(
    client: threadline.Client, server: FreeplayLoopback
) -> None:
    """The store tells which of both a span is; a step that is not sent is its turn."""
    say_at_length(client, [("t", "Rain?")])
    client.store_recorded()
    turn = next(iter(client.reader().turns()))
    by_kind = {span.kind: span.id for span in turn.spans}
    for span_id in by_kind.values():
        threadline.rate(1, span_id=span_id, client=client)
    ship(client, server)
    assert {path for path, _ in notes(server)} == {
        f"completion-feedback/id/{IDS.span(by_kind['llm'])}",
        f"trace-feedback/id/{IDS.span(by_kind['tool'])}",
    }


@pytest.mark.parametrize(("position", "kind"), [(0, "turn"), (1, "completion"), (99, "turn")])
def test_a_rating_of_a_message_is_feedback_on_the_call_that_said_it_else_on_the_turn(
    client: threadline.Client, server: FreeplayLoopback, position: int, kind: str
) -> None:
    """The user's own words were said by no call, and some messages nobody knows."""
    say_at_length(client, [("t", "Rain?")])
    client.store_recorded()
    turn = next(iter(client.reader().turns()))
    message_id = f"{turn.id}:{position}"
    threadline.rate(1, message_id=message_id, client=client)
    ship(client, server)
    [said_it] = [
        call.id
        for call in turn.llm_calls
        for message in call.output_messages
        if message.id == turn.messages[-1].id
    ]
    where = {
        "turn": f"trace-feedback/id/{IDS.turn(turn.id)}",
        "completion": f"completion-feedback/id/{IDS.span(said_it)}",
    }
    [(path, body)] = [(path, body) for path, body in notes(server) if "feedback" in path]
    assert path == where[kind]
    assert body["message_id"] == message_id


def test_a_rating_of_a_message_of_another_host_is_feedback_on_its_turn(
    client: threadline.Client, server: FreeplayLoopback
) -> None:
    """Which call said it stands in a store elsewhere."""
    threadline.rate(1, message_id=f"{ELSEWHERE}:3", client=client)
    ship(client, server, hours=1)
    path = f"trace-feedback/id/{IDS.turn(ELSEWHERE)}"
    assert [asked for asked in server.asked() if "-feedback" in asked] == [
        f"POST /api/v2/projects/{freeplay_server.PROJECT}/{path}"
    ]


def test_what_is_said_of_a_conversation_is_metadata_of_the_session(
    client: threadline.Client, server: FreeplayLoopback
) -> None:
    """There is no feedback on a session."""
    say(client, [("t", "Rain?")])
    threadline.rate(-1, thread_id="t", comment="slow", client=client)
    threadline.feedback("It did not help", thread_id="t", user_id="u-2", client=client)
    assert ship(client, server).deliveries() == (3, 0, 0)
    where = f"sessions/id/{IDS.session('t')}/metadata"
    rated = {"feedback_rating": -1.0, "feedback_comment": "slow", "feedback_source": "user"}
    told = {"feedback": "It did not help", "feedback_user_id": "u-2"}
    assert notes(server)[-2:] == [(where, rated), (where, told)]


def test_what_is_updated_goes_with_the_next_turn(
    client: threadline.Client, server: FreeplayLoopback
) -> None:
    """Of a conversation there is only its session's metadata, and that comes with turns."""
    say(client, [("t", "Rain?")])
    ship(client, server)
    threadline.update("t", metadata={"resolved": True}, client=client)
    assert ship(client, server).deliveries() == (0, 0, 0)
    say(client, [("t", "Snow?")])
    ship(client, server)
    where = f"sessions/id/{IDS.session('t')}/metadata"
    told = {"thread_id": "t"}
    assert notes(server) == [(where, told), (where, {"resolved": True, **told})]


def test_feedback_on_a_turn_is_feedback_on_its_trace(
    client: threadline.Client, server: FreeplayLoopback
) -> None:
    """In the user's words."""
    [turn_id] = say(client, [("t", "Rain?")])
    threadline.feedback("Wrong city", turn_id=turn_id, client=client)
    ship(client, server)
    assert notes(server)[-1] == (
        f"trace-feedback/id/{IDS.turn(turn_id)}",
        {"feedback": "Wrong city"},
    )


def test_an_event_is_a_trace_below_its_turn(
    client: threadline.Client, server: FreeplayLoopback
) -> None:
    """Its name and what it says; no agent, no tool."""
    with threadline.turn(thread_id="t", input="Buy", client=client) as turn:
        event_id = threadline.event("Checkout", metadata={"cents": 4200}, client=client)
        turn.output = "Done"
    ship(client, server)
    [event] = server.objects()[IDS.event(event_id)]
    del event["start_time"], event["end_time"]
    assert event == {
        "name": "Checkout",
        "input": {"cents": 4200},
        "output": "",
        "parent_id": IDS.turn(turn.id),
    }


@pytest.mark.parametrize("about", ["turn", "model call", "tool"])
def test_a_rating_of_what_another_host_recorded_waits_until_freeplay_knows_it(
    client: threadline.Client, server: FreeplayLoopback, tmp_path: Path, about: str
) -> None:
    """Ids follow from the turn's: what comes of another store later is what was rated."""
    other = client_for(tmp_path / "other.db", ["freeplay"], ship=False)
    say_at_length(other, [("t", "Rain?")])
    other.store_recorded()
    turn = next(iter(other.reader().turns()))
    span_id = {span.kind: span.id for span in turn.spans} | {"turn": None}
    named = {"turn": {"turn_id": turn.id}, "model call": {"span_id": span_id["llm"]}}
    threadline.rate(1, **named.get(about, {"span_id": span_id["tool"]}), client=client)
    say(client, [("u", "Snow?")])
    assert ship(client, server, hours=1).deliveries() == (1, 1, 0)  # the turn does not wait for it
    assert [path for path, _ in notes(server) if "feedback" in path] == []
    ship(other, server)
    assert ship(client, server, hours=8).deliveries() == (1, 0, 0)
    [(path, body)] = [(path, body) for path, body in notes(server) if "feedback" in path]
    known = {
        "turn": f"trace-feedback/id/{IDS.turn(turn.id)}",
        "model call": f"completion-feedback/id/{IDS.span(str(span_id['llm']))}",
        "tool": f"trace-feedback/id/{IDS.span(str(span_id['tool']))}",
    }
    assert path == known[about]
    assert body["freeplay_feedback"] == "positive"


def test_a_rating_of_what_never_comes_is_put_aside_after_a_day(
    client: threadline.Client, server: FreeplayLoopback
) -> None:
    """It is listed with its reason, and can be tried again."""
    threadline.rate(1, turn_id=ELSEWHERE, client=client)
    hours = [1, 2, 3, 4, 5, 6, 7, 9, 12, 17, 24, 31, 38]
    last = [ship(client, server, hours=later).deliveries() for later in hours][-1]
    assert last == (0, 0, 1)
    outbox = open_outbox(client.settings.store, SystemClock())
    [row] = outbox.listed(limit=5, put_aside_only=True)
    assert row.reason == "Freeplay does not know what this is about"


def test_an_event_of_an_unknown_turn_without_a_thread_is_put_aside(
    client: threadline.Client, server: FreeplayLoopback
) -> None:
    """It would have no session to stand in."""
    threadline.event("Checkout", turn_id=ELSEWHERE, client=client)
    assert ship(client, server, hours=1).deliveries() == (0, 0, 1)
