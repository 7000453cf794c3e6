"""Stretches of conversations: a long one is read as far as somebody looks, and no further."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from msgspec.structs import replace

from threadline.ids import pack_id, unpack_id
from threadline.model.span import Usage
from threadline.model.stretch import Stretch
from threadline.store.branches import left_behind
from threadline.store.conversation_rows import conversation_of
from threadline.store.note_rows import target_of
from threadline.store.schema import KINDS, POSITION_BITS, SPAN_KINDS, TURN_KINDS
from threadline.store.turn_model import Rebuilder
from threadline.store.turn_rows import gather, turns_by_row, turns_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from threadline.model.conversation import Conversation
    from threadline.model.turn import Turn
    from threadline.store.conversation_rows import ConversationRow

_TURN: Final = TURN_KINDS.index("turn")
_BEFORE: Final = 3
"""How many turns are shown before the one that was asked for."""

_ADDED_UP: Final = 500
"""Of how many turns tokens are added up while somebody waits."""

_PLACES: Final = (
    "SELECT id, turn_id, kind, branch_at FROM turn WHERE conversation = ? ORDER BY started_ns, id"
)
_USAGE: Final = (
    "SELECT sum(s.input_tokens), sum(s.output_tokens), sum(s.cache_read_tokens),"
    " sum(s.cache_write_tokens), sum(s.reasoning_tokens)"
    " FROM turn t CROSS JOIN span s ON s.turn = t.id"
    f" WHERE t.conversation = ? AND s.kind = {SPAN_KINDS.index('llm')}"
)
_SAID: Final = (
    f"SELECT turn, id & {(1 << POSITION_BITS) - 1} FROM message WHERE id BETWEEN ? AND ?"
    f" AND kind = {KINDS.index('said')} AND turn IS NOT NULL"
)


class _Place(NamedTuple):
    """A turn of the conversation, as far as its place is concerned."""

    id: int
    turn_id: bytes | str
    kind: int
    branch_at: int | None


def stretch_from(
    connection: sqlite3.Connection,
    row: ConversationRow,
    *,
    first: int,
    turn_id: str | None,
    limit: int,
    now_ns: int,
) -> Stretch:
    """Read some turns of a conversation.

    Args:
        connection: The store.
        row: The conversation.
        first: Where to begin; a negative number counts from the end.
        turn_id: The turn to begin shortly before, where the conversation has it.
        limit: How many turns to read at most.
        now_ns: What time it is.
    """
    places = [_Place._make(place) for place in connection.execute(_PLACES, (row.id,))]
    start = _start(places, first, turn_id)
    rows = turns_by_row(connection, [place.id for place in places[start : start + limit]])
    is_first = start == 0 and bool(rows)
    before = [(0, rows[0].first_position or 0)] if is_first else []
    gathered = gather(connection, rows, outline=row.id, more={row.id: before})
    rebuilder = Rebuilder(gathered, now_ns=now_ns)
    read = conversation_of(row, rebuilder, gathered.notes)
    return Stretch(
        conversation=_without_others(
            replace(read, superseded=_superseded(connection, row.id, places, read.turns)),
            places,
        ),
        first=start,
        number=_said(places[:start]),
        length=len(places),
        turn_count=_said(places),
        message_count=row.said,
        usage=_usage(connection, row.id) if len(places) <= _ADDED_UP else None,
    )


def _start(places: Sequence[_Place], first: int, turn_id: str | None) -> int:
    if turn_id is not None:
        wanted = pack_id(turn_id)
        for number, place in enumerate(places):
            if place.turn_id == wanted:
                return max(0, number - _BEFORE)
    start = first if first >= 0 else len(places) + first
    return min(max(0, start), len(places))


def _said(places: Sequence[_Place]) -> int:
    return sum(place.kind == _TURN for place in places)


def _without_others(conversation: Conversation, places: Sequence[_Place]) -> Conversation:
    """Leave out what was noted about turns of other stretches."""
    if not (conversation.ratings or conversation.feedback or conversation.events):
        return conversation
    others = {unpack_id(place.turn_id) for place in places}

    def kept(notes: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(note for note in notes if target_of(note) not in others)

    return replace(
        conversation,
        ratings=kept(conversation.ratings),
        feedback=kept(conversation.feedback),
        events=kept(conversation.events),
    )


def _superseded(
    connection: sqlite3.Connection,
    conversation: int,
    places: Sequence[_Place],
    shown: Sequence[Turn],
) -> tuple[str, ...]:
    """Return the ids of messages that newer branches left behind, of the turns that are shown."""
    if all(place.branch_at is None for place in places):
        return ()
    low = conversation << POSITION_BITS
    said: dict[int, list[int]] = {}
    for turn, position in connection.execute(_SAID, (low, low | (1 << POSITION_BITS) - 1)):
        said.setdefault(turn, []).append(position)
    turns = turns_of(connection, conversation)
    left = set(left_behind(turns, said))
    owners = {
        position: f"{unpack_id(turn.turn_id)}:{position - (turn.first_position or 0)}"
        for turn in turns
        for position in said.get(turn.id, ())
    }
    known = {message.id for turn in shown for message in turn.messages}
    return tuple(owners[place] for place in sorted(left) if owners[place] in known)


def _usage(connection: sqlite3.Connection, conversation: int) -> Usage | None:
    sums = connection.execute(_USAGE, (conversation,)).fetchone()
    if all(value is None for value in sums):
        return None
    return Usage(**dict(zip(Usage.__struct_fields__, sums, strict=True)))
