"""Records as lines of JSON: each message once, and inputs of model calls as lists of their ids."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from threadline.model.codec import RECORD_SCHEMA
from threadline.model.turn import Turn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from threadline.ingest.destination import Item
    from threadline.model.message import Message
    from threadline.model.span import Span


def line_of(item: Item) -> bytes:
    """Return the line of one item, without its end. It begins with the id, so that it is found.

    A turn's `messages` are what was said; `context` holds what only models saw and what was said
    before Threadline was listening. The ids in `input` and `output` of a span name messages of
    this line or of earlier ones of the same conversation.
    """
    record = item.record
    line = {
        "id": item.id,
        "kind": item.kind,
        "schema": RECORD_SCHEMA,
        "conversation": item.conversation,
        "record": _turn(record) if isinstance(record, Turn) else record,
    }
    return msgspec.json.encode(line)


def start_of(kind: str, ident: str) -> bytes:
    """Return how the line of this record begins."""
    return msgspec.json.encode({"id": ident, "kind": kind})[:-1] + b","


def _turn(turn: Turn) -> dict[str, Any]:
    said = {message.id for message in turn.messages}
    context: dict[str, Message] = {}
    for message in _seen_by_models(turn):
        if message.turn_id == turn.id and message.id not in said:
            context[message.id] = message
    fields = _given(turn)
    fields["spans"] = [_span(span) for span in turn.spans]
    if context:
        fields["context"] = list(context.values())
    return fields


def _seen_by_models(turn: Turn) -> Iterator[Message]:
    for span in turn.spans:
        yield from span.input_messages
        yield from span.output_messages


def _span(span: Span) -> dict[str, Any]:
    fields = _given(span)
    for theirs, ours in (("input_messages", "input"), ("output_messages", "output")):
        messages: tuple[Message, ...] = fields.pop(theirs, ())
        if messages:
            fields[ours] = [message.id for message in messages]
    return fields


def _given(record: Turn | Span) -> dict[str, Any]:
    """Return the fields of a record that are not at their defaults."""
    struct = type(record)
    defaults = dict(
        zip(reversed(struct.__struct_fields__), reversed(struct.__struct_defaults__), strict=False)
    )
    fields = {"record": struct.__struct_config__.tag}
    for name in struct.__struct_fields__:
        value = getattr(record, name)
        if name not in defaults or value not in (defaults[name], (), {}, None):
            fields[name] = value
    return fields
