"""Conversations in the Context.ai shape: the public pair, and the writing half."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec.structs import replace

from threadline.model.contextai_order import happened_ns, places_of, told_by_time
from threadline.model.contextai_reading import conversation_from_dict
from threadline.model.contextai_values import (
    Fields,
    fields_of,
    observed_text,
    parts_from_text,
    plain,
    record_from,
    response_to,
    timed,
)
from threadline.model.conversation import Conversation
from threadline.model.message import Message

if TYPE_CHECKING:
    from threadline.model.feedback import Event
    from threadline.model.turn import ToolObservation, Turn

__all__ = ["conversation_from_dict", "conversation_to_dict"]

_THUMBS: Final = {-1.0: -1, 1.0: 1}


def conversation_to_dict(conversation: Conversation) -> dict[str, Any]:
    """Write a conversation in the Context.ai shape, with our own keys beside.

    `messages` holds, in the order in which things were said, chat entries (`role`, `message`,
    `event_timestamp`, `rating`, `metadata`), tool entries and event entries. A tool observation
    stands after the message that asked for it, in call order, and carries the tool's message to
    the model as its `answer`. Our own keys are left out where they would say nothing new; `turns`
    is always there, and tells `conversation_from_dict` that it reads what was written here.

    `rating` is 1 or -1 for thumbs and 0 for anything else; any other rating than thumbs, a given
    0 among them, is in `rating_value`. Turns that are no part of the transcript are kept with
    messages of their own under `turns`. Spans are not written: they are the trace, and have no
    place in this shape.

    Returns:
        Plain JSON values that any encoder takes: bytes as base64, what is no valid text (a lone
        surrogate) as U+FFFD, numbers that JSON lacks (NaN) as None.

    Raises:
        ArgumentError: if a record of the conversation holds what its type does not allow.
    """
    told = _settled(conversation)
    turns = [turn for turn in told.turns if turn.kind == "turn"]
    entries = [entry for turn in turns for entry in _turn_entries(turn)]
    return {
        "id": told.thread_id,
        "messages": [entry for _, entry in _with_events(entries, told.events)],
        "metadata": told.metadata,
        **_feedback(told),
        **_own_fields(told),
        "turns": [_header(turn, told.thread_id) for turn in told.turns],
    }


_Timed = tuple[int | None, Fields]


def _settled(conversation: Conversation) -> Conversation:
    """Copy in plain values, with every event in its turn and every record naming its own."""
    spanless = tuple(replace(turn, spans=()) for turn in conversation.turns)
    values = plain(replace(conversation, turns=spanless), "conversation")
    copy = record_from(values, Conversation, "conversation")
    known = {turn.id for turn in copy.turns}
    return replace(
        copy,
        prelude=tuple(replace(message, kind="prelude") for message in copy.prelude),
        turns=tuple(_settled_turn(turn, copy.events) for turn in copy.turns),
        events=tuple(event for event in copy.events if event.turn_id not in known),
    )


def _settled_turn(turn: Turn, events: tuple[Event, ...]) -> Turn:
    held = {event.id for event in turn.events}
    more = tuple(e for e in events if e.turn_id == turn.id and e.id not in held)
    return replace(
        turn,
        messages=tuple(replace(message, turn_id=turn.id) for message in turn.messages),
        tool_observations=tuple(replace(o, turn_id=turn.id) for o in turn.tool_observations),
        events=tuple(replace(event, turn_id=turn.id) for event in turn.events + more),
    )


def _own_fields(conversation: Conversation) -> Fields:
    bare = replace(conversation, turns=(), events=(), feedback=(), prelude=(), metadata={})
    fields = fields_of(bare)
    del fields["thread_id"]
    if conversation.prelude:
        fields["prelude"] = [_chat_entry(message) for message in conversation.prelude]
    return fields


def _feedback(conversation: Conversation) -> Fields:
    everyone = [*conversation.feedback, *(f for turn in conversation.turns for f in turn.feedback)]
    fields: Fields = {"feedback": "\n".join(f.text for f in everyone)} if everyone else {}
    if conversation.feedback:
        fields["feedback_records"] = [fields_of(feedback) for feedback in conversation.feedback]
    return fields


def _header(turn: Turn, thread_id: str) -> Fields:
    header = fields_of(replace(turn, messages=(), tool_observations=(), events=()))
    if turn.thread_id == thread_id:
        del header["thread_id"]
    if turn.kind != "turn":
        header["messages"] = [entry for _, entry in _turn_entries(turn)]
    return header


def _turn_entries(turn: Turn) -> list[_Timed]:
    entries: list[_Timed] = []
    for place in places_of(turn):
        if isinstance(place.told, Message):
            entries.append((place.told.at_ns, _chat_entry(place.told)))
        else:
            answer = _answer(place.told, place.answer, place.position)
            entries.append((happened_ns(place.told), _tool_entry(place.told) | answer))
    return _with_events(entries, turn.events)


def _with_events(entries: list[_Timed], events: tuple[Event, ...]) -> list[_Timed]:
    return told_by_time(entries, [(event.at_ns, _event_entry(event)) for event in events])


def _chat_entry(message: Message) -> Fields:
    own = fields_of(replace(message, parts=(), at_ns=None, rating=None, metadata={}))
    del own["role"]
    rating = message.rating
    if rating is not None and rating not in _THUMBS:
        own["rating_value"] = rating
    if message.parts != parts_from_text(message.text):
        own["parts"] = msgspec.to_builtins(message.parts)
    return {
        "role": message.role,
        "message": message.text,
        **timed(message.at_ns),
        "rating": 0 if rating is None else _THUMBS.get(rating, 0),
        "metadata": message.metadata,
        **own,
    }


def _tool_entry(observation: ToolObservation) -> Fields:
    own = fields_of(replace(observation, arguments=None, result=None, thought=None))
    own["status"] = own.pop("outcome")
    text = observed_text(observation)
    if observation.result != text:
        own["result"] = observation.result
    when = timed(happened_ns(observation))
    when.pop("at_ns", None)  # exact times are among our own keys
    return {
        "type": "tool",
        "name": own.pop("name"),
        **({} if observation.thought is None else {"thought": observation.thought}),
        **_arguments(observation.arguments),
        "observation": text,
        **when,
        **own,
    }


def _arguments(arguments: object) -> Fields:
    """Context.ai takes an object as input only; what a tool was given may be anything."""
    if arguments is None:
        return {}
    if isinstance(arguments, dict):
        return {"input": arguments}
    return {"input": {"input": arguments}, "arguments": arguments}


def _answer(observation: ToolObservation, message: Message | None, position: int | None) -> Fields:
    """Keep of the tool's message what the observation does not tell already."""
    if message is None:
        return {}
    answer = _chat_entry(message)
    for told in ("role", "message", "turn_id", "parts"):
        answer.pop(told, None)
    if message.parts != (response_to(observation),):
        answer["parts"] = msgspec.to_builtins(message.parts)
    if not message.metadata:
        del answer["metadata"]
    if not answer["rating"]:
        del answer["rating"]
    return {"answer": answer if position is None else {**answer, "position": position}}


def _event_entry(event: Event) -> Fields:
    own = fields_of(event)
    del own["at_ns"]
    own.pop("metadata", None)
    return {
        "type": "event",
        "name": own.pop("name"),
        "metadata": event.metadata,
        **timed(event.at_ns),
        **own,
    }
