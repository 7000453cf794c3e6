"""A span as OpenTelemetry knows it, before it is encoded; ids that follow from ours."""

from __future__ import annotations

import uuid
from hashlib import blake2b
from typing import Any, Final, Literal

import msgspec

SpanKind = Literal["internal", "client"]

_SPAN_ID_BYTES: Final = 8
_TRACE_ID_BYTES: Final = 16


class WireEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A named moment within a span."""

    name: str
    at_ns: int
    attributes: dict[str, Any] = {}


class WireSpan(msgspec.Struct, frozen=True, kw_only=True):
    """One span; attributes are texts, numbers, truth values, or lists of texts.

    `links` are other spans that it has to do with: of each the trace and the span.
    """

    trace_id: bytes
    span_id: bytes
    parent_id: bytes = b""
    name: str
    kind: SpanKind = "internal"
    started_ns: int
    ended_ns: int
    attributes: dict[str, Any] = {}
    events: tuple[WireEvent, ...] = ()
    links: tuple[tuple[bytes, bytes], ...] = ()
    is_error: bool = False
    error: str = ""


def trace_id_of(turn_id: str) -> bytes:
    """Return the trace of a turn: its id where that is a UUID, else what follows from it.

    Example:
        >>> trace_id_of("0192f0c1-7b1e-7cc3-98c4-dc0c0c07398f").hex()
        '0192f0c17b1e7cc398c4dc0c0c07398f'
    """
    try:
        found = uuid.UUID(turn_id).bytes
    except ValueError:
        return _digest(turn_id, _TRACE_ID_BYTES)
    return found if any(found) else _digest(turn_id, _TRACE_ID_BYTES)


def span_id_of(ident: str) -> bytes:
    """Return the eight bytes that stand for a span, the same on every machine and in every try."""
    return _digest(ident, _SPAN_ID_BYTES)


def _digest(text: str, size: int) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=size).digest()
