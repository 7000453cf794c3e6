"""Ratings, feedback and events: read, and put beside what they are about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from threadline.model.feedback import Event, Feedback, Rating

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable

Note = Rating | Feedback | Event

_decode: Final = msgspec.json.Decoder(Note).decode
_PLAIN: Final = "rating"


class NoteGroup:
    """The notes of one turn, or of a conversation as a whole, oldest first."""

    def __init__(self) -> None:
        self.ratings: list[Rating] = []
        self.feedback: list[Feedback] = []
        self.events: list[Event] = []
        self.span_events: dict[str, list[Event]] = {}

    def add(self, note: Note) -> None:
        """Take a note in."""
        if isinstance(note, Rating):
            self.ratings.append(note)
        elif isinstance(note, Feedback):
            self.feedback.append(note)
        elif note.run_id is not None:
            self.span_events.setdefault(note.run_id, []).append(note)
        else:
            self.events.append(note)

    def plain_ratings(self) -> Iterable[Rating]:
        """Yield the ratings by number that bear no name of their own, oldest first."""
        return (r for r in self.ratings if r.value is not None and r.name == _PLAIN)


class Notes:
    """The notes of some turns and conversations, each where it belongs."""

    def __init__(self) -> None:
        self._turns: dict[str, NoteGroup] = {}
        self._conversations: dict[int, NoteGroup] = {}

    def of_turn(self, turn_id: str) -> NoteGroup:
        """Return what was noted about a turn, its messages and its spans."""
        return self._turns.get(turn_id) or NoteGroup()

    def of_conversation(self, conversation: int) -> NoteGroup:
        """Return what was noted about a conversation, apart from its turns."""
        return self._conversations.get(conversation) or NoteGroup()

    def message_ratings(self) -> dict[str, float]:
        """Return the newest rating of each message that was rated itself."""
        return {
            rating.message_id: rating.value
            for group in (*self._turns.values(), *self._conversations.values())
            for rating in group.plain_ratings()
            if rating.message_id is not None and rating.value is not None
        }

    def put(self, note: Note, conversation: int | None, known: Collection[str]) -> None:
        """Put a note to its turn if that is one of `known`, else to the conversation."""
        turn_id = target_of(note)
        if turn_id is not None and turn_id in known:
            self._turns.setdefault(turn_id, NoteGroup()).add(note)
        elif conversation is not None:
            self._conversations.setdefault(conversation, NoteGroup()).add(note)


def read_notes(
    connection: sqlite3.Connection,
    conversations: Collection[int],
    turns: Collection[int],
    known: Collection[str],
) -> Notes:
    """Read what was noted about conversations and turns.

    Args:
        connection: The store.
        conversations: Row ids of conversations.
        turns: Row ids of turns.
        known: The ids of these turns; notes about others are left to the conversation.
    """
    rows = connection.execute(
        "SELECT n.conversation, n.record, n.at_ns, n.id FROM json_each(?) AS wanted"
        " CROSS JOIN note n ON n.conversation = wanted.value"
        " UNION SELECT t.conversation, n.record, n.at_ns, n.id FROM json_each(?) AS wanted"
        " CROSS JOIN turn t ON t.id = wanted.value"
        " CROSS JOIN note n ON n.turn_id = t.turn_id"
        " AND (n.conversation = t.conversation OR n.conversation IS NULL)"
        " ORDER BY 3, 4",
        [msgspec.json.encode(sorted(rows)).decode() for rows in (conversations, turns)],
    )
    notes = Notes()
    seen: set[bytes | str] = set()
    for conversation, record, _, ident in rows:
        if ident not in seen:
            seen.add(ident)
            notes.put(_decode(record), conversation, known)
    return notes


def target_of(note: Note) -> str | None:
    """Return the id of the turn that a note is about, as it says or as its ids follow from it."""
    if note.turn_id is not None or not isinstance(note, Rating):
        return note.turn_id
    if note.message_id is not None:
        return note.message_id.rpartition(":")[0] or None
    if note.span_id is not None:
        return note.span_id.rpartition(".")[0] or None
    return None
