"""Keeps a store in memory within its bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from threadline.store.schema import POSITION_BITS

if TYPE_CHECKING:
    import sqlite3

_LEAVE: Final = 0.9
"""Down to which part of the bounds conversations go, so that not every turn makes some go."""

_OF_TURNS: Final = "(SELECT id FROM turn WHERE conversation = ?)"
_BY_TURN: Final = ("span", "tool_observation")
_BY_CONVERSATION: Final = ("turn", "blob", "note", "outbox", "receipt")


def evict_oldest(connection: sqlite3.Connection, limit_bytes: int) -> int:
    """Delete conversations that were not spoken in for longest, until the rest is within bounds.

    Args:
        connection: A store in memory.
        limit_bytes: How large it may be.

    Returns:
        How many turns went.
    """
    if _used_bytes(connection) <= limit_bytes:
        return 0
    turns = 0
    oldest = connection.execute("SELECT id FROM conversation ORDER BY updated_ns, id").fetchall()
    connection.execute("BEGIN")
    for (conversation,) in oldest:
        turns += _evict(connection, conversation)
        if _used_bytes(connection) <= limit_bytes * _LEAVE:
            break
    connection.execute("COMMIT")
    return turns


def _evict(connection: sqlite3.Connection, conversation: int) -> int:
    first = conversation << POSITION_BITS
    connection.execute(
        "DELETE FROM message WHERE id >= ? AND id < ?", (first, first + (1 << POSITION_BITS))
    )
    for table in _BY_TURN:
        connection.execute(f"DELETE FROM {table} WHERE turn IN {_OF_TURNS}", (conversation,))
    turns = connection.execute("SELECT count(*) FROM turn WHERE conversation = ?", (conversation,))
    count: int = turns.fetchone()[0]
    for table in _BY_CONVERSATION:
        connection.execute(f"DELETE FROM {table} WHERE conversation = ?", (conversation,))
    connection.execute("DELETE FROM conversation WHERE id = ?", (conversation,))
    return count


def _used_bytes(connection: sqlite3.Connection) -> int:
    pages, free, size = (
        connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("page_count", "freelist_count", "page_size")
    )
    return (pages - free) * size
