"""Conversations in the Context.ai shape, written and read."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import pytest
from msgspec.structs import replace

from threadline.errors import ArgumentError
from threadline.model import (
    BlobPart,
    Conversation,
    Event,
    Failure,
    Feedback,
    Message,
    Rating,
    Span,
    Status,
    TextPart,
    ToolCallPart,
    ToolCallResponsePart,
    ToolObservation,
    Turn,
)

MS = 1_000_000
NINE = 1_714_640_400_000 * MS  # 2024-05-02T09:00:00Z


def said(number: int, role: str, *parts: Any, **fields: Any) -> Message:
    parts = tuple(TextPart(part) if isinstance(part, str) else part for part in parts)
    at_ns = NINE + number * 1000 * MS
    return Message(**{"id": f"m{number}", "role": role, "parts": parts, "at_ns": at_ns, **fields})


def observed(number: int, call_id: str | None, **fields: Any) -> ToolObservation:
    return ToolObservation(**{
        "id": f"o{number}", "name": "weather", "outcome": "ok", "call_id": call_id, **fields
    })  # fmt: skip


def told(*messages: Message, **fields: Any) -> Turn:
    return Turn(**{
        "id": "t-1", "thread_id": "c-1", "status": Status.OK, "started_ns": NINE,
        "messages": messages, **fields,
    })  # fmt: skip


def held(*turns: Turn, **fields: Any) -> Conversation:
    return Conversation(**{"thread_id": "c-1", "turns": turns, **fields})


def with_tools(**fields: Any) -> Turn:
    """Two calls in one message, answered in the other order than asked."""
    return told(
        said(0, "user", "Where is it warm?"),
        said(1, "assistant", ToolCallPart("weather", {"city": "Oslo"}, "c1"),
             ToolCallPart("weather", {"city": "Rome"}, "c2")),
        said(2, "tool", ToolCallResponsePart("30 degrees", "c2")),
        said(3, "tool", ToolCallResponsePart({"degrees": 3}, "c1")),
        said(4, "assistant", "In Rome."),
        **{"tool_observations": (
            observed(1, "c1", arguments={"city": "Oslo"}, result={"degrees": 3},
                     thought="Look up both.", started_ns=NINE + 5, ended_ns=NINE + MS),
            observed(2, "c2", arguments={"city": "Rome"}, result="30 degrees"),
        ), **fields},
    )  # fmt: skip


def outline(data: dict[str, Any]) -> list[str]:
    return [entry.get("role") or f"{entry['type']} {entry['id']}" for entry in data["messages"]]


def back(conversation: Conversation) -> Conversation:
    return Conversation.from_dict(json.loads(json.dumps(conversation.to_dict())))


def owned(turn: Turn) -> Turn:
    """The turn with every record naming it, as one that was read has."""
    return replace(
        turn,
        messages=tuple(replace(m, turn_id=turn.id) for m in turn.messages),
        tool_observations=tuple(replace(o, turn_id=turn.id) for o in turn.tool_observations),
        events=tuple(replace(e, turn_id=turn.id) for e in turn.events),
    )


def test_a_chat_entry_says_what_context_ai_knows_and_what_we_know_beside() -> None:
    message = said(0, "assistant", "From 10 to 16.", rating=1.0, metadata={"stage": "answer"})
    assert held(told(message)).to_dict() == {
        "id": "c-1",
        "messages": [
            {
                "role": "assistant",
                "message": "From 10 to 16.",
                "event_timestamp": "2024-05-02T09:00:00.000Z",
                "rating": 1,
                "metadata": {"stage": "answer"},
                "id": "m0",
                "turn_id": "t-1",
            }
        ],
        "metadata": {},
        "turns": [{"id": "t-1", "status": "ok", "started_ns": NINE}],
    }


def test_an_observation_stands_after_the_message_that_asked_in_call_order() -> None:
    data = held(with_tools()).to_dict()
    assert outline(data) == ["user", "assistant", "tool o1", "tool o2", "assistant"]
    oslo, rome = data["messages"][2:4]
    assert oslo == {
        "type": "tool",
        "name": "weather",
        "thought": "Look up both.",
        "input": {"city": "Oslo"},
        "observation": '{"degrees":3}',
        "event_timestamp": "2024-05-02T09:00:00.000Z",
        "id": "o1",
        "call_id": "c1",
        "started_ns": NINE + 5,
        "ended_ns": NINE + MS,
        "turn_id": "t-1",
        "status": "ok",
        "result": {"degrees": 3},
        "answer": {"event_timestamp": "2024-05-02T09:00:03.000Z", "id": "m3", "position": 3},
    }
    assert rome["observation"] == "30 degrees"
    assert "result" not in rome


def test_answers_that_follow_in_call_order_need_no_position() -> None:
    turn = with_tools()
    ordered = replace(turn, messages=tuple(turn.messages[n] for n in (0, 1, 3, 2, 4)))
    for entry in held(ordered).to_dict()["messages"][2:4]:
        assert "position" not in entry["answer"]
    assert back(held(ordered)) == held(owned(ordered))


@pytest.mark.parametrize(
    "turn",
    [
        pytest.param(with_tools(), id="answers-in-another-order"),
        pytest.param(with_tools(tool_observations=()), id="nothing-observed"),
        pytest.param(with_tools(tool_observations=(observed(2, "c2"),)), id="one-observed"),
        pytest.param(told(tool_observations=(observed(1, None),)), id="nothing-said"),
        pytest.param(told(said(0, "user"), said(1, "assistant", "")), id="no-words-and-empty"),
        pytest.param(
            told(said(0, "user", "Look", BlobPart(b"\x00\xff", "image/png"))), id="an-image"
        ),
        pytest.param(told(said(0, "user", "Hi", at_ns=NINE + 1)), id="nanoseconds"),
        pytest.param(told(said(0, "user", "Hi", at_ns=None)), id="no-time"),
        pytest.param(told(said(0, "critic", "Hm", name="Ann", partial=True)), id="own-role"),
        pytest.param(told(said(0, "assistant", "Hi", rating=4.5)), id="stars"),
        pytest.param(told(said(0, "assistant", "Hi", rating=0.0)), id="a-given-zero"),
        pytest.param(
            told(
                status=Status.ERROR, name="chat", user_id="u", tags=("a",), metadata={"k": [1]},
                error=Failure("ValueError", "no"), continues="t-0", thread_id="elsewhere",
                ratings=(Rating(id="r", at_ns=1, value=0.5, comment="so so"),),
                feedback=(Feedback(id="f", at_ns=1, text="Slow"),),
            ),
            id="a-whole-head",
        ),
        pytest.param(
            told(said(0, "user", "Title?"), kind="trace",
                 events=(Event(id="e", at_ns=NINE, name="Titled"),)),
            id="a-side-call",
        ),
    ],
)  # fmt: skip
def test_a_turn_comes_back_as_it_was(turn: Turn) -> None:
    assert back(held(turn)) == held(owned(turn))


def test_what_belongs_to_the_conversation_comes_back() -> None:
    conversation = held(
        tenant="acme",
        id_source="generated",
        user_id="u-1",
        title="Pool hours",
        tags=("beta",),
        metadata={"plan": "pro", "seats": 3},
        created_ns=1,
        updated_ns=2,
        prelude=(said(0, "user", "Earlier", kind="prelude", at_ns=None),),
        ratings=(Rating(id="r", at_ns=1, label="good"),),
        feedback=(Feedback(id="f", at_ns=1, text="Quick"),),
        events=(Event(id="e", at_ns=NINE, name="Checkout", metadata={"sum": "3"}),),
    )
    assert back(conversation) == conversation


def test_side_calls_and_prelude_are_not_among_the_messages() -> None:
    data = held(
        told(said(0, "user", "Hi")),
        told(said(1, "user", "Title?"), id="t-2", kind="trace"),
        prelude=(said(2, "user", "Earlier"),),
    ).to_dict()
    assert [entry["message"] for entry in data["messages"]] == ["Hi"]


def test_spans_are_left_out() -> None:
    span = Span(id="s", kind="llm", name="gpt", status="ok", started_ns=1)
    assert back(held(told(spans=(span,)))).turns[0].spans == ()


def test_events_stand_where_they_happened() -> None:
    first = told(
        said(0, "user", "Hi"),
        said(2, "assistant", "Hello"),
        events=(Event(id="shown", at_ns=NINE + 1000 * MS, name="Shown"),),
    )
    second = told(said(4, "user", "Bye"), id="t-2")
    events = (
        Event(id="paid", at_ns=NINE + 3000 * MS, name="Paid"),
        Event(id="left", at_ns=NINE + 9000 * MS, name="Left"),
        Event(id="ended", at_ns=NINE + 9000 * MS, name="Ended", turn_id="t-2"),
        Event(id="shown", at_ns=NINE + 1000 * MS, name="Shown", turn_id="t-1"),
    )
    data = held(first, second, events=events).to_dict()
    assert outline(data) == [
        "user", "event shown", "assistant", "event paid", "user", "event ended", "event left",
    ]  # fmt: skip
    read = Conversation.from_dict(data)
    assert [event.id for event in read.events] == ["paid", "left"]
    assert [[event.id for event in turn.events] for turn in read.turns] == [["shown"], ["ended"]]


def test_call_ids_that_a_provider_repeats_are_told_apart_by_their_message() -> None:
    call = ToolCallPart("weather", None, "call_0")
    turn = told(
        said(0, "assistant", call),
        said(1, "tool", ToolCallResponsePart("a", "call_0")),
        said(2, "assistant", call),
        said(3, "tool", ToolCallResponsePart("b", "call_0")),
        tool_observations=(
            observed(1, "call_0", message_id="m0"),
            observed(2, "call_0", message_id="m2"),
        ),
    )
    data = held(turn).to_dict()
    assert outline(data) == ["assistant", "tool o1", "assistant", "tool o2"]
    assert [data["messages"][n]["answer"]["id"] for n in (1, 3)] == ["m1", "m3"]


def test_what_nobody_asked_for_stands_by_its_time() -> None:
    turn = told(
        said(0, "user", "Hi"),
        said(2, "assistant", "Hello"),
        said(4, "assistant", "More"),
        tool_observations=(observed(1, None, started_ns=NINE + 3000 * MS), observed(2, None)),
    )
    assert outline(held(turn).to_dict()) == ["user", "tool o2", "assistant", "tool o1", "assistant"]


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        pytest.param({"result": "rain"}, "rain", id="words"),
        pytest.param({"result": [1, None]}, "[1,null]", id="values"),
        pytest.param({}, "", id="nothing"),
        pytest.param({"error": Failure("KeyError", "city")}, "KeyError: city", id="failure"),
        pytest.param({"error": Failure("KeyError")}, "KeyError", id="silent-failure"),
        pytest.param({"error": Failure("E", "x"), "result": "told"}, "told", id="told-failure"),
    ],
)
def test_an_observation_is_a_text(fields: dict[str, Any], text: str) -> None:
    turn = told(tool_observations=(observed(1, None, outcome="error", **fields),))
    [entry] = held(turn).to_dict()["messages"]
    assert (entry["observation"], entry["status"]) == (text, "error")
    assert back(held(turn)).turns[0] == owned(turn)


@pytest.mark.parametrize("arguments", ["Paris", ["a"], 3, {"city": {"a": None}}, {}, None])
def test_input_is_an_object_and_arguments_come_back_as_they_were(arguments: object) -> None:
    turn = told(tool_observations=(observed(1, None, arguments=arguments),))
    [entry] = held(turn).to_dict()["messages"]
    assert isinstance(entry.get("input", {}), dict)
    assert back(held(turn)).tool_observations[0].arguments == arguments


def test_feedback_of_everyone_is_one_text() -> None:
    turn = told(feedback=(Feedback(id="2", at_ns=2, text="Slow"),))
    data = held(turn, feedback=(Feedback(id="1", at_ns=1, text="Kind"),)).to_dict()
    assert data["feedback"] == "Kind\nSlow"


def test_what_is_no_json_is_written_as_the_nearest_that_is() -> None:
    odd = {"when": datetime(2024, 5, 2, tzinfo=UTC), "set": {1}, 7: float("nan"), "b": b"ab"}
    turn = told(said(0, "user", "half \ud83d", "\ude00 pair \ud83d\ude00"), metadata=odd)
    data = held(turn).to_dict()
    json.dumps(data, allow_nan=False, ensure_ascii=False).encode()
    assert data["messages"][0]["message"] == "half \ufffd\ufffd pair \U0001f600"
    metadata = {"when": "2024-05-02T00:00:00Z", "set": [1], "7": None, "b": "YWI="}
    assert data["turns"][0]["metadata"] == metadata
    assert Conversation.from_dict(data).to_dict() == data


def test_what_was_written_shares_nothing_with_the_records() -> None:
    metadata = {"a": {"b": 1}}
    data = held(told(said(0, "user", "Hi", metadata=metadata)), metadata=metadata).to_dict()
    data["metadata"]["a"]["b"] = data["messages"][0]["metadata"]["a"]["b"] = 2
    assert metadata == {"a": {"b": 1}}


PLAIN: dict[str, Any] = {
    "id": "chat-7f3a",
    "messages": [
        {"role": "system", "message": "You answer.", "event_timestamp": "2024-05-02T09:00:00Z"},
        {"role": "user", "message": "A table for two.", "event_timestamp": "2024-05-02T09:00:01Z"},
        {"type": "tool", "name": "find_table", "thought": "Need slots.", "input": {"people": 2},
         "observation": "19:30", "event_timestamp": "2024-05-02T09:00:02Z"},
        {"role": "assistant", "message": "19:30?", "rating": 1},
        {"type": "event", "name": "Offered", "metadata": {"slots": "1"}},
        {"type": "message", "role": "user", "message": "Yes.", "rating": 0},
        {"role": "assistant", "message": "Done.", "event_timestamp": "2024-05-02T09:00:09Z",
         "id": "e_abc", "metadata": {"stage": "end"}, "rating": "negative", "sentiment": 0.1},
    ],
    "metadata": {"model": "gpt-4o-mini", "user_id": "u-17"},
    "feedback": "Quick.",
    "topics": [],
}  # fmt: skip


def test_a_plain_thread_is_grouped_into_turns() -> None:
    conversation = Conversation.from_dict(PLAIN)
    first, second = conversation.turns
    assert [m.role for m in first.messages] == ["system", "user", "assistant"]
    assert [m.text for m in second.messages] == ["Yes.", "Done."]
    assert (conversation.thread_id, conversation.id_source) == ("chat-7f3a", "application")
    assert (conversation.user_id, conversation.metadata) == ("u-17", PLAIN["metadata"])
    assert (first.started_ns, first.ended_ns) == (NINE, NINE + 2000 * MS)
    assert (conversation.created_ns, conversation.updated_ns) == (NINE, NINE + 9000 * MS)
    [feedback] = conversation.feedback
    assert (feedback.text, feedback.at_ns) == ("Quick.", NINE + 9000 * MS)


def test_a_plain_thread_keeps_tools_events_ratings_and_ids() -> None:
    first, second = Conversation.from_dict(PLAIN).turns
    [seen] = first.tool_observations
    assert (seen.name, seen.thought, seen.result) == ("find_table", "Need slots.", "19:30")
    assert (seen.arguments, seen.outcome) == ({"people": 2}, "ok")
    assert seen.started_ns == NINE + 2000 * MS
    [event] = first.events
    assert (event.name, event.metadata, event.at_ns) == ("Offered", {"slots": "1"}, seen.started_ns)
    assert [m.rating for m in (*first.messages, *second.messages)] == [None, None, 1, None, -1]
    assert (second.messages[1].id, second.messages[1].metadata) == ("e_abc", {"stage": "end"})
    assert second.messages[0].at_ns is None


def test_a_plain_thread_is_settled_once_it_was_written() -> None:
    written = Conversation.from_dict(PLAIN).to_dict()
    assert Conversation.from_dict(written).to_dict() == written
    assert Conversation.from_dict(PLAIN) == Conversation.from_dict(written)


def test_a_thread_without_an_id_gets_one_that_is_marked() -> None:
    data = {"messages": [{"role": "user", "message": "Hi"}]}
    one, other = Conversation.from_dict(data), Conversation.from_dict(data)
    assert one.id_source == other.id_source == "generated"
    assert one.thread_id != other.thread_id


def test_a_thread_without_messages_has_no_turns() -> None:
    assert Conversation.from_dict({"id": "c", "messages": []}).turns == ()


@pytest.mark.parametrize(
    "timestamp",
    [
        "2024-05-02T09:00:00Z",
        "2024-05-02T09:00:00.000Z",
        "2024-05-02T11:00:00+02:00",
        "2024-05-02T09:00:00",
        datetime(2024, 5, 2, 9, tzinfo=UTC),
        NINE // 10**9,
        NINE / 10**9,
        NINE // 10**6,
        NINE // 10**3,
        NINE,
    ],
    ids=str,
)
def test_a_timestamp_is_read_in_every_form_it_comes_in(timestamp: object) -> None:
    entry = {"role": "user", "message": "Hi", "event_timestamp": timestamp}
    [message] = Conversation.from_dict({"id": "c", "messages": [entry]}).messages
    assert message.at_ns == NINE


def chat(**fields: Any) -> dict[str, Any]:
    return {"messages": [PLAIN["messages"][0], {"role": "user", "message": "Hi", **fields}]}


def tool(**fields: Any) -> dict[str, Any]:
    return {"messages": [{"type": "tool", "name": "f", **fields}]}


@pytest.mark.parametrize(
    ("data", "argument"),
    [
        (None, "data"),
        ([], "data"),
        (MappingProxyType({}), "data"),
        ({}, "messages"),
        ({"messages": "Hi"}, "messages"),
        ({"messages": ["Hi"]}, "messages[0]"),
        ({"messages": [{"message": "Hi"}]}, "messages[0].role"),
        ({"messages": [{"type": "event"}]}, "messages[0].name"),
        ({"messages": [{"type": "tool"}]}, "messages[0].name"),
        (chat(role="robot"), "messages[1].role"),
        (chat(role=["user"]), "messages[1].role"),
        (chat(type="note"), "messages[1].type"),
        (chat(type=["tool"]), "messages[1].type"),
        (chat(message=None), "messages[1].message"),
        (chat(message=3), "messages[1].message"),
        (chat(metadata="x"), "messages[1].metadata"),
        (chat(id=3), "messages[1].id"),
        (chat(rating=2), "messages[1].rating"),
        (chat(rating=True), "messages[1].rating"),
        (chat(rating="good"), "messages[1].rating"),
        (chat(rating=[1]), "messages[1].rating"),
        (chat(rating_value="x"), "messages[1].rating_value"),
        (chat(rating_value=10**400), "messages[1].rating_value"),
        (chat(event_timestamp="yesterday"), "messages[1].event_timestamp"),
        (chat(event_timestamp=True), "messages[1].event_timestamp"),
        (chat(event_timestamp=10**30), "messages[1].event_timestamp"),
        (chat(event_timestamp={}), "messages[1].event_timestamp"),
        (chat(at_ns=1.5), "messages[1].at_ns"),
        (chat(parts="x"), "messages[1].parts"),
        (chat(parts=[{"type": "text", "content": 1}]), "messages[1].parts[0].content"),
        (chat(parts=[{"type": "smell"}]), "messages[1].parts[0].type"),
        (chat(kind="sung"), "messages[1].kind"),
        (tool(input=[1]), "messages[0].input"),
        (tool(observation={}), "messages[0].observation"),
        (tool(status="fine"), "messages[0].status"),
        (tool(answer=3), "messages[0].answer"),
        (tool(answer={"id": "m", "position": -1}), "messages[0].answer.position"),
        ({"messages": [], "id": 3}, "id"),
        ({"messages": [], "feedback": ["Hi"]}, "feedback"),
        ({"messages": [], "metadata": [1]}, "metadata"),
        ({"messages": [], "tags": ["a", 1]}, "tags[1]"),
        ({"messages": [], "ratings": [{"id": "r"}]}, "ratings[0].at_ns"),
        ({"messages": [], "feedback_records": [1]}, "feedback_records[0]"),
        ({"messages": [], "prelude": [{"role": "user"}]}, "prelude[0].message"),
        ({"messages": [], "turns": 3}, "turns"),
        ({"messages": [], "turns": [3]}, "turns[0]"),
        ({"messages": [], "turns": [{"id": "t"}]}, "turns[0].status"),
        ({**chat(turn_id="t-9"), "turns": []}, "messages[0].turn_id"),
        ({"messages": [], "metadata": {(1, 2): 3}}, "data"),
    ],
)
def test_what_cannot_be_read_is_refused_by_its_place(data: Any, argument: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        Conversation.from_dict(data)
    assert caught.value.argument == argument
    assert caught.value.allowed


def test_a_refusal_names_what_is_allowed() -> None:
    with pytest.raises(ArgumentError) as caught:
        Conversation.from_dict(chat(role="robot"))
    assert str(caught.value) == (
        "argument 'messages[1].role' is 'robot'; allowed: 'system', 'user', 'assistant', 'tool'"
    )
    head = {"id": "t", "status": "fine", "started_ns": 1}
    with pytest.raises(ArgumentError, match="'running', 'ok', 'error', 'stopped'"):
        Conversation.from_dict({"messages": [], "turns": [head]})
    with pytest.raises(ArgumentError, match="'text', 'reasoning', 'tool_call'"):
        Conversation.from_dict(chat(parts=[{"type": "smell"}]))


def test_a_refusal_repeats_nothing_that_was_said() -> None:
    with pytest.raises(ArgumentError) as caught:
        Conversation.from_dict({"messages": "my card is 4111"})
    assert "4111" not in str(caught.value)


def test_two_turns_of_one_id_are_refused() -> None:
    with pytest.raises(ArgumentError, match="the same id twice"):
        Conversation.from_dict(held(told(), told()).to_dict())


def test_what_goes_too_deep_is_refused() -> None:
    deep: dict[str, Any] = {}
    for _ in range(10_000):
        deep = {"a": deep}
    with pytest.raises(ArgumentError, match="too deep"):
        Conversation.from_dict({"messages": [], "metadata": deep})


def test_records_that_hold_what_they_must_not_are_refused() -> None:
    with pytest.raises(ArgumentError) as caught:
        Conversation(thread_id="c", tags="beta").to_dict()
    assert caught.value.argument == "conversation.tags"
