"""What adapters say happened, free of any framework: the events that go into the journal.

Written as msgpack arrays, one per event. A message body stands beside its event, as JSON, once per
journal file, and is referred to by its digest everywhere. The store learns of nothing else, so
that what a journal replays after a crash takes exactly the way of what happens live. Free values
(arguments, results, metadata) are JSON inside the event: nothing is kept by reference.
"""

from __future__ import annotations

from typing import Final

import msgspec

from threadline.model.feedback import Event, Feedback, Rating
from threadline.model.message import Body
from threadline.model.span import Usage

Ref = tuple[bytes, str | None]
"""A message at a place: the digest of its body, and the id the framework gave it there."""

Json = bytes
"""A value of the application's, encoded as JSON."""


class Identity(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Whose call this is, as far as the call and its surroundings tell.

    `thread_id` and `user_id` come from the call itself; the `scope_` ones from the surrounding
    `threadline.conversation(...)` or `threadline.turn(...)`, the `default_` ones from the
    handler. `conversation_` fields belong to the conversation, the others to the turn.
    `request_span` is the span of OpenTelemetry around it.
    """

    thread_id: str | None = None
    user_id: str | None = None
    scope_thread_id: str | None = None
    scope_user_id: str | None = None
    default_thread_id: str | None = None
    default_user_id: str | None = None
    turn_id: str | None = None
    name: str | None = None
    tags: tuple[str, ...] = ()
    metadata: Json | None = None
    conversation_tags: tuple[str, ...] = ()
    conversation_metadata: Json | None = None
    side_call: bool = False
    request_span: str | None = None


class DocumentRef(msgspec.Struct, frozen=True, gc=False, array_like=True, omit_defaults=True):
    """A document that a retriever found; `digest` names its text."""

    digest: bytes
    id: str | None = None
    score: float | None = None
    metadata: Json | None = None


class Detail(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What only some kinds of span have. `parameters` and `prompt` are digests of sealed values.

    `aside` are the messages of a prompt that the framework made up, such as summaries.
    """

    model: str | None = None
    provider: str | None = None
    parameters: bytes | None = None
    prompt: bytes | None = None
    internal: bool = False
    aside: tuple[bytes, ...] = ()
    call_id: str | None = None
    arguments: Json | None = None
    result: Json | None = None
    query: str | None = None
    documents: tuple[DocumentRef, ...] = ()
    usage: Usage | None = None
    finish_reason: str | None = None
    partial: bool = False
    attributes: Json | None = None


class SpanStarted(
    msgspec.Struct, frozen=True, gc=False, array_like=True, tag=1, omit_defaults=True
):
    """An operation began. A root, and whatever carries a thread id of its own, has `identity`.

    `messages` is a model call's input, or a root's own list of messages; `words` are what a
    root's other input says of the user's words: one text, or several where none is named as
    theirs. `before` is what was held back of the turn until now: starts and ends of a graph's
    steps, which bring no words of their own.
    """

    turn: bytes
    run: bytes
    at_ns: int
    kind: str
    name: str
    parent: bytes | None = None
    identity: Identity | None = None
    messages: tuple[Ref, ...] | None = None
    words: tuple[bytes, ...] = ()
    detail: Detail | None = None
    before: tuple[SpanStarted | SpanEnded, ...] = ()


class FirstChunk(msgspec.Struct, frozen=True, gc=False, array_like=True, tag=2):
    """The first chunk of a streamed answer arrived."""

    turn: bytes
    run: bytes
    at_ns: int


class HeardSoFar(msgspec.Struct, frozen=True, gc=False, array_like=True, tag=9):
    """A model that still speaks has said so much: the digest of an assistant's body."""

    turn: bytes
    run: bytes
    at_ns: int
    heard: bytes


class SpanEnded(msgspec.Struct, frozen=True, gc=False, array_like=True, tag=3, omit_defaults=True):
    """An operation ended. `messages` is what it produced or, of a root, its list at the end.

    `heard` is what model calls beneath a failed root had said by then, by run: they may never end.
    `texts` are a root's output strings and `answer` is the one that its key names as the answer,
    or the whole output as JSON, each as the digest of an assistant's body. `late_messages` and
    `late_words` are the input of a streamed root, which is known only now.
    `before` is what was held back of the turn until now. `asked` are the texts that an interrupt
    put to a human, each with the interrupt's id.
    """

    turn: bytes
    run: bytes
    at_ns: int
    status: str = "ok"
    failure: tuple[str, str] | None = None
    messages: tuple[Ref, ...] | None = None
    texts: tuple[bytes, ...] = ()
    answer: bytes | None = None
    late_messages: tuple[Ref, ...] | None = None
    late_words: tuple[bytes, ...] = ()
    detail: Detail | None = None
    heard: tuple[tuple[bytes, bytes], ...] = ()
    before: tuple[SpanStarted | SpanEnded, ...] = ()
    asked: tuple[Ref, ...] = ()


class TurnOpened(msgspec.Struct, frozen=True, gc=False, array_like=True, tag=4, omit_defaults=True):
    """A `threadline.turn(...)` was entered; `words` is its input as a user's body."""

    turn: bytes
    at_ns: int
    identity: Identity
    words: bytes | None = None


class TurnClosed(msgspec.Struct, frozen=True, gc=False, array_like=True, tag=5, omit_defaults=True):
    """A `threadline.turn(...)` was left; `answer` is its output as an assistant's body."""

    turn: bytes
    at_ns: int
    status: str = "ok"
    failure: tuple[str, str] | None = None
    answer: bytes | None = None


class Noted(msgspec.Struct, frozen=True, gc=False, array_like=True, tag=6, omit_defaults=True):
    """Somebody judged, wrote or reported something; `ships` tells whether destinations learn it."""

    note: Rating | Feedback | Event
    ships: bool = True


class Updated(msgspec.Struct, frozen=True, gc=False, array_like=True, tag=7, omit_defaults=True):
    """The application said more about a conversation."""

    thread_id: str
    at_ns: int
    metadata: Json | None = None
    tags: tuple[str, ...] = ()
    title: str | None = None
    user_id: str | None = None


class Said(msgspec.Struct, frozen=True, gc=False, array_like=True, omit_defaults=True):
    """A message of a logged turn: its body's digest, when it was said, its id at the framework."""

    digest: bytes
    at_ns: int
    framework_id: str | None = None
    partial: bool = False


class TurnLogged(msgspec.Struct, frozen=True, gc=False, array_like=True, tag=8, omit_defaults=True):
    """The application tells of a whole turn that it had elsewhere, in one event: all or nothing.

    `tools` are starts and ends of the tools that it used. `generated` tells that the thread id in
    `identity` is none of the application's; `ships`, whether destinations learn of the turn.
    """

    turn: bytes
    at_ns: int
    ended_ns: int
    identity: Identity
    said: tuple[Said, ...]
    prelude: tuple[Ref, ...] = ()
    tools: tuple[SpanStarted | SpanEnded, ...] = ()
    status: str = "ok"
    failure: tuple[str, str] | None = None
    generated: bool = False
    ships: bool = False


OfTurn = SpanStarted | FirstChunk | HeardSoFar | SpanEnded | TurnOpened | TurnClosed | TurnLogged
CaptureEvent = OfTurn | Noted | Updated

encode_event: Final = msgspec.msgpack.Encoder().encode
decode_event: Final = msgspec.msgpack.Decoder(CaptureEvent).decode
encode_body: Final = msgspec.json.Encoder().encode
decode_body: Final = msgspec.json.Decoder(Body).decode
