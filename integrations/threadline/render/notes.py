"""What is written beside a conversation: how turns ended, ratings, feedback, events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from threadline.model import Event, Feedback, Rating, Status
from threadline.render.entries import Note
from threadline.render.printable import one_line, printable
from threadline.render.values import call_text, rating_text, rating_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from threadline.model import Conversation, Failure, Message, Turn
    from threadline.render.entries import Tone

R = TypeVar("R", Rating, Feedback, Event)

_LINE_WIDTH: Final = 400
_ENDINGS: Final[dict[Status, tuple[str, Tone]]] = {
    Status.RUNNING: ("running: it has not ended yet", "quiet"),
    Status.ERROR: ("error", "bad"),
    Status.STOPPED: ("stopped: the stream was left before its end", "warn"),
    Status.CANCELLED: ("cancelled: its task was cancelled", "warn"),
    Status.INTERRUPTED: ("interrupted: it waits for a human", "warn"),
    Status.ABANDONED: ("abandoned: its process died, or it never ended", "warn"),
}


def status_note(turn: Turn) -> tuple[Note, ...]:
    """Say how a turn ended where it did not end well; nothing if it did."""
    if turn.status is Status.OK:
        return ()
    text, tone = _ENDINGS[turn.status]
    why = f": {failure_text(turn.error)}" if turn.error is not None else ""
    return (Note(text=one_line(text + why, width=_LINE_WIDTH), tone=tone),)


def failure_text(failure: Failure) -> str:
    """Return the type and the words of a failure."""
    return f"{failure.type}: {failure.message}" if failure.message else failure.type


@dataclass(frozen=True, slots=True)
class Judgements:
    """All ratings, feedback and events of a conversation, each shown once, where it belongs."""

    ratings: tuple[Rating, ...]
    feedback: tuple[Feedback, ...]
    events: tuple[Event, ...]
    turn_ids: frozenset[str]
    message_ids: frozenset[str]

    @classmethod
    def of(cls, conversation: Conversation) -> Judgements:
        """Gather what a conversation and its turns hold."""
        turns = conversation.turns
        return cls(
            _all(conversation.ratings, ((turn.id, turn.ratings) for turn in turns)),
            _all(conversation.feedback, ((turn.id, turn.feedback) for turn in turns)),
            _all(conversation.events, ((turn.id, turn.events) for turn in turns)),
            frozenset(turn.id for turn in turns),
            frozenset(message.id for turn in turns for message in turn.messages),
        )

    def of_message(self, message: Message) -> tuple[str, ...]:
        """Return how a message was judged, one line each."""
        ratings = [rating for rating in self.ratings if rating.message_id == message.id]
        if not ratings and message.rating is not None and not self._is_the_turns(message):
            return (f"rated {rating_value(message.rating)}",)
        return tuple(one_line(rating_text(rating), width=_LINE_WIDTH) for rating in ratings)

    def _is_the_turns(self, message: Message) -> bool:
        """The answer of a turn shows the turn's own thumb, which is said below the turn."""
        return any(
            rating.turn_id == message.turn_id and rating.value == message.rating
            for rating in self._unplaced_ratings()
        )

    def turn_notes(self, turn: Turn) -> tuple[Note, ...]:
        """Return what is to be said below a turn."""
        ratings = [r for r in self._unplaced_ratings() if r.turn_id == turn.id]
        feedback = [f for f in self.feedback if f.turn_id == turn.id]
        events = [e for e in self.events if e.turn_id == turn.id]
        return _notes(ratings, feedback, events, span_names={s.id: s.name for s in turn.spans})

    def conversation_notes(self) -> tuple[Note, ...]:
        """Return what is to be said below the whole conversation."""
        ratings = [r for r in self._unplaced_ratings() if r.turn_id not in self.turn_ids]
        feedback = [f for f in self.feedback if f.turn_id not in self.turn_ids]
        events = [e for e in self.events if e.turn_id not in self.turn_ids]
        return _notes(ratings, feedback, events, span_names={})

    def _unplaced_ratings(self) -> Iterable[Rating]:
        return (r for r in self.ratings if r.message_id not in self.message_ids)


def _all(own: Iterable[R], of_turns: Iterable[tuple[str, Iterable[R]]]) -> tuple[R, ...]:
    """Return each once; what a turn holds belongs to that turn, said or not."""
    found = {record.id: record for record in own}
    for turn_id, records in of_turns:
        for record in records:
            found[record.id] = msgspec.structs.replace(record, turn_id=record.turn_id or turn_id)
    return tuple(found.values())


def _notes(
    ratings: Sequence[Rating],
    feedback: Sequence[Feedback],
    events: Sequence[Event],
    *,
    span_names: dict[str, str],
) -> tuple[Note, ...]:
    notes = [(r.at_ns, Note(text=_rating_line(r, span_names), tone=_tone(r))) for r in ratings]
    notes += [(f.at_ns, Note(text=printable(f"feedback: {f.text.strip()}"))) for f in feedback]
    notes += [(e.at_ns, Note(text=_event_line(e))) for e in events]
    return tuple(note for _, note in sorted(notes, key=lambda pair: pair[0]))


def _rating_line(rating: Rating, span_names: dict[str, str]) -> str:
    about = span_names.get(rating.span_id or "")
    text = f"{about}: {rating_text(rating)}" if about else rating_text(rating)
    return one_line(text, width=_LINE_WIDTH)


def _event_line(event: Event) -> str:
    call = call_text(event.name, event.metadata) if event.metadata else event.name
    return one_line(f"event {call}", width=_LINE_WIDTH)


def _tone(rating: Rating) -> Tone:
    if rating.value is None or rating.value == 0:
        return "quiet"
    return "good" if rating.value > 0 else "bad"
