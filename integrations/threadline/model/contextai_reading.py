"""Conversations in the Context.ai shape: the reading half."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from threadline.errors import ArgumentError
from threadline.ids import derived_uuid, uuid7
from threadline.model.contextai_entries import (
    Answer,
    Entry,
    answer_from,
    check_role,
    entries_from,
    entry_from,
    event_from,
    message_from,
    observation_from,
)
from threadline.model.contextai_values import (
    Fields,
    dict_at,
    list_at,
    plain,
    record_from,
    refused,
    text_at,
)
from threadline.model.conversation import Conversation
from threadline.model.feedback import Feedback
from threadline.model.message import USER
from threadline.model.turn import Status, Turn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from threadline.model.feedback import Event
    from threadline.model.message import Message
    from threadline.model.turn import ToolObservation

_CONVERSATION_FIELDS: Final = (
    "tenant", "id_source", "user_id", "title", "tags", "metadata", "created_ns", "updated_ns",
    "ratings",
)  # fmt: skip
_TOLD_IN_ENTRIES: Final = frozenset({"messages", "tool_observations", "events", "spans"})


def conversation_from_dict(data: Mapping[str, Any]) -> Conversation:
    """Read what `conversation_to_dict` wrote, or a plain Context.ai conversation or thread.

    A plain one has no `turns`: each user message starts a turn, what stands before the first
    belongs to it, and every turn counts as `ok`. Ids that are not given are derived; a thread id
    that is not given is new, and marked as generated. A `rating` of 0 or `neutral` says, as in
    Context.ai, that nobody rated. Where a time must be known and is not, the nearest earlier one
    is taken, else the next, else 0.

    Raises:
        ArgumentError: naming the place at fault and what is allowed there.
    """
    fields = dict_at(plain(data, "data"), "data")
    entries = entries_from(fields.get("messages"), "messages")
    conversation = _bare_conversation(fields)
    if fields.get("turns") is None:
        return _plain_conversation(fields, entries, conversation)
    return _own_conversation(fields, entries, conversation)


def _bare_conversation(fields: Fields) -> Conversation:
    own: Fields = {name: fields.get(name) for name in _CONVERSATION_FIELDS}
    own["thread_id"] = text_at(fields, "id", "")
    if own["thread_id"] is None:
        own |= {"thread_id": str(uuid7()), "id_source": "generated"}
    prelude = list_at(fields.get("prelude") or [], "prelude")
    feedback = list_at(fields.get("feedback_records") or [], "feedback_records")
    return replace(
        record_from(own, Conversation, ""),
        prelude=tuple(_prelude(own["thread_id"], n, value) for n, value in enumerate(prelude)),
        feedback=tuple(
            record_from(dict_at(value, place), Feedback, place)
            for place, value in _placed(feedback, "feedback_records")
        ),
    )


def _prelude(thread_id: str, number: int, value: object) -> Message:
    place = f"prelude[{number}]"
    entry = entry_from({"kind": "prelude", **dict_at(value, place)}, place)
    turn_id = text_at(entry.fields, "turn_id", place)
    return message_from(entry, _derived_id(thread_id, "prelude", number), turn_id)


def _placed(values: Sequence[Any], place: str) -> list[tuple[str, Any]]:
    return [(f"{place}[{number}]", value) for number, value in enumerate(values)]


def _own_conversation(fields: Fields, entries: Sequence[Entry], bare: Conversation) -> Conversation:
    headers = list_at(fields["turns"], "turns")
    turns = [_headed_turn(value, f"turns[{n}]", bare) for n, value in enumerate(headers)]
    said: dict[str, list[Entry]] = {turn.id: [] for turn, _ in turns}
    if len(said) < len(turns):
        raise ArgumentError(
            argument="turns", value="the same id twice", allowed="an id of its own for each turn"
        )
    events: list[Event] = []
    for entry in entries:
        turn_id = text_at(entry.fields, "turn_id", entry.place)
        if turn_id in said:
            said[turn_id].append(entry)
        elif entry.kind == "event":
            events.append(
                event_from(entry, _derived_id(bare.thread_id, "event", len(events)), turn_id)
            )
        else:
            raise refused(entry.place, "turn_id", turn_id, "an id that stands under `turns`")
    told = tuple(_told_turn(turn, [*said[turn.id], *aside]) for turn, aside in turns)
    return replace(bare, turns=told, events=tuple(events))


def _headed_turn(value: object, place: str, bare: Conversation) -> tuple[Turn, list[Entry]]:
    """Read the head of a turn, and the entries that are kept there for not being transcript."""
    header = dict_at(value, place)
    head = {name: item for name, item in header.items() if name not in _TOLD_IN_ENTRIES}
    turn = record_from({"thread_id": bare.thread_id, **head}, Turn, place)
    aside = header.get("messages")
    return turn, [] if aside is None else entries_from(aside, f"{place}.messages")


def _plain_conversation(
    fields: Fields, entries: Sequence[Entry], bare: Conversation
) -> Conversation:
    for entry in entries:
        check_role(entry)
    known = [entry.at_ns for entry in entries if entry.at_ns is not None]
    user_id = bare.metadata.get("user_id")
    told = replace(
        bare,
        user_id=bare.user_id or (user_id if isinstance(user_id, str) else None),
        created_ns=bare.created_ns or min(known, default=0),
        updated_ns=bare.updated_ns or max(known, default=0),
        turns=tuple(
            _grouped_turn(group, number, bare) for number, group in enumerate(_groups(entries))
        ),
    )
    return replace(told, feedback=bare.feedback + _plain_feedback(fields, told))


def _plain_feedback(fields: Fields, conversation: Conversation) -> tuple[Feedback, ...]:
    text = text_at(fields, "feedback", "")
    if not text:
        return ()
    feedback_id = str(derived_uuid(conversation.thread_id, "feedback"))
    at_ns, thread_id = conversation.updated_ns, conversation.thread_id
    return (Feedback(id=feedback_id, at_ns=at_ns, text=text, thread_id=thread_id),)


def _groups(entries: Sequence[Entry]) -> list[list[Entry]]:
    groups: list[list[Entry]] = []
    asked = False
    for entry in entries:
        asks = entry.kind == "message" and entry.fields["role"] == USER
        if not groups or (asks and asked):
            groups.append([])
            asked = False
        groups[-1].append(entry)
        asked = asked or asks
    return groups


def _grouped_turn(group: Sequence[Entry], number: int, bare: Conversation) -> Turn:
    known = [entry.at_ns for entry in group if entry.at_ns is not None]
    turn = Turn(
        id=_derived_id(bare.thread_id, "turn", number),
        thread_id=bare.thread_id,
        status=Status.OK,
        started_ns=min(known, default=group[0].near_ns),
        ended_ns=max(known, default=None),
        tenant=bare.tenant,
    )
    return _told_turn(turn, group)


def _told_turn(turn: Turn, entries: Sequence[Entry]) -> Turn:
    """Give a turn what its entries tell."""
    observed = {
        number: observation_from(entry, _derived_id(turn.id, "tool", number), turn.id)
        for number, entry in enumerate(entries)
        if entry.kind == "tool"
    }
    return replace(
        turn,
        messages=_messages(turn.id, entries, observed),
        tool_observations=tuple(observed.values()),
        events=tuple(
            event_from(entry, _derived_id(turn.id, "event", number), turn.id)
            for number, entry in enumerate(entries)
            if entry.kind == "event"
        ),
    )


def _messages(
    turn_id: str, entries: Sequence[Entry], observed: Mapping[int, ToolObservation]
) -> tuple[Message, ...]:
    """Read the chat entries, and the tools' answers where they stood among them."""
    told: list[Message] = []
    displaced: list[Answer] = []
    for number, entry in enumerate(entries):
        if entry.kind == "message":
            told.append(message_from(entry, _derived_id(turn_id, "message", number), turn_id))
        elif number in observed:
            answer_id = _derived_id(turn_id, "answer", number)
            answer = answer_from(entry, observed[number], answer_id)
            if answer is not None and answer.position is None:
                told.append(answer.message)
            elif answer is not None:
                displaced.append(answer)
    for answer in sorted(displaced, key=_position):
        told.insert(_position(answer), answer.message)
    return tuple(told)


def _position(answer: Answer) -> int:
    return answer.position or 0


def _derived_id(owner_id: str, kind: str, number: int) -> str:
    return str(derived_uuid(owner_id, kind, str(number)))
