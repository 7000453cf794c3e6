"""Ratings, feedback and events as Freeplay has them: feedback, session metadata, traces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from threadline.ingest.freeplay_request import FreeplayRequest
from threadline.ingest.freeplay_tree import SpanTree
from threadline.ingest.freeplay_turn import metadata_request
from threadline.ingest.freeplay_values import flat, iso
from threadline.model.feedback import Event, Rating

if TYPE_CHECKING:
    from threadline.ingest.freeplay_ids import FreeplayIds
    from threadline.model.feedback import Feedback
    from threadline.model.turn import Turn
    from threadline.store.outbox_records import ConversationFacts

_PLAIN: Final = "rating"
_THUMBS: Final = {1.0: "positive", -1.0: "negative"}


def note_requests(
    note: Rating | Feedback | Event,
    conversation: ConversationFacts | None,
    about: Turn | None,
    ids: FreeplayIds,
) -> list[FreeplayRequest]:
    """Return requests of which one is to be taken: the first that Freeplay knows the object of.

    Where this store holds what the note is about, there is only one; else what the ids tell is
    tried: a span may be a completion there, or a trace. None is possible where no id leads on.

    Args:
        note: What was said.
        conversation: What its conversation says of itself, where this store holds it.
        about: The turn that it is about, where this store holds it and the note names more.
        ids: Give the ids there.
    """
    if isinstance(note, Event):
        session = _session(note.thread_id, conversation, ids)
        return [] if session is None else [_event(note, session, ids)]
    if note.turn_id is not None:
        body = _judged(note) if isinstance(note, Rating) else _said(note)
        return [_feedback_request(*target, flat(body)) for target in _targets(note, about, ids)]
    session = _session(note.thread_id, conversation, ids)
    return [] if session is None else [metadata_request(session, _of_session(note))]


def _targets(
    note: Rating | Feedback, about: Turn | None, ids: FreeplayIds
) -> list[tuple[str, str]]:
    """Return the kind and the id of what a note may be about."""
    turn = ("trace", ids.turn(note.turn_id or ""))
    span_id = note.span_id if isinstance(note, Rating) else None
    if not isinstance(note, Rating) or (span_id is None and note.message_id is None):
        return [turn]
    if about is not None:
        found = SpanTree(about, ids).standing_for(span_id or _speaker(about, note.message_id))
        kind = "completion" if found is not None and found.kind == "llm" else "trace"
        return [turn if found is None else (kind, ids.span(found.id))]
    if span_id is None:
        return [turn]
    ident = ids.span(span_id)
    return [("completion", ident), ("trace", ident), turn]


def _speaker(turn: Turn, message_id: str | None) -> str | None:
    """Return the model call that said a message."""
    for span in reversed(turn.llm_calls):
        if any(message.id == message_id for message in span.output_messages):
            return span.id
    return None


def _feedback_request(kind: str, ident: str, body: dict[str, Any]) -> FreeplayRequest:
    return FreeplayRequest(
        path=f"/{kind}-feedback/id/{ident}", body=body, what=f"feedback on a {kind}", refers=True
    )


def _judged(rating: Rating) -> dict[str, Any]:
    """Return thumbs as Freeplay's own, everything else under its name."""
    thumb = _THUMBS.get(rating.value or 0) if rating.name == _PLAIN else None
    beside = "" if rating.name == _PLAIN else f"{rating.name}_"
    return {
        "freeplay_feedback": thumb,
        rating.name: None if thumb else _value(rating),
        f"{beside}comment": rating.comment,
        f"{beside}source": rating.source,
        "user_id": rating.user_id,
        "message_id": rating.message_id,
    }


def _said(feedback: Feedback) -> dict[str, Any]:
    return {"feedback": feedback.text, "user_id": feedback.user_id}


def _of_session(note: Rating | Feedback) -> dict[str, Any]:
    """Return what goes to a session's metadata: there is no feedback on a session as such."""
    if isinstance(note, Rating):
        told = _judged(note) | {"freeplay_feedback": None, note.name: _value(note)}
        return {f"feedback_{name}": value for name, value in flat(told).items()}
    return flat({"feedback": note.text, "feedback_user_id": note.user_id})


def _value(rating: Rating) -> float | str | None:
    return rating.label if rating.value is None else rating.value


def _event(event: Event, session: str, ids: FreeplayIds) -> FreeplayRequest:
    body: dict[str, Any] = {
        "name": event.name,
        "input": event.metadata,
        "output": "",
        "start_time": iso(event.at_ns),
        "end_time": iso(event.at_ns),
    }
    if event.turn_id is not None:
        body["parent_id"] = ids.turn(event.turn_id)
    path = f"/sessions/{session}/traces/id/{ids.event(event.id)}"
    return FreeplayRequest(path=path, body=body, what=f"event {event.name!r}")


def _session(
    thread_id: str | None, conversation: ConversationFacts | None, ids: FreeplayIds
) -> str | None:
    if conversation is not None:
        return ids.session(conversation.thread_id, conversation.tenant)
    return None if thread_id is None else ids.session(thread_id)
