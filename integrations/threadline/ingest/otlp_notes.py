"""Ratings, feedback and events as spans: they come after the trace that they are about was sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from threadline.ingest.gen_ai import (
    conversation_attributes,
    metadata_attributes,
    turn_span_id,
    wire_id,
)
from threadline.ingest.wire_span import WireEvent, WireSpan, span_id_of, trace_id_of
from threadline.model.feedback import Feedback, Rating

if TYPE_CHECKING:
    from threadline.ingest.destination import ConversationFacts
    from threadline.model.feedback import Event


def span_of_note(
    note: Rating | Feedback | Event, conversation: ConversationFacts | None
) -> WireSpan:
    """Return a span without length in the trace of what it is about, or in one of its own."""
    name, event, attributes = _told(note)
    return WireSpan(
        trace_id=trace_id_of(note.turn_id or note.id),
        span_id=span_id_of(note.id),
        parent_id=_parent(note),
        name=name,
        started_ns=note.at_ns,
        ended_ns=note.at_ns,
        attributes=conversation_attributes(conversation) | {"threadline.note.id": note.id},
        events=(
            WireEvent(
                name=event,
                at_ns=note.at_ns,
                attributes={k: v for k, v in attributes.items() if v is not None},
            ),
        ),
    )


def _parent(note: Rating | Feedback | Event) -> bytes:
    if isinstance(note, Rating) and note.span_id is not None:
        return wire_id(note.span_id, note.turn_id or "")
    return b"" if note.turn_id is None else turn_span_id(note.turn_id)


def _told(note: Rating | Feedback | Event) -> tuple[str, str, dict[str, Any]]:
    """Return the name of the span, and the name and the attributes of its event."""
    if isinstance(note, Rating):
        told: dict[str, Any] = {
            "gen_ai.evaluation.name": note.name,
            "gen_ai.evaluation.score.value": note.value,
            "gen_ai.evaluation.score.label": note.label,
            "gen_ai.evaluation.explanation": note.comment,
            "threadline.evaluation.source": note.source,
            "threadline.evaluation.message_id": note.message_id,
            "user.id": note.user_id,
        }
        return f"evaluation {note.name}", "gen_ai.evaluation.result", told
    if isinstance(note, Feedback):
        told = {"threadline.feedback.text": note.text, "user.id": note.user_id}
        return "feedback", "threadline.feedback", told
    return f"event {note.name}", note.name, metadata_attributes(note.metadata)
