"""Which conversation a turn belongs to, and whose it is: design 5, first hit wins."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

import msgspec

from threadline.capture.events import Identity, SpanStarted
from threadline.capture.open_turn import OpenSpan, OpenTurn
from threadline.model.message import ASSISTANT


@dataclass(slots=True)
class Belonging:
    """Whose turn it is. `thread_id` is None until a caller-held history or nothing names it."""

    turn_id: str
    thread_id: str | None
    user_id: str | None
    name: str | None
    tags: tuple[str, ...] = ()
    metadata: dict[str, Any] = field(default_factory=dict[str, Any])
    conversation_tags: tuple[str, ...] = ()
    conversation_metadata: dict[str, Any] = field(default_factory=dict[str, Any])
    side_call: bool = False
    request_span: str | None = None


def belonging_of(turn: OpenTurn) -> Belonging:
    """Return what the turn itself tells; ids of its children count where its root has none."""
    identity = turn.identity
    threads, users = _ids_below(turn)
    thread_id = identity.thread_id or (threads[0] if len(threads) == 1 else None)
    user_id = identity.user_id or (users[0] if len(users) == 1 else None)
    name = identity.name
    if name is None and turn.roots and turn.logged is None:
        name = turn.roots[0].start.name
    return Belonging(
        turn_id=identity.turn_id or str(uuid.UUID(bytes=turn.key)),
        thread_id=thread_id or identity.scope_thread_id or identity.default_thread_id,
        user_id=user_id or identity.scope_user_id or identity.default_user_id,
        name=name,
        tags=identity.tags,
        metadata=_mapping(identity.metadata),
        conversation_tags=identity.conversation_tags,
        conversation_metadata=_mapping(identity.conversation_metadata),
        side_call=identity.side_call,
        request_span=identity.request_span,
    )


def split_by_thread(turn: OpenTurn) -> list[OpenTurn]:
    """Return the turns inside `turn`: itself, or one for each child that carries an own thread id.

    A batch job over many chats is one root; each topmost span beneath it that belongs to one chat
    is a turn, and what is left of the root a mere trace.
    """
    if turn.opened is not None or turn.identity.thread_id is not None:
        return [turn]
    threads: dict[int, set[str]] = {}
    for carrier in _carriers(turn):
        thread_id = _thread_of(carrier)
        if thread_id is not None:
            for span in (carrier, *carrier.ancestors()):
                threads.setdefault(span.n, set()).add(thread_id)
    if not any(len(threads.get(root.n, ())) > 1 for root in turn.roots):
        return [turn]
    groups = _groups_of_one_thread(turn, threads)
    rest = OpenTurn(turn.key, turn.started_ns)
    rest.is_remainder = True
    _copy(turn, rest, groups.pop(None, []))
    return [rest, *(_part_of(turn, spans) for spans in groups.values())]


def _groups_of_one_thread(
    turn: OpenTurn, threads: dict[int, set[str]]
) -> dict[int | None, list[OpenSpan]]:
    """Return spans by the topmost one above them that belongs to one thread alone."""
    tops: dict[int, int | None] = {}
    groups: dict[int | None, list[OpenSpan]] = {}
    for span in turn.spans.values():  # a parent stands before its children
        top = None if span.parent is None else tops[span.parent.n]
        if top is None and len(threads.get(span.n, ())) == 1:
            top = span.n
        tops[span.n] = top
        groups.setdefault(top, []).append(span)
    return groups


def answer_ids(turn: OpenTurn, role_of: Any) -> list[str]:
    """Return the ids of the assistant's messages in the prompts of `turn`, newest first."""
    ids: dict[str, None] = {}
    for span in (*turn.roots, *(s for s in turn.spans.values() if s.kind == "llm")):
        for digest, framework_id in reversed(span.inputs):
            if framework_id is not None and role_of(digest) == ASSISTANT:
                ids.setdefault(framework_id)
    return list(ids)


def _ids_below(turn: OpenTurn) -> tuple[list[str], list[str]]:
    identities = [s.start.identity for s in _carriers(turn) if s.start.identity is not None]
    threads = dict.fromkeys(i.thread_id for i in identities if i.thread_id is not None)
    users = dict.fromkeys(i.user_id for i in identities if i.user_id is not None)
    return list(threads), list(users)


def _carriers(turn: OpenTurn) -> list[OpenSpan]:
    return [
        span
        for span in turn.spans.values()
        if span.parent is not None
        and span.start.identity is not None
        and (span.start.identity.thread_id or span.start.identity.user_id)
        and not span.beneath("tool")
    ]


def _thread_of(span: OpenSpan) -> str | None:
    return None if span.start.identity is None else span.start.identity.thread_id


def _part_of(turn: OpenTurn, spans: list[OpenSpan]) -> OpenTurn:
    top = spans[0]
    part = OpenTurn(top.start.run, top.start.at_ns)
    _copy(turn, part, spans, identity=_inherited(turn.identity, top))
    return part


def _inherited(whole: Identity, top: OpenSpan) -> Identity:
    """What a part of a job has of its own, and else of the job."""
    own = top.start.identity or Identity()
    return msgspec.structs.replace(
        whole,
        thread_id=own.thread_id,
        user_id=own.user_id or whole.user_id,
        name=own.name or top.start.name,
    )


def _copy(
    source: OpenTurn,
    target: OpenTurn,
    spans: list[OpenSpan],
    identity: Identity | None = None,
) -> None:
    runs = {span.start.run for span in spans}
    for span in spans:
        start: SpanStarted = span.start
        if start.parent not in runs:
            start = msgspec.structs.replace(start, parent=None, identity=identity or start.identity)
        target.start(start)
    for span in sorted((s for s in spans if s.end is not None), key=lambda s: s.ended_order):
        if span.end is not None:
            target.end(span.end)
    for span in spans:
        target.spans[span.start.run].first_chunk_ns = span.first_chunk_ns
    target.abandoned = source.abandoned


def _mapping(data: bytes | None) -> dict[str, Any]:
    value = None if data is None else msgspec.json.decode(data)
    return value if isinstance(value, dict) else {}  # pyright: ignore[reportUnknownVariableType] (of JSON: values of any kind)
