"""Whatever a record holds, writing and reading it changes nothing."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.properties import strategies as given_a

from threadline.errors import ArgumentError
from threadline.model import RECORD_SCHEMA, Conversation, Record, Turn, decode, encode
from threadline.model.contextai import conversation_from_dict, conversation_to_dict

RECORD_TYPES = {
    "conversation": given_a.conversations(),
    "turn": given_a.turns(),
    "message": given_a.messages,
    "tool_observation": given_a.tool_observations,
    "retrieval": given_a.retrievals,
    "span": given_a.spans,
    "rating": given_a.ratings,
    "feedback": given_a.feedback,
    "event": given_a.events,
}


def test_every_record_type_is_tried() -> None:
    tags = {kind.__struct_config__.tag for kind in Record.__args__}
    assert set(RECORD_TYPES) == tags


@pytest.mark.parametrize("name", RECORD_TYPES)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_a_record_comes_back_as_it_was(name: str, data: st.DataObject) -> None:
    record = data.draw(RECORD_TYPES[name])
    assert decode(encode(record)) == record
    assert encode(decode(encode(record))) == encode(record)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60))
def test_junk_is_refused_in_our_own_words(junk: bytes) -> None:
    with pytest.raises(ArgumentError):
        decode(junk)


@settings(max_examples=60, deadline=None)
@given(record=given_a.messages, data=st.data())
def test_a_damaged_record_is_read_or_refused(record: Any, data: st.DataObject) -> None:
    written = bytearray(encode(record))
    for _ in range(data.draw(st.integers(1, 3))):
        written[data.draw(st.integers(0, len(written) - 1))] = data.draw(st.integers(0, 255))
    with suppress(ArgumentError):
        decode(bytes(written))


@settings(max_examples=30, deadline=None)
@given(schema=st.integers(RECORD_SCHEMA + 1, 10**6), record=given_a.json_values)
def test_a_newer_schema_is_told_whatever_it_holds(schema: int, record: Any) -> None:
    with pytest.raises(ArgumentError) as caught:
        decode(msgspec.json.encode([schema, record]))
    assert (caught.value.argument, caught.value.value) == ("schema", schema)
    assert "upgrade" in str(caught.value)


@settings(max_examples=40, deadline=None)
@given(given_a.conversations())
def test_a_conversation_survives_the_context_ai_shape(conversation: Conversation) -> None:
    """Everything but the spans comes back, by way of any JSON encoder."""
    written = conversation_to_dict(conversation)
    read = conversation_from_dict(json.loads(json.dumps(written, allow_nan=False)))
    assert read == without_spans(conversation)
    assert conversation_to_dict(read) == written


@settings(max_examples=25, deadline=None)
@given(conversation=given_a.conversations(), data=st.data())
def test_the_shape_is_a_fixed_point_for_loose_ends_too(
    conversation: Conversation, data: st.DataObject
) -> None:
    """Observations in any order, of unknown calls; broken text: once written, it is settled."""
    loose = replace(
        conversation,
        title=data.draw(given_a.wild_texts),
        turns=tuple(loosened(turn, data) for turn in conversation.turns),
        events=tuple(
            replace(event, turn_id=data.draw(st.none() | st.sampled_from(["turn-0", "turn-9"])))
            for event in conversation.events
        ),
    )
    written = conversation_to_dict(loose)
    json.dumps(written, ensure_ascii=False, allow_nan=False).encode()
    read = conversation_from_dict(json.loads(json.dumps(written)))
    assert conversation_to_dict(read) == written
    assert said(read) == said(conversation_from_dict(written))


@settings(max_examples=40, deadline=None)
@given(data=st.data(), conversation=given_a.conversations())
def test_what_is_damaged_is_read_or_refused(data: st.DataObject, conversation: Any) -> None:
    """Any value in place of any other: an ArgumentError, never another one."""
    written = conversation_to_dict(conversation)
    holder, key = data.draw(st.sampled_from(list(places(written))))
    holder[key] = data.draw(given_a.json_values)
    with suppress(ArgumentError):
        conversation_to_dict(conversation_from_dict(written))


def without_spans(conversation: Conversation) -> Conversation:
    turns = tuple(replace(turn, spans=()) for turn in conversation.turns)
    return replace(conversation, turns=turns)


def loosened(turn: Turn, data: st.DataObject) -> Turn:
    more = data.draw(st.lists(given_a.tool_observations, max_size=3))
    observations = data.draw(st.permutations([*turn.tool_observations, *more]))
    messages = [replace(m, name=data.draw(given_a.wild_texts), turn_id=None) for m in turn.messages]
    return replace(turn, tool_observations=tuple(observations), messages=tuple(messages))


def said(conversation: Conversation) -> list[tuple[str, str, str]]:
    return [(message.id, message.role, message.text) for message in conversation.messages]


def places(value: Any) -> Any:
    """Every place in a JSON value where something else could stand."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items:
        yield value, key
        if isinstance(item, dict | list):
            yield from places(item)
