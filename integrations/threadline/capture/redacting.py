"""Applies redaction to events and bodies: every text in them, ids as keyed hashes.

It fails closed: where redaction itself fails, the content is replaced, never passed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from threadline.capture.events import (
    CaptureEvent,
    Detail,
    DocumentRef,
    FirstChunk,
    HeardSoFar,
    Identity,
    Noted,
    Ref,
    SpanEnded,
    SpanStarted,
    TurnClosed,
    TurnLogged,
    TurnOpened,
    Updated,
)
from threadline.model.feedback import Event, Feedback, Rating
from threadline.model.message import Body
from threadline.model.parts import Part, TextPart

if TYPE_CHECKING:
    from threadline.capture.redaction import Redactor

_FAILED = "[redaction failed]"


def redact_body(body: Body, redactor: Redactor) -> Body:
    """Return `body` with every text redacted; only its role is not content."""
    try:
        parts = tuple(_redact_part(part, redactor) for part in body.parts)
        name = None if body.name is None else redactor.text(body.name)
    except Exception:  # noqa: BLE001 (fails closed)
        return Body(body.role, (TextPart(_FAILED),))
    return Body(body.role, parts, name)


def redact_event(event: CaptureEvent, redactor: Redactor) -> CaptureEvent:
    """Return `event` with every text redacted and every id that a rule matches as a keyed hash."""
    if isinstance(event, FirstChunk | HeardSoFar | TurnClosed):
        return _with_failure(event, redactor)
    if isinstance(event, Noted):
        return msgspec.structs.replace(event, note=_redact_note(event.note, redactor))
    if isinstance(event, Updated):
        return _redact_updated(event, redactor)
    if isinstance(event, TurnOpened):
        return msgspec.structs.replace(event, identity=_redact_identity(event.identity, redactor))
    if isinstance(event, TurnLogged):
        return _redact_logged(event, redactor)
    return _redact_span(event, redactor)


def _redact_logged(event: TurnLogged, redactor: Redactor) -> TurnLogged:
    return msgspec.structs.replace(
        _with_failure(event, redactor),
        identity=_redact_identity(event.identity, redactor),
        said=tuple(
            msgspec.structs.replace(said, framework_id=_id(said.framework_id, redactor))
            for said in event.said
        ),
        prelude=_redact_refs(event.prelude, redactor) or (),
        tools=_redact_before(event.tools, redactor),
    )


def _redact_span(event: SpanStarted | SpanEnded, redactor: Redactor) -> CaptureEvent:
    detail = None if event.detail is None else _redact_detail(event.detail, redactor)
    messages = _redact_refs(event.messages, redactor)
    if isinstance(event, SpanEnded):
        return msgspec.structs.replace(
            _with_failure(event, redactor),
            detail=detail,
            messages=messages,
            late_messages=_redact_refs(event.late_messages, redactor),
            asked=_redact_refs(event.asked, redactor) or (),
            before=_redact_before(event.before, redactor),
        )
    return msgspec.structs.replace(
        event,
        detail=detail,
        messages=messages,
        name=redactor.text(event.name),
        identity=None if event.identity is None else _redact_identity(event.identity, redactor),
        before=_redact_before(event.before, redactor),
    )


def _redact_before(
    before: tuple[SpanStarted | SpanEnded, ...], redactor: Redactor
) -> tuple[CaptureEvent, ...]:
    return tuple(_redact_span(event, redactor) for event in before)


def _with_failure(event: Any, redactor: Redactor) -> Any:
    failure = getattr(event, "failure", None)
    if failure is None:
        return event
    return msgspec.structs.replace(event, failure=tuple(map(redactor.text, failure)))


def _redact_identity(identity: Identity, redactor: Redactor) -> Identity:
    return msgspec.structs.replace(
        identity,
        thread_id=_id(identity.thread_id, redactor),
        user_id=_id(identity.user_id, redactor),
        scope_thread_id=_id(identity.scope_thread_id, redactor),
        scope_user_id=_id(identity.scope_user_id, redactor),
        default_thread_id=_id(identity.default_thread_id, redactor),
        default_user_id=_id(identity.default_user_id, redactor),
        turn_id=_id(identity.turn_id, redactor),
        name=_text(identity.name, redactor),
        tags=tuple(redactor.text(tag) for tag in identity.tags),
        metadata=_json(identity.metadata, redactor),
        conversation_tags=tuple(redactor.text(tag) for tag in identity.conversation_tags),
        conversation_metadata=_json(identity.conversation_metadata, redactor),
    )


def _redact_detail(detail: Detail, redactor: Redactor) -> Detail:
    documents = tuple(
        DocumentRef(d.digest, _id(d.id, redactor), d.score, _json(d.metadata, redactor))
        for d in detail.documents
    )
    return msgspec.structs.replace(
        detail,
        model=_text(detail.model, redactor),
        provider=_text(detail.provider, redactor),
        call_id=_id(detail.call_id, redactor),
        arguments=_json(detail.arguments, redactor),
        result=_json(detail.result, redactor),
        query=_text(detail.query, redactor),
        documents=documents,
        attributes=_json(detail.attributes, redactor),
    )


def _redact_updated(event: Updated, redactor: Redactor) -> Updated:
    return msgspec.structs.replace(
        event,
        thread_id=redactor.identifier(event.thread_id),
        metadata=_json(event.metadata, redactor),
        tags=tuple(redactor.text(tag) for tag in event.tags),
        title=_text(event.title, redactor),
        user_id=_id(event.user_id, redactor),
    )


def _redact_note(note: Rating | Feedback | Event, redactor: Redactor) -> Rating | Feedback | Event:
    common = {
        "thread_id": _id(note.thread_id, redactor),
        "turn_id": _id(note.turn_id, redactor),
    }
    if isinstance(note, Event):
        return msgspec.structs.replace(
            note, name=redactor.text(note.name), metadata=redactor.value(note.metadata), **common
        )
    if isinstance(note, Feedback):
        user_id = _id(note.user_id, redactor)
        return msgspec.structs.replace(
            note, text=redactor.text(note.text), user_id=user_id, **common
        )
    return msgspec.structs.replace(
        note,
        name=redactor.text(note.name),
        label=_text(note.label, redactor),
        comment=_text(note.comment, redactor),
        user_id=_id(note.user_id, redactor),
        **common,
    )


def _redact_part(part: Part, redactor: Redactor) -> Part:
    fields: dict[str, Any] = {}
    for name in part.__struct_fields__:
        value = getattr(part, name)
        if name in {"id", "file_id"}:
            fields[name] = _id(value, redactor)
        else:
            fields[name] = redactor.value(value)
    return type(part)(**fields)


def _redact_refs(refs: tuple[Ref, ...] | None, redactor: Redactor) -> tuple[Ref, ...] | None:
    if refs is None:
        return None
    return tuple((digest, _id(framework_id, redactor)) for digest, framework_id in refs)


def _id(text: str | None, redactor: Redactor) -> str | None:
    return None if text is None else redactor.identifier(text)


def _text(text: str | None, redactor: Redactor) -> str | None:
    return None if text is None else redactor.text(text)


def _json(data: bytes | None, redactor: Redactor) -> bytes | None:
    if data is None:
        return None
    return msgspec.json.encode(redactor.value(msgspec.json.decode(data)))
