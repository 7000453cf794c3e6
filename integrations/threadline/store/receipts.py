"""What destinations gave back for what they took, such as ids of their own: kept after delivery.

A later rating needs the id that a message has there, and what is appended to a conversation may
have to repeat what its first request said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping

_WHOLE: Final = ""
"""Stands where a record's id stands, for what is kept with the conversation itself."""

_READ: Final = """
SELECT record_id, data FROM receipt WHERE destination = ? AND conversation = ?
  AND record_id IN (?, ?, (SELECT n.turn_id FROM note n WHERE n.id = ?))
"""


class Receipts(NamedTuple):
    """What a destination gave back: for a record, and for its conversation.

    For a note, `record` is what came back for the turn that it is about.
    """

    record: Mapping[str, Any]
    conversation: Mapping[str, Any]


NONE: Final = Receipts({}, {})


def read_receipts(
    connection: sqlite3.Connection,
    destination: str,
    conversation: int | None,
    record_id: bytes | str,
) -> Receipts:
    """Read what `destination` gave back for a record and for its conversation."""
    if conversation is None:
        return NONE
    values = (destination, conversation, _WHOLE, record_id, record_id)
    found = dict(connection.execute(_READ, values).fetchall())
    whole = _decoded(found.pop(_WHOLE, None))
    return Receipts(_decoded(next(iter(found.values()), None)), whole)


def keep_receipts(
    connection: sqlite3.Connection,
    destination: str,
    kept: Iterable[tuple[int | None, bytes | str, Receipts]],
) -> None:
    """Keep what `destination` gave back; each is a conversation, a record's id, and what came."""
    for conversation, record_id, receipts in kept:
        for ident, data in ((record_id, receipts.record), (_WHOLE, receipts.conversation)):
            if data and conversation is not None:
                connection.execute(
                    "INSERT OR REPLACE INTO receipt VALUES (?, ?, ?, ?)",
                    (destination, conversation, ident, msgspec.json.encode(data).decode()),
                )


def _decoded(text: str | None) -> dict[str, Any]:
    return {} if text is None else msgspec.json.decode(text)
