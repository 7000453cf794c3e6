"""The rows that one transaction adds, and the few statements that write them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from threadline.store.values import BlobShelf

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from threadline.store.held import Held

_CHUNKS: Final = (32, 16, 8, 4, 2, 1)
"""How many rows a statement takes: few distinct statements, so that SQLite keeps them prepared."""


class Rows:
    """The rows that one transaction adds; they are written together, table by table."""

    def __init__(self, key: bytes) -> None:
        self.shelf = BlobShelf(key)
        self.blobs: dict[tuple[int, bytes], bytes] = {}
        self.conversations: dict[int, Held] = {}
        self.messages: list[tuple[Any, ...]] = []
        self.turns: list[tuple[Any, ...]] = []
        self.spans: list[tuple[Any, ...]] = []
        self.observations: list[tuple[Any, ...]] = []
        self.notes: list[tuple[Any, ...]] = []
        self.outbox: list[tuple[Any, ...]] = []

    def keep_blobs(self, conversation: int) -> None:
        """Give the values that lie on the shelf to `conversation`."""
        for digest, data in self.shelf.blobs.items():
            self.blobs[conversation, digest] = data
        self.shelf.blobs = {}


def insert_rows(connection: sqlite3.Connection, rows: Rows) -> None:
    """Write all of `rows`, with one statement for each run of rows of a table."""
    conversations = [_conversation_row(held) for held in rows.conversations.values()]
    _insert(connection, "conversation", _CONVERSATION, conversations, _CONVERSATION_UPDATE)
    _insert(connection, "turn", _TURN, rows.turns, "OR REPLACE")
    _insert(connection, "message", _MESSAGE, rows.messages, "OR REPLACE")
    _insert(connection, "span", _SPAN, rows.spans, "OR REPLACE")
    _insert(connection, "tool_observation", _OBSERVATION, rows.observations, "OR REPLACE")
    blobs = [(c, digest, data) for (c, digest), data in rows.blobs.items()]
    _insert(connection, "blob", "conversation, digest, data", blobs, "OR IGNORE")
    _insert(
        connection,
        "note",
        "id, kind, conversation, turn_id, at_ns, value, record",
        rows.notes,
        "OR IGNORE",
    )
    _insert(
        connection, "outbox", "destination, kind, conversation, record_id", rows.outbox, "OR IGNORE"
    )


def _insert(
    connection: sqlite3.Connection,
    table: str,
    columns: str,
    rows: Sequence[tuple[Any, ...]],
    how: str,
) -> None:
    done = 0
    while done < len(rows):
        size = next(c for c in _CHUNKS if c <= len(rows) - done)
        statement = _statement(table, columns, how, size)
        flat = [_NULL if v is None else v for row in rows[done : done + size] for v in row]
        connection.execute(statement, flat)
        done += size


_NULL: Final = float("nan")
"""NULL, as SQLite takes NaN (`sqlite3_bind_double`).

For each None (and bytes) Python asks its adapters, and raises and drops an exception on the way;
for a float (and a bytearray) it does not.
"""


def _conversation_row(held: Held) -> tuple[Any, ...]:
    return (
        held.id,
        held.tenant,
        held.thread_id,
        int(held.generated),
        held.user_id,
        held.title,
        msgspec.json.encode(held.tags).decode() if held.tags else None,
        msgspec.json.encode(held.metadata).decode() if held.metadata else None,
        held.created_ns,
        held.updated_ns,
        held.next_position,
        held.turns,
        held.said,
        held.preview,
        held.last_status,
    )


_CONVERSATION: Final = (
    "id, tenant, thread_id, generated, user_id, title, tags, metadata, created_ns, updated_ns,"
    " next_position, turns, said, preview, last_status"
)
_CONVERSATION_UPDATE: Final = "ON CONFLICT (id) DO UPDATE SET " + ", ".join(
    f"{name} = excluded.{name}"
    for name in (
        "generated",
        "user_id",
        "title",
        "tags",
        "metadata",
        "updated_ns",
        "next_position",
        "turns",
        "said",
        "preview",
        "last_status",
    )
)
_TURN: Final = (
    "id, turn_id, conversation, kind, status, started_ns, ended_ns, first_position, process, name,"
    " user_id, tags, metadata, error, continues, branch_at, request_span"
)
_MESSAGE: Final = (
    "id, turn, kind, role, name, text, parts, digest, framework_id, at_ns, partial, metadata"
)
_SPAN: Final = (
    "turn, n, parent, kind, status, name, started, ended, first_chunk, run_id, model,"
    " provider, input, output, request, input_tokens, output_tokens, cache_read_tokens,"
    " cache_write_tokens, reasoning_tokens, finish_reason, detail"
)
_OBSERVATION: Final = (
    "turn, n, name, outcome, call_id, call_at, result_at, arguments, result, error,"
    " started, ended, spans, decision"
)
_STATEMENTS: dict[tuple[str, int, int], str] = {}


def _statement(table: str, columns: str, how: str, size: int) -> str:
    key = (table, len(columns), size)
    statement = _STATEMENTS.get(key)
    if statement is None:
        before, after = ("", how) if how.startswith("ON") else (how, "")
        marks = "(" + ",".join("?" * (columns.count(",") + 1)) + ")"
        values = ",".join([marks] * size)
        statement = f"INSERT {before} INTO {table} ({columns}) VALUES {values} {after}"
        _STATEMENTS[key] = statement
    return statement
