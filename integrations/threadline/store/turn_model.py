"""From rows to the model: turns and their messages."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, cast

import msgspec
from msgspec.structs import replace

from threadline.ids import unpack_id
from threadline.model.message import ASSISTANT
from threadline.model.turn import Status, Turn, read_from
from threadline.store.branches import left_behind
from threadline.store.message_rows import Positions, mapping_from, message_from, strings_from
from threadline.store.schema import KINDS, STATUSES, TURN_KINDS, word_of
from threadline.store.span_model import SpanBuilder, failure_from

if TYPE_CHECKING:
    from typing import Literal

    from threadline.model.message import Message
    from threadline.store.message_rows import MessageRow
    from threadline.store.turn_rows import Gathered, TurnRow

STALE_NS: Final = 60_000_000_000
"""A turn under way is abandoned when its process has shown no sign of life for so long."""

_SAID, _PRELUDE, _CONTEXT = (KINDS.index(kind) for kind in ("said", "prelude", "context"))
_TRACE: Final = TURN_KINDS.index("trace")


class Rebuilder:
    """Rebuilds the turns that were gathered."""

    def __init__(self, gathered: Gathered, *, now_ns: int) -> None:
        self._gathered = gathered
        self._now_ns = now_ns
        self._ids = {turn.id: unpack_id(turn.turn_id) for turn in gathered.turns}
        self._threads = {turn.conversation: turn.thread_id for turn in gathered.turns}
        ratings = gathered.notes.message_ratings()
        self._positions = {
            conversation: Positions(rows, [self._message(row, ratings) for row in rows])
            for conversation, rows in gathered.messages.items()
        }
        self._said = _said_positions(gathered)
        for turn in gathered.turns:
            self._rate_answer(turn)

    def turns(self) -> tuple[Turn, ...]:
        """Return the turns, in the order of their rows."""
        return tuple(self._turn(row) for row in self._gathered.turns)

    def prelude(self, conversation: int) -> tuple[Message, ...]:
        """Return what was said in a conversation before this store was listening."""
        rows = self._gathered.messages.get(conversation, ())
        found = (self._at(row) for row in rows if row.kind == _PRELUDE)
        return tuple(message for message in found if message is not None)

    def superseded(self, conversation: int) -> tuple[str, ...]:
        """Return the ids of the messages that newer branches have left behind."""
        turns = [turn for turn in self._gathered.turns if turn.conversation == conversation]
        positions = self._positions.get(conversation)
        left = left_behind(turns, self._said) if positions is not None else ()
        found = (positions.at(position) for position in left) if positions is not None else ()
        return tuple(message.id for message in found if message is not None)

    def _turn(self, row: TurnRow) -> Turn:
        ident = self._ids[row.id]
        notes = self._gathered.notes.of_turn(ident)
        status = shown_status(row.status, row.beat_ns, now_ns=self._now_ns)
        positions = self._positions[row.conversation]
        is_dead = status is Status.ABANDONED
        builder = SpanBuilder(row, self._gathered, positions, is_dead=is_dead)
        observations = builder.observations()
        spans = builder.spans(observations)
        placed = {event.id for span in spans for event in span.events}
        astray = [e for told in notes.span_events.values() for e in told if e.id not in placed]
        turn = Turn(
            id=ident,
            thread_id=row.thread_id,
            status=status,
            started_ns=row.started_ns,
            ended_ns=row.ended_ns,
            kind=cast("Literal['turn', 'trace']", word_of(row.kind, TURN_KINDS)),
            tenant=row.tenant or None,
            name=row.name,
            user_id=row.user_id,
            tags=strings_from(row.tags),
            metadata=mapping_from(row.metadata, partial(self._gathered.blob, row.conversation)),
            continues=None if row.continues is None else unpack_id(row.continues),
            branches_from=self._branches_from(row),
            error=failure_from(None if row.error is None else msgspec.json.decode(row.error)),
            request_span=row.request_span,
            app=row.app,
            environment=row.environment,
            release=row.release,
            messages=self._messages(row),
            tool_observations=observations,
            spans=spans,
            ratings=tuple(notes.ratings),
            feedback=tuple(notes.feedback),
            events=(*notes.events, *astray),
        )
        return read_from(turn, self._gathered.store_path)

    def _message(self, row: MessageRow, ratings: dict[str, float]) -> Message:
        owner = None if row.turn is None else self._gathered.owners.get(row.turn)
        blob = partial(self._gathered.blob, row.conversation)
        return message_from(row, owner, self._threads.get(row.conversation, ""), blob, ratings)

    def _branches_from(self, row: TurnRow) -> str | None:
        if row.branch_at is None:
            return None
        message = self._positions[row.conversation].at(row.branch_at)
        return "" if message is None else message.id

    def _messages(self, turn: TurnRow) -> tuple[Message, ...]:
        at = self._positions[turn.conversation].at
        found = (at(position) for position in self._said.get(turn.id, ()))
        return tuple(message for message in found if message is not None)

    def _at(self, row: MessageRow) -> Message | None:
        return self._positions[row.conversation].at(row.position)

    def _rate_answer(self, turn: TurnRow) -> None:
        """A rating of the turn itself is one of its answer; the newest of both wins."""
        notes = self._gathered.notes.of_turn(self._ids[turn.id])
        ratings = [rating for rating in notes.plain_ratings() if rating.span_id is None]
        if all(rating.message_id for rating in ratings):
            return
        positions = self._positions[turn.conversation]
        for position in reversed(self._said.get(turn.id, ())):
            answer = positions.at(position)
            if answer is not None and answer.role == ASSISTANT and answer.text:
                its_own = [r for r in ratings if r.message_id in {None, answer.id}]
                positions.put(position, replace(answer, rating=its_own[-1].value))
                return


def shown_status(code: int, beat_ns: int | None, *, now_ns: int) -> Status:
    """Return the status of a turn; what runs in a process without a sign of life is abandoned."""
    status = Status(word_of(code, STATUSES))
    if status is Status.RUNNING and (beat_ns is None or beat_ns < now_ns - STALE_NS):
        return Status.ABANDONED
    return status


def _said_positions(gathered: Gathered) -> dict[int, list[int]]:
    """Return by turn where its messages are; those of a trace are context that has a time."""
    traces = {turn.id for turn in gathered.turns if turn.kind == _TRACE}
    said: dict[int, list[int]] = {}
    for rows in gathered.messages.values():
        for row in rows:
            if row.turn is None:
                continue
            told = row.kind == _CONTEXT and row.at_ns is not None and row.turn in traces
            if row.kind == _SAID or told:
                said.setdefault(row.turn, []).append(row.position)
    return said
