"""Judgements and named happenings: ratings, free text, events."""

from __future__ import annotations

from typing import Any

import msgspec


class Rating(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="record", tag="rating"
):
    """A judgement of a message, turn, span or conversation.

    `value` is -1, 0 or 1 for thumbs, or any number; a judgement in words has `label` instead.
    `source` says who judged: `user`, `code`, or the name of a judge.
    """

    id: str
    at_ns: int
    name: str = "rating"
    value: float | None = None
    label: str | None = None
    comment: str | None = None
    source: str = "user"
    user_id: str | None = None
    thread_id: str | None = None
    turn_id: str | None = None
    message_id: str | None = None
    span_id: str | None = None


class Feedback(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    tag_field="record",
    tag="feedback",
):
    """What a user wrote about a conversation or one of its turns."""

    id: str
    at_ns: int
    text: str
    user_id: str | None = None
    thread_id: str | None = None
    turn_id: str | None = None


class Event(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="record", tag="event"
):
    """A named thing that happened beside the conversation, such as a checkout.

    `run_id` names the run in which a framework was told of it: such an event belongs to that span.
    """

    id: str
    at_ns: int
    name: str
    metadata: dict[str, Any] = {}
    thread_id: str | None = None
    turn_id: str | None = None
    run_id: str | None = None
