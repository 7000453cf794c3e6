"""What taking in conversations from elsewhere asks of a store and changes in it, in SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from threadline.ids import derived_uuid
from threadline.store.alterations import count_alteration
from threadline.store.schema import KINDS
from threadline.store.tombstones import FOREIGN_KEYS
from threadline.store.turn_rows import as_json

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from threadline.store.connections import Database

_SAID: Final = KINDS.index("said")
_PRELUDE: Final = KINDS.index("prelude")
_CONTEXT: Final = KINDS.index("context")
_NOWHERE: Final = "elsewhere"


def first_positions(connection: sqlite3.Connection, turns: Iterable[int]) -> dict[int, int]:
    """Return, by the row of a turn, the position that its messages' ids count from."""
    found = connection.execute(
        "SELECT t.id, coalesce(t.first_position, 0) FROM json_each(?) AS wanted"
        " CROSS JOIN turn t WHERE t.id = wanted.value",
        (as_json(turns),),
    )
    return dict(found.fetchall())


def process_elsewhere(
    connection: sqlite3.Connection, app: str | None, environment: str | None, release: str | None
) -> int | None:
    """Return the row that tells where turns were recorded; None where nobody said.

    It never shows a sign of life: a turn that was under way elsewhere counts as abandoned, until
    the whole of it comes.
    """
    told = (app, environment, release)
    if not any(told):
        return None
    writer = derived_uuid(_NOWHERE, *(word or "" for word in told)).bytes
    row = connection.execute("SELECT id FROM process WHERE writer = ?", (writer,)).fetchone()
    if row is None:
        row = connection.execute(
            "INSERT INTO process (writer, pid, host, app, environment, release, started_ns,"
            " beat_ns) VALUES (?,0,?,?,?,?,0,0) RETURNING id",
            (writer, _NOWHERE, *told),
        ).fetchone()
    return int(row[0])


def hide_prelude(connection: sqlite3.Connection, messages: Iterable[int]) -> None:
    """Let history that nobody had heard be seen by models only: now it is told by its own turn."""
    count_alteration(connection)
    connection.execute(
        f"UPDATE message SET kind = {_CONTEXT} WHERE kind = {_PRELUDE}"
        " AND id IN (SELECT value FROM json_each(?))",
        (as_json(messages),),
    )


def take_back(connection: sqlite3.Connection, turn: int) -> list[int]:
    """Take what a turn under way had said out of the transcript: the whole of it comes now.

    Its messages stay for models to have seen: places are counted, and inputs refer to them.

    Returns:
        The rows of the messages that it had said.
    """
    count_alteration(connection)
    said = connection.execute(
        f"SELECT id FROM message WHERE turn = ? AND kind = {_SAID}", (turn,)
    ).fetchall()
    connection.execute(
        f"UPDATE message SET kind = {_CONTEXT}, turn = NULL, at_ns = NULL WHERE turn = ?", (turn,)
    )
    for table in ("span", "tool_observation"):
        connection.execute(f"DELETE FROM {table} WHERE turn = ?", (turn,))
    return [row for (row,) in said]


def begin_earlier(connection: sqlite3.Connection, conversation: int, created_ns: int) -> None:
    """Let a conversation have begun at this time, if that is before what is known."""
    connection.execute(
        "UPDATE conversation SET created_ns = min(created_ns, ?) WHERE id = ?",
        (created_ns, conversation),
    )


def known_notes(connection: sqlite3.Connection, ids: Iterable[bytes | str]) -> set[bytes | str]:
    """Return those notes that the store has."""
    found = (
        connection.execute("SELECT id FROM note WHERE id = ?", (ident,)).fetchone()
        for ident in set(ids)
    )
    return {row[0] for row in found if row is not None}


def foreign_keys(connection: sqlite3.Connection) -> tuple[bytes, ...]:
    """Return the keys of the stores whose deletions are held here too."""
    return tuple(key for (key,) in connection.execute(FOREIGN_KEYS))


def every_thread(database: Database) -> list[tuple[str, str]]:
    """Return the tenant and the thread id of every conversation, the oldest first.

    Raises:
        StoreError: if the store cannot be read.
    """
    with database.read() as connection:
        return connection.execute(
            "SELECT tenant, thread_id FROM conversation ORDER BY id"
        ).fetchall()
