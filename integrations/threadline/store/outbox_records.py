"""The records that outbox rows stand for, with what their conversations say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from threadline.ids import pack_id
from threadline.model.feedback import Event, Feedback, Rating
from threadline.model.turn import Turn
from threadline.store.message_rows import mapping_from, strings_from
from threadline.store.turn_model import Rebuilder
from threadline.store.turn_rows import gather, turn_by_id

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence

Key = tuple[str, bytes | str]
"""Kind and packed id of a record."""

Shipped = Turn | Rating | Feedback | Event

_TURN_KINDS: Final = frozenset({"turn", "trace"})
_decode_note: Final = msgspec.json.Decoder(Rating | Feedback | Event).decode
_NOTE: Final = """
SELECT n.record, coalesce(n.conversation, t.conversation)
FROM note n LEFT JOIN turn t ON t.turn_id = n.turn_id WHERE n.id = ?
"""
_CONVERSATION: Final = (
    "SELECT thread_id, tenant, generated, user_id, title, tags, metadata"
    " FROM conversation WHERE id = ?"
)


class ConversationFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a conversation says of itself, beside its turns.

    `is_generated` tells that the application gave no thread id: it is never passed off as one.
    """

    thread_id: str
    tenant: str | None = None
    is_generated: bool = False
    user_id: str | None = None
    title: str | None = None
    tags: tuple[str, ...] = ()
    metadata: dict[str, Any] = {}


class OutboxRecord(NamedTuple):
    """A record and its conversation; None for a note about what this store does not hold.

    `about` is the turn that a rating of a message or a span is about.
    """

    record: Shipped
    conversation: ConversationFacts | None
    about: Turn | None = None


def read_records(
    connection: sqlite3.Connection, keys: Sequence[Key], *, now_ns: int
) -> dict[Key, OutboxRecord]:
    """Read the records of these keys; what is not there any more is left out."""
    facts: dict[int, ConversationFacts | None] = {}
    found: dict[Key, OutboxRecord] = {}
    for key, record, conversation in (
        *_turns(connection, keys, now_ns=now_ns),
        *_notes(connection, keys),
    ):
        if conversation is not None and conversation not in facts:
            facts[conversation] = _facts(connection, conversation)
        about = None if conversation is None else facts[conversation]
        found[key] = OutboxRecord(record, about)
    rated = {key: turn_key for key, it in found.items() if (turn_key := _rated(it.record))}
    turns = {key: turn for key, turn, _ in _turns(connection, [*{*rated.values()}], now_ns=now_ns)}
    for key, turn_key in rated.items():
        found[key] = found[key]._replace(about=turns.get(turn_key))
    return found


def _rated(record: Shipped) -> Key | None:
    """Return the turn of which a rating judges a message or a span."""
    if not isinstance(record, Rating) or not (record.message_id or record.span_id):
        return None
    return None if record.turn_id is None else ("turn", pack_id(record.turn_id))


def _turns(
    connection: sqlite3.Connection, keys: Sequence[Key], *, now_ns: int
) -> Iterator[tuple[Key, Turn, int]]:
    named = [(key, turn_by_id(connection, key[1])) for key in keys if key[0] in _TURN_KINDS]
    rows = [(key, row) for key, row in named if row is not None]
    if rows:
        gathered = gather(connection, [row for _, row in rows])
        turns = Rebuilder(gathered, now_ns=now_ns).turns()
        for (key, row), turn in zip(rows, turns, strict=True):
            yield key, turn, row.conversation


def _notes(
    connection: sqlite3.Connection, keys: Sequence[Key]
) -> Iterator[tuple[Key, Shipped, int | None]]:
    for key in keys:
        if key[0] not in _TURN_KINDS:
            row = connection.execute(_NOTE, (key[1],)).fetchone()
            if row is not None:
                yield key, _decode_note(row[0]), row[1]


def _facts(connection: sqlite3.Connection, conversation: int) -> ConversationFacts | None:
    row = connection.execute(_CONVERSATION, (conversation,)).fetchone()
    if row is None:
        return None
    thread_id, tenant, generated, user_id, title, tags, metadata = row
    return ConversationFacts(
        thread_id=thread_id,
        tenant=tenant or None,
        is_generated=bool(generated),
        user_id=user_id,
        title=title,
        tags=strings_from(tags),
        metadata=mapping_from(metadata, lambda _: None),
    )
