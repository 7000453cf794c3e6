"""Indexes for filters that few turns fit: made by who looks into a large store, not by who records.

A small store is read through in no time, and every index costs each of them a page; in a large one
a rare user or model would be looked for in all of it. What is made stays, and every program that
writes keeps it up to date, older ones too.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

from threadline.errors import StoreError

if TYPE_CHECKING:
    import sqlite3

    from threadline.store.connections import Database

WORTH_IT: Final = 5_000
"""In a store of so many turns looking at all of them takes a noticeable time."""

_BUSY_S: Final = 1.0
INDEXES: Final = {
    # what ended well is not worth one
    "turn_user": "turn (user_id, conversation) WHERE user_id IS NOT NULL",
    "turn_status": "turn (status, conversation) WHERE status <> 0",
    "turn_tags": "turn (tags, conversation) WHERE tags IS NOT NULL",
    "conversation_user": "conversation (user_id) WHERE user_id IS NOT NULL",
    "conversation_tags": "conversation (tags) WHERE tags IS NOT NULL",
    "span_model": "span (model, turn) WHERE model IS NOT NULL",
    "note_rating": "note (kind, value, conversation, turn_id)",
}


def make_filter_indexes(database: Database, *, worth_it: int = WORTH_IT) -> int:
    """Make the indexes that a large store has not yet, each in a transaction of its own.

    Returns:
        How many were made; none where the store is small or cannot be written now.
    """
    made = 0
    with contextlib.suppress(StoreError):
        with database.read() as connection:
            missing = _missing(connection) if _is_large(connection, worth_it) else []
        for name in missing:
            with database.write(busy_s=_BUSY_S) as connection:
                connection.execute(f"CREATE INDEX IF NOT EXISTS {name} ON {INDEXES[name]}")
            made += 1
    return made


def _is_large(connection: sqlite3.Connection, turns: int) -> bool:
    newest = connection.execute("SELECT max(id) FROM turn").fetchone()[0]
    return newest is not None and newest >= turns


def _missing(connection: sqlite3.Connection) -> list[str]:
    rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'index'")
    there = {name for (name,) in rows}
    return [name for name in INDEXES if name not in there]
