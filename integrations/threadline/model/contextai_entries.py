"""The entries of the Context.ai shape, read one by one: chat, tool and event."""

from __future__ import annotations

import sys
from typing import Final, NamedTuple, get_args

import msgspec
from msgspec.structs import replace

from threadline.errors import ArgumentError
from threadline.model.contextai_values import (
    Fields,
    dict_at,
    list_at,
    ns_at,
    parts_from_text,
    record_from,
    refused,
    response_to,
    text_at,
)
from threadline.model.feedback import Event
from threadline.model.message import ASSISTANT, SYSTEM, TOOL, USER, Message
from threadline.model.turn import Outcome, ToolObservation

_ROLES: Final = (SYSTEM, USER, ASSISTANT, TOOL)
_KINDS: Final = ("message", "tool", "event")
_WORDS: Final = {"negative": -1, "neutral": 0, "positive": 1}
_RATINGS: Final = "-1, 0, 1, 'negative', 'neutral' or 'positive'; other numbers as `rating_value`"
_SHOWN_CHARACTERS: Final = 40

_MESSAGE_FIELDS: Final = (
    "role", "id", "name", "kind", "framework_id", "partial", "metadata", "parts",
)  # fmt: skip
_TOOL_FIELDS: Final = (
    "id", "name", "call_id", "thought", "error", "started_ns", "ended_ns", "span_ids", "message_id",
)  # fmt: skip
_EVENT_FIELDS: Final = ("id", "name", "metadata", "thread_id")
_OUTCOMES: Final[tuple[str, ...]] = get_args(Outcome)


class Entry(NamedTuple):
    """One entry of `messages`; `near_ns` is its time, or the nearest one that is known."""

    place: str
    kind: str
    fields: Fields
    at_ns: int | None
    near_ns: int = 0


def entries_from(value: object, place: str) -> list[Entry]:
    """Read a list of entries and give each a time: its own, the last known before, the next.

    Raises:
        ArgumentError: if it is no list, or one of them is no entry.
    """
    entries = [entry_from(item, f"{place}[{n}]") for n, item in enumerate(list_at(value, place))]
    near_ns = next((entry.at_ns for entry in entries if entry.at_ns is not None), 0)
    for number, entry in enumerate(entries):
        near_ns = near_ns if entry.at_ns is None else entry.at_ns
        entries[number] = entry._replace(near_ns=near_ns)
    return entries


def entry_from(value: object, place: str) -> Entry:
    """Read what all kinds of entries have in common.

    Raises:
        ArgumentError: if it is no dict, of no known type, or has a time that is none.
    """
    fields = dict_at(value, place)
    kind = fields.get("type") or "message"
    if kind not in _KINDS:
        raise _unknown(place, "type", kind, _KINDS)
    return Entry(place, kind, fields, ns_at(fields, place))


def check_role(entry: Entry) -> None:
    """Make sure that a chat entry has a role of Context.ai, or `tool`.

    Raises:
        ArgumentError: if it has another role, or none.
    """
    role = entry.fields.get("role")
    if entry.kind == "message" and role not in _ROLES:
        raise _unknown(entry.place, "role", role, _ROLES)


def message_from(entry: Entry, new_id: str, turn_id: str | None) -> Message:
    """Read a chat entry; it gets `new_id` if it has no id.

    Raises:
        ArgumentError: if one of its fields is not what it should be.
    """
    fields, place = entry.fields, entry.place
    values: Fields = {"id": new_id, **_given(fields, _MESSAGE_FIELDS)}
    message = record_from(values, Message, place)
    if "parts" not in values:
        text = text_at(fields, "message", place)
        if text is None:
            raise refused(place, "message", None, "a text, or `parts` instead of it")
        message = replace(message, parts=parts_from_text(text))
    return replace(message, turn_id=turn_id, at_ns=entry.at_ns, rating=_rating(fields, place))


def observation_from(entry: Entry, new_id: str, turn_id: str) -> ToolObservation:
    """Read a tool entry; it gets `new_id` if it has no id, and counts as `ok` without a status.

    Raises:
        ArgumentError: if one of its fields is not what it should be.
    """
    fields, place = entry.fields, entry.place
    values: Fields = {"id": new_id, **_given(fields, _TOOL_FIELDS), "turn_id": turn_id}
    values["outcome"] = fields.get("status") or "ok"
    if values["outcome"] not in _OUTCOMES:
        raise _unknown(place, "status", values["outcome"], _OUTCOMES)
    if "ended_ns" not in values:
        values.setdefault("started_ns", entry.at_ns)
    return replace(
        record_from(values, ToolObservation, place),
        arguments=_arguments(fields, place),
        result=fields["result"] if "result" in fields else text_at(fields, "observation", place),
    )


class Answer(NamedTuple):
    """A tool's message to the model, and where it stood if not at its observation."""

    message: Message
    position: int | None


def answer_from(entry: Entry, observation: ToolObservation, new_id: str) -> Answer | None:
    """Read what a tool entry says about the tool's message, if anything.

    Raises:
        ArgumentError: if one of its fields is not what it should be.
    """
    if entry.fields.get("answer") is None:
        return None
    place = f"{entry.place}.answer"
    parts = [msgspec.to_builtins(response_to(observation))]
    fields = {"parts": parts, **dict_at(entry.fields["answer"], place), "role": TOOL}
    position = fields.get("position")
    if position is not None and (type(position) is not int or position < 0):
        raise refused(place, "position", position, "a whole number from 0")
    return Answer(message_from(entry_from(fields, place), new_id, observation.turn_id), position)


def event_from(entry: Entry, new_id: str, turn_id: str | None) -> Event:
    """Read an event entry; it gets `new_id` if it has no id.

    Raises:
        ArgumentError: if one of its fields is not what it should be.
    """
    values: Fields = {"id": new_id, **_given(entry.fields, _EVENT_FIELDS), "turn_id": turn_id}
    return record_from(values | {"at_ns": entry.near_ns}, Event, entry.place)


def _given(fields: Fields, names: tuple[str, ...]) -> Fields:
    return {name: fields[name] for name in names if fields.get(name) is not None}


def _rating(fields: Fields, place: str) -> float | None:
    exact = fields.get("rating_value")
    if isinstance(exact, int | float) and abs(exact) <= sys.float_info.max:
        return float(exact)
    if exact is not None:
        raise refused(place, "rating_value", exact, "a number")
    rating = fields.get("rating")
    thumb = _WORDS.get(rating, rating) if isinstance(rating, str) else rating
    if isinstance(thumb, bool) or thumb not in (None, -1, 0, 1):
        raise ArgumentError(argument=f"{place}.rating", value=_shown(rating), allowed=_RATINGS)
    return float(thumb) if thumb else None


def _arguments(fields: Fields, place: str) -> object:
    given = fields.get("input")
    if "arguments" in fields:
        return fields["arguments"]
    return None if given is None else dict_at(given, f"{place}.input")


def _unknown(place: str, name: str, value: object, words: tuple[str, ...]) -> ArgumentError:
    allowed = ", ".join(repr(word) for word in words)
    return ArgumentError(f"{place}.{name}", _shown(value), allowed)


def _shown(value: object) -> object:
    """Show a word that was meant to be one of a few; nothing that could be what someone said."""
    if isinstance(value, str):
        return value if len(value) <= _SHOWN_CHARACTERS else value[:_SHOWN_CHARACTERS] + "…"
    return value if isinstance(value, int | float | None) else type(value).__name__
