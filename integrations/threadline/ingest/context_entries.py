"""Turns and notes as the entries of a Context thread: chat messages, tool messages, events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from threadline.model.contextai_order import happened_ns, places_of
from threadline.model.contextai_values import observed_text, timed
from threadline.model.message import ASSISTANT, SYSTEM, TOOL, USER, Message
from threadline.model.parts import BlobPart, FilePart, GenericPart, UriPart

if TYPE_CHECKING:
    from collections.abc import Sequence

    from threadline.ingest.context_limits import ContextLimits
    from threadline.model.feedback import Event, Rating
    from threadline.model.turn import ToolObservation, Turn

Fields = dict[str, Any]

TURN_MARK: Final = "turn_id"
"""The key in the metadata of a turn's first chat message that tells which turn it is."""

EVENT_MARK: Final = "event_id"

_ROLES: Final = frozenset({SYSTEM, USER, ASSISTANT})
_THUMBS: Final = {-1.0: -1, 1.0: 1}


class Entry(NamedTuple):
    """One entry as it is sent, when it happened, and the id of our message, if it is one."""

    fields: Fields
    at_ns: int | None = None
    message_id: str | None = None


def entries_of(turn: Turn, limits: ContextLimits) -> list[Entry]:
    """Return what was said and done in a turn, in the order in which it was.

    An answer without words, which only asks for tools, is told by the tools' own entries. The
    first chat message bears the turn's id, by which it is found again, and its metadata.
    """
    places = places_of(turn) if turn.kind == "turn" else ()
    entries = [entry for place in places if (entry := _entry(place.told)) is not None]
    for number, entry in enumerate(entries):
        if "role" in entry.fields:
            entries[number] = _marked(entry, turn)
            break
    return [_limited(entry, limits) for entry in entries]


def event_entry(event: Event, limits: ContextLimits) -> Fields:
    """Return an event as an entry; its id is in its metadata, so that it is found again."""
    own = {EVENT_MARK: event.id, TURN_MARK: event.turn_id}
    told = {**own, **event.metadata, EVENT_MARK: event.id}
    return _event(event.name, told, event.at_ns, limits)


def rating_entry(rating: Rating, limits: ContextLimits) -> Fields:
    """Return a rating that no message can bear as an event."""
    value = rating.value
    told = {
        EVENT_MARK: rating.id,
        TURN_MARK: rating.turn_id,
        "name": rating.name,
        "value": int(value) if value is not None and value.is_integer() else value,
        "label": rating.label,
        "source": rating.source,
        "user_id": rating.user_id,
        "span_id": rating.span_id,
    }
    return _event("Rating", told, rating.at_ns, limits)


def thumb_of(rating: Rating) -> int | None:
    """Return a rating as Context has it on messages; None where it has no such ratings."""
    if rating.name != "rating" or rating.span_id is not None or rating.value not in {-1, 0, 1}:
        return None
    return int(rating.value)


def number_of(message_id: str) -> str:
    """Return which message of its turn this is: ids of messages begin with their turn's."""
    return message_id.rpartition(":")[2]


def answer_of(entries: Sequence[Entry]) -> str | None:
    """Return the id of the message that a judgement of the whole turn is about."""
    answers = [e.message_id for e in entries if e.fields.get("role") == ASSISTANT]
    return answers[-1] if answers else None


def _entry(told: Message | ToolObservation) -> Entry | None:
    if not isinstance(told, Message):
        return Entry(_tool(told), happened_ns(told))
    text = _words(told)
    if told.role == TOOL:
        fields = {"type": "tool", "name": told.name or "tool", "observation": text}
        return Entry({**fields, **_when(told.at_ns)}, told.at_ns, told.id)
    if not text:
        return None
    fields = {"role": told.role, "message": text, **_when(told.at_ns)}
    if told.rating in _THUMBS:
        fields["rating"] = _THUMBS[told.rating]
    if told.metadata:
        fields["metadata"] = told.metadata
    return Entry(_with_known_role(fields), told.at_ns, told.id)


def _with_known_role(fields: Fields) -> Fields:
    """Context knows three roles; whoever else speaks does it in the place of the assistant."""
    role = fields["role"]
    if role in _ROLES:
        return fields
    return {**fields, "role": ASSISTANT, "metadata": {"role": role, **fields.get("metadata", {})}}


def _tool(observation: ToolObservation) -> Fields:
    text = observed_text(observation)
    if not text and observation.outcome != "ok":
        text = f"[{observation.outcome}]"
    thought = {} if observation.thought is None else {"thought": observation.thought}
    return {
        "type": "tool",
        "name": observation.name,
        **thought,
        **_input(observation.arguments),
        "observation": text,
        **_when(happened_ns(observation)),
    }


def _input(arguments: Any) -> Fields:
    if arguments is None:
        return {}
    return {"input": arguments if isinstance(arguments, dict) else {"input": arguments}}


def _event(name: str, metadata: Fields, at_ns: int, limits: ContextLimits) -> Fields:
    kept = limits.kept(metadata)
    return {"type": "event", "name": name, "metadata": kept, **_when(at_ns)}


def _marked(entry: Entry, turn: Turn) -> Entry:
    own = {TURN_MARK: turn.id, "status": None if turn.status == "ok" else str(turn.status)}
    metadata = {**own, **turn.metadata, **entry.fields.get("metadata", {}), TURN_MARK: turn.id}
    return entry._replace(fields={**entry.fields, "metadata": metadata})


def _limited(entry: Entry, limits: ContextLimits) -> Entry:
    if "metadata" not in entry.fields:
        return entry
    return entry._replace(
        fields={**entry.fields, "metadata": limits.kept(entry.fields["metadata"])}
    )


def _words(message: Message) -> str:
    """Return what was said; what is no text is at least named."""
    text = message.text
    if message.role == TOOL:
        return text
    others = [f"[{kind}]" for kind in map(_kind, message.parts) if kind]
    return "\n".join(filter(None, [text, *others]))


def _kind(part: object) -> str | None:
    if isinstance(part, BlobPart | FilePart | UriPart):
        return part.modality or part.mime_type or "file"
    return part.kind if isinstance(part, GenericPart) else None


def _when(at_ns: int | None) -> Fields:
    told = timed(at_ns)
    told.pop("at_ns", None)
    return told
