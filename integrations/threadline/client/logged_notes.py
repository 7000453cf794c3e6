"""What was judged, written and reported in a conversation that is logged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from threadline.ids import derived_uuid
from threadline.model.feedback import Event, Feedback, Rating

if TYPE_CHECKING:
    from collections.abc import Iterator

    from threadline.model.conversation import Conversation
    from threadline.model.turn import Turn

Note = Rating | Feedback | Event


def notes_of_turn(turn: Turn, thread_id: str, *, at_ns: int, has_ids: bool) -> Iterator[Note]:
    """Yield what was noted about a turn.

    Args:
        turn: The turn, under the id that it is to have.
        thread_id: Its conversation.
        at_ns: When it was noted, where that is not told.
        has_ids: Whether notes are to keep their ids; else these follow from the turn's.
    """
    told = (*turn.ratings, *_thumbs(turn, at_ns), *turn.feedback, *turn.events)
    for number, note in enumerate(told):
        ident = note.id if has_ids else str(derived_uuid(turn.id, "note", str(number)))
        thread = None if has_ids and note.thread_id is None else thread_id
        at = note.at_ns or at_ns
        yield replace(note, id=ident, thread_id=thread, turn_id=turn.id, at_ns=at)


def notes_of_conversation(
    conversation: Conversation, *, at_ns: int, has_ids: bool
) -> Iterator[Note]:
    """Yield what was noted about a conversation as a whole, or about turns it does not hold."""
    told = (*conversation.ratings, *conversation.feedback, *conversation.events)
    thread_id = conversation.thread_id
    for number, note in enumerate(told):
        at = note.at_ns or at_ns
        names = (thread_id, "logged note", str(number), str(note.at_ns))
        ident = note.id if has_ids else str(derived_uuid(*names))
        yield replace(note, id=ident, thread_id=thread_id, at_ns=at)


def _thumbs(turn: Turn, at_ns: int) -> Iterator[Rating]:
    """What messages tell of their rating, where no rating of its own does."""
    if any(rating.value is not None for rating in turn.ratings):
        return
    for number, message in enumerate(turn.messages):
        if message.rating is not None:
            yield Rating(
                id=str(derived_uuid(turn.id, "rating", str(number))),
                at_ns=message.at_ns or at_ns,
                value=message.rating,
                message_id=f"{turn.id}:{number}",
            )
