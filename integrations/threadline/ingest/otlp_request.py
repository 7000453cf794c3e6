"""A turn's spans beside the request that they belong to: linked to it, or part of its trace."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from msgspec.structs import replace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from threadline.ingest.wire_span import WireSpan

RequestSpan = Literal["link", "parent", "none"]

REQUEST_SPANS: Final = ("link", "parent", "none")
_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")


class Request(NamedTuple):
    """The span that a turn began in."""

    trace_id: bytes
    span_id: bytes


def request_of(traceparent: str | None) -> Request | None:
    """Read a W3C `traceparent`; None where there is none.

    Example:
        >>> request_of("00-" + "0a" * 16 + "-" + "0b" * 8 + "-01").span_id.hex()
        '0b0b0b0b0b0b0b0b'
    """
    found = _TRACEPARENT.fullmatch(traceparent or "")
    return None if found is None else Request(bytes.fromhex(found[1]), bytes.fromhex(found[2]))


def beside(spans: Sequence[WireSpan], request: Request) -> list[WireSpan]:
    """Link the outermost span of a turn to its request."""
    return [
        span if span.parent_id else replace(span, links=((request.trace_id, request.span_id),))
        for span in spans
    ]


def beneath(spans: Sequence[WireSpan], request: Request) -> list[WireSpan]:
    """Make a turn's spans part of the request's trace."""
    return [
        replace(span, trace_id=request.trace_id, parent_id=span.parent_id or request.span_id)
        for span in spans
    ]
