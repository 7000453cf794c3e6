"""What applications say beside the calls: ratings, feedback, events, more about a conversation."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Any, Final, TypedDict

from threadline.capture.events import CaptureEvent, Noted, Updated
from threadline.capture.guard import never_raises
from threadline.capture.plain import json_of, plain
from threadline.capture.scope import current_scope
from threadline.client.defaults import default_client
from threadline.client.scopes import checked_id
from threadline.errors import ArgumentError
from threadline.ids import uuid7
from threadline.model.feedback import Event, Feedback, Rating

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from threadline.capture.recorder import Recorder
    from threadline.client.client import Client

_ADAPTERS: Final = ("threadline.langchain.runs", "threadline.haystack.tracer")


class RatingArguments(TypedDict, total=False):
    """What `rate` is told beside the value."""

    turn_id: str | None
    message_id: str | None
    span_id: str | None
    thread_id: str | None
    name: str
    comment: str | None
    user_id: str | None
    source: str
    client: Client | None


def rate(
    value: float | str,
    *,
    turn_id: str | None = None,
    message_id: str | None = None,
    span_id: str | None = None,
    thread_id: str | None = None,
    name: str = "rating",
    comment: str | None = None,
    user_id: str | None = None,
    source: str = "user",
    client: Client | None = None,
) -> str:
    """Judge a turn, a message, a span or a conversation.

    Args:
        value: -1, 0 or 1 for thumbs; with a `name` of its own any number or any label.
        turn_id: The turn it is about; several ids together help.
        message_id: The message it is about.
        span_id: The span it is about.
        thread_id: The conversation it is about.
        name: What is judged, such as `helpfulness`.
        comment: Why.
        user_id: Who judged.
        source: What judged: `user`, `code`, or the name of a judge.
        client: The client to record by; the default one by default.

    Returns:
        The id of the rating.

    Raises:
        ArgumentError: if nothing is named that it is about, a thumb is not -1, 0 or 1, or a number
            is not finite.
    """
    if not (turn_id or message_id or span_id or thread_id):
        allowed = "one of turn_id, message_id, span_id, thread_id"
        raise ArgumentError(argument="turn_id", value=None, allowed=allowed)
    _check_value(name, value)
    label = value if isinstance(value, str) else None
    if turn_id is None:  # ids of messages and spans follow from their turn's
        turn_id = (message_id or "").rpartition(":")[0] or (span_id or "").rpartition(".")[0]
    rating = Rating(
        id=str(uuid7()),
        at_ns=_now(client),
        name=name,
        value=None if isinstance(value, str) else float(value),
        label=label,
        comment=comment,
        source=source,
        user_id=user_id,
        thread_id=_optional_id("thread_id", thread_id),
        turn_id=_optional_id("turn_id", turn_id or None),
        message_id=_optional_id("message_id", message_id),
        span_id=_optional_id("span_id", span_id),
    )
    _record(Noted(rating), client)
    return rating.id


def feedback(
    text: str,
    *,
    thread_id: str | None = None,
    turn_id: str | None = None,
    user_id: str | None = None,
    client: Client | None = None,
) -> str:
    """Keep what a user wrote about a conversation or a turn; returns the id of the feedback.

    Raises:
        ArgumentError: if neither a thread nor a turn is named, nor one surrounds the call.
    """
    turn, thread = _about(turn_id, thread_id)
    note = Feedback(
        id=str(uuid7()),
        at_ns=_now(client),
        text=str(text),
        user_id=user_id,
        thread_id=thread,
        turn_id=turn,
    )
    _record(Noted(note), client)
    return note.id


def event(
    name: str,
    *,
    metadata: Mapping[str, Any] | None = None,
    thread_id: str | None = None,
    turn_id: str | None = None,
    client: Client | None = None,
) -> str:
    """Keep a named thing that happened, by default in the turn around the call; returns its id.

    Raises:
        ArgumentError: if no turn or conversation surrounds the call and none is named.
    """
    around = _run_around() if turn_id is None and thread_id is None else None
    turn, thread = (around[1], None) if around is not None else _about(turn_id, thread_id)
    note = Event(
        id=str(uuid7()),
        at_ns=_now(client),
        name=checked_id("name", name),
        metadata=plain(dict(metadata or {})),
        thread_id=thread,
        turn_id=turn,
    )
    _record(Noted(note), client, None if around is None else around[0])
    return note.id


def update(
    thread_id: str,
    *,
    metadata: Mapping[str, Any] | None = None,
    tags: Sequence[str] = (),
    title: str | None = None,
    user_id: str | None = None,
    client: Client | None = None,
) -> None:
    """Say more about a conversation: the last writer of a metadata key wins, tags add up.

    Raises:
        ArgumentError: if the thread id is empty or not a text.
    """
    changed = Updated(
        checked_id("thread_id", thread_id),
        _now(client),
        json_of(dict(metadata)) if metadata else None,
        tuple(str(tag) for tag in tags),
        title,
        _optional_id("user_id", user_id),
    )
    _record(changed, client)


@never_raises
def _record(note: CaptureEvent, client: Client | None, recorder: Recorder | None = None) -> None:
    if client is not None or recorder is None:
        client = client or default_client()
        recorder = client.recorder if client.settings.enabled else None
    if recorder is not None:
        with recorder.draft() as draft:
            draft.record(note, last=True)


def _run_around() -> tuple[Recorder, str] | None:
    """Return where the run that the caller is in is recorded, and its turn: a tool's, a node's."""
    for name in _ADAPTERS:
        adapter = sys.modules.get(name)
        found: tuple[Recorder, str] | None = adapter.run_around() if adapter is not None else None
        if found is not None:
            return found
    return None


def _now(client: Client | None) -> int:
    return (client or default_client()).clock.now_ns()


def _check_value(name: str, value: float | str) -> None:
    if name == "rating" and value not in {-1, 0, 1}:
        raise ArgumentError(
            argument="value", value=value, allowed="-1, 0 or 1, or any value with a name of its own"
        )
    if not isinstance(value, str) and not math.isfinite(value):
        raise ArgumentError(argument="value", value=value, allowed="a finite number, or a label")


def _optional_id(argument: str, value: object) -> str | None:
    return None if value is None else checked_id(argument, value)


def _about(turn_id: str | None, thread_id: str | None) -> tuple[str | None, str | None]:
    scope = current_scope.get()
    if turn_id is None and thread_id is None and scope is not None:
        return scope.turn_id, scope.thread_id
    if turn_id is None and thread_id is None:
        allowed = "a thread or a turn, or a call inside threadline.turn or threadline.conversation"
        raise ArgumentError(argument="thread_id", value=None, allowed=allowed)
    return _optional_id("turn_id", turn_id), _optional_id("thread_id", thread_id)
