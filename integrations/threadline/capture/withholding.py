"""Recording without content: who spoke, when, how long, what it cost, and not a word of it."""

from __future__ import annotations

from typing import Any

import msgspec

from threadline.capture.events import (
    CaptureEvent,
    Detail,
    DocumentRef,
    Noted,
    SpanEnded,
    SpanStarted,
    TurnClosed,
    TurnLogged,
)
from threadline.model.feedback import Feedback
from threadline.model.message import Body
from threadline.model.parts import GenericPart, Part, TextPart, ToolCallPart, ToolCallResponsePart


def withheld_body(body: Body, *, sizes: bool) -> Body:
    """Return `body` with its content taken out; tool names and call ids stay."""
    return Body(body.role, tuple(_withheld(part, sizes=sizes) for part in body.parts), body.name)


def withheld_event(event: CaptureEvent) -> CaptureEvent:
    """Return `event` without content; times, names, ids, metadata, usage and outcomes stay."""
    if isinstance(event, SpanStarted | SpanEnded) and event.detail is not None:
        event = msgspec.structs.replace(event, detail=_withheld_detail(event.detail))
    if isinstance(event, TurnLogged):
        event = msgspec.structs.replace(event, tools=tuple(map(withheld_event, event.tools)))
    if isinstance(event, SpanEnded | TurnClosed | TurnLogged) and event.failure is not None:
        event = msgspec.structs.replace(event, failure=(event.failure[0], ""))
    if isinstance(event, Noted) and isinstance(event.note, Feedback):
        event = Noted(msgspec.structs.replace(event.note, text=""), event.ships)
    return event


def _withheld_detail(detail: Detail) -> Detail:
    documents = tuple(DocumentRef(d.digest, d.id, d.score) for d in detail.documents)
    return msgspec.structs.replace(
        detail,
        arguments=None,
        result=None,
        query=None,
        documents=documents,
        attributes=None,
        prompt=None,
    )


def _withheld(part: Part, *, sizes: bool) -> Part:
    if isinstance(part, ToolCallPart):
        return ToolCallPart(part.name, None, part.id)
    if isinstance(part, ToolCallResponsePart):
        return ToolCallResponsePart(None, part.id, part.error)
    kind = str(part.__struct_config__.tag)
    value: dict[str, Any] = {"type": kind}
    if sizes:
        value["size"] = len(part.content) if isinstance(part, TextPart) else len(repr(part))
    return GenericPart("withheld", value)
