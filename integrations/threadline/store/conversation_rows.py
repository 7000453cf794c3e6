"""Conversations: their own row, and their short form for lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec.structs import replace

from threadline.model.conversation import Conversation
from threadline.model.listing import ConversationSummary
from threadline.store.message_rows import mapping_from, strings_from
from threadline.store.schema import STATUSES
from threadline.store.turn_model import Rebuilder, shown_status
from threadline.store.turn_rows import gather, turns_of

if TYPE_CHECKING:
    import sqlite3

    from threadline.model.conversation import IdSource
    from threadline.store.note_rows import Notes


class ConversationRow(NamedTuple):
    """One row of the table `conversation`; `beat_ns` is known where its last turn is under way."""

    id: int
    tenant: str
    thread_id: str
    generated: int
    user_id: str | None
    title: str | None
    tags: str | None
    metadata: str | None
    created_ns: int
    updated_ns: int
    turns: int
    said: int
    preview: str | None
    last_status: int | None
    beat_ns: int | None

    @property
    def id_source(self) -> IdSource:
        """Who gave the thread id."""
        return "generated" if self.generated else "application"


CONVERSATION_COLUMNS: Final = (
    "c.id, c.tenant, c.thread_id, c.generated, c.user_id, c.title, c.tags, c.metadata,"
    " c.created_ns, c.updated_ns, c.turns, c.said, c.preview, c.last_status,"
    f" CASE WHEN c.last_status = {STATUSES.index('running')} THEN (SELECT max(p.beat_ns)"
    " FROM turn r JOIN process p ON p.id = r.process"
    f" WHERE r.conversation = c.id AND r.status = {STATUSES.index('running')}) END"
)


def conversation_by_key(
    connection: sqlite3.Connection, tenant: str, thread_ids: tuple[str, ...]
) -> ConversationRow | None:
    """Return the conversation of the first of these thread ids that there is."""
    for thread_id in thread_ids:
        row = connection.execute(
            f"SELECT {CONVERSATION_COLUMNS} FROM conversation c"
            " WHERE c.tenant = ? AND c.thread_id = ?",
            (tenant, thread_id),
        ).fetchone()
        if row is not None:
            return ConversationRow._make(row)
    return None


def conversation_from(
    connection: sqlite3.Connection, row: ConversationRow, *, now_ns: int
) -> Conversation:
    """Read everything of a conversation."""
    gathered = gather(connection, turns_of(connection, row.id), whole=row.id)
    rebuilder = Rebuilder(gathered, now_ns=now_ns)
    read = conversation_of(row, rebuilder, gathered.notes)
    return replace(read, superseded=rebuilder.superseded(row.id))


def conversation_of(row: ConversationRow, rebuilder: Rebuilder, noted: Notes) -> Conversation:
    """Return a conversation with the turns that were gathered; what is left behind apart."""
    notes = noted.of_conversation(row.id)
    return Conversation(
        thread_id=row.thread_id,
        tenant=row.tenant or None,
        id_source=row.id_source,
        user_id=row.user_id,
        title=row.title,
        tags=strings_from(row.tags),
        metadata=mapping_from(row.metadata, lambda _: None),
        created_ns=row.created_ns,
        updated_ns=row.updated_ns,
        prelude=rebuilder.prelude(row.id),
        turns=rebuilder.turns(),
        ratings=tuple(notes.ratings),
        feedback=tuple(notes.feedback),
        events=tuple(notes.events),
    )


def summary_from(row: ConversationRow, *, now_ns: int) -> ConversationSummary:
    """Return the short form of a conversation."""
    code = row.last_status
    status = None if code is None else shown_status(code, row.beat_ns, now_ns=now_ns)
    return ConversationSummary(
        thread_id=row.thread_id,
        tenant=row.tenant or None,
        id_source=row.id_source,
        user_id=row.user_id,
        title=row.title,
        tags=strings_from(row.tags),
        created_ns=row.created_ns,
        updated_ns=row.updated_ns,
        turn_count=row.turns,
        message_count=row.said,
        last_status=status,
        preview=row.preview or "",
    )
