"""Records as bytes and back, with the version of the schema they were written in."""

from __future__ import annotations

from typing import Final

import msgspec

from threadline.errors import ArgumentError
from threadline.model.conversation import Conversation
from threadline.model.feedback import Event, Feedback, Rating
from threadline.model.message import Message
from threadline.model.span import Span
from threadline.model.turn import Retrieval, ToolObservation, Turn

RECORD_SCHEMA: Final = 1

Record = (
    Conversation | Turn | Message | ToolObservation | Retrieval | Span | Rating | Event | Feedback
)


class _Envelope(msgspec.Struct, array_like=True):
    schema: int
    record: msgspec.Raw


_encoder: Final = msgspec.json.Encoder(order="deterministic")
_envelope_decoder: Final = msgspec.json.Decoder(_Envelope)
_record_decoder: Final = msgspec.json.Decoder(Record)


def encode(record: Record) -> bytes:
    """Write one record as JSON bytes, with its schema version.

    Example:
        >>> decode(encode(Event(id="e", at_ns=1, name="Checkout"))).name
        'Checkout'
    """
    return _encoder.encode(_Envelope(RECORD_SCHEMA, msgspec.Raw(_encoder.encode(record))))


def decode(data: bytes) -> Record:
    """Read one record that `encode` wrote.

    Raises:
        ArgumentError: if `data` is not such a record, or is of a newer schema.
    """
    try:
        envelope = _envelope_decoder.decode(data)
        if envelope.schema > RECORD_SCHEMA:
            allowed = f"up to {RECORD_SCHEMA}; upgrade threadline to read it"
            raise ArgumentError(argument="schema", value=envelope.schema, allowed=allowed)
        return _record_decoder.decode(envelope.record)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ArgumentError(
            argument="data", value=f"{len(data)} bytes", allowed="a record written by encode"
        ) from error
