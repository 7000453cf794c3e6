"""What a drawn conversation consists of: plain data in reading order, every text printable.

`render.chat` and `render.tree` make these; a terminal or a page draws them and decides about
colours, widths and folding.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from threadline.model import Status
from threadline.render.excerpt import Excerpt

Tone = Literal["quiet", "good", "warn", "bad"]


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """Words of somebody. `attachments` are parts that are not words, one line each."""

    role: str
    who: str
    text: Excerpt
    at_ns: int | None = None
    thought: str = ""
    attachments: tuple[str, ...] = ()
    partial: bool = False
    ratings: tuple[str, ...] = ()


class ToolUse(msgspec.Struct, frozen=True, kw_only=True):
    """One tool observation, or a tool call that nothing is known of but the request."""

    call: str
    outcome: str
    tone: Tone
    result: Excerpt = Excerpt("")
    thought: str = ""
    duration_ns: int | None = None
    attempt_count: int = 1


class Lookup(msgspec.Struct, frozen=True, kw_only=True):
    """What a retriever was asked and what it found: one line a document, and whole `texts`."""

    name: str
    query: str
    document_count: int
    documents: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    duration_ns: int | None = None
    error: str = ""


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """Something to know about a turn or a conversation: its status, a rating, an event."""

    text: str
    tone: Tone = "quiet"


Entry = Said | ToolUse | Lookup


class TurnView(msgspec.Struct, frozen=True, kw_only=True):
    """One turn as it is shown.

    `number` counts turns of the transcript; side calls have none. `when` is the time of day, with
    the day where that is another one than before. `is_asked_again` stands for the user's words
    where they are those of the turn before, which failed.
    """

    id: str
    number: int | None
    status: Status
    facts: tuple[str, ...]
    when: str
    entries: tuple[Entry, ...] = ()
    is_asked_again: bool = False
    notes: tuple[Note, ...] = ()


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """Something that went into a span or came out of it: what it is, whose, and all of it."""

    what: str
    about: str = ""
    text: str = ""


class SpanRow(msgspec.Struct, frozen=True, kw_only=True):
    """One span of a drawn tree: `branch` leads to its name, `rail` to what is written below it."""

    branch: str
    rail: str
    name: str
    kind: str
    offset_ns: int
    duration_ns: int | None
    details: tuple[str, ...] = ()
    status: str = "ok"
    tone: Tone = "good"
    error: str = ""
    contents: tuple[Content, ...] = ()


class ChatView(msgspec.Struct, frozen=True, kw_only=True):
    """A whole conversation as it is shown."""

    thread_id: str
    is_generated: bool
    title: str
    facts: tuple[str, ...]
    metadata: tuple[str, ...]
    prelude: tuple[Said, ...]
    turns: tuple[TurnView, ...]
    notes: tuple[Note, ...]
