"""Deleting conversations and users, so that nothing brings them back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from threadline.model.message import USER
from threadline.store.alterations import count_alteration
from threadline.store.message_rows import POSITION_MASK
from threadline.store.schema import KINDS, POSITION_BITS, ROLES, TURN_KINDS
from threadline.store.search_index import take_out
from threadline.store.turn_rows import (
    COMMON,
    as_json,
    blobs_needed,
    gather,
    own_ranges,
    turns_of,
)
from threadline.store.writer import tombstone_hash

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable, Sequence

    from threadline.store.turn_rows import TurnRow

DELETED: Final = "[deleted]"
_SAID: Final = KINDS.index("said")
_PRELUDE: Final = KINDS.index("prelude")
_CONTEXT: Final = KINDS.index("context")
_USER: Final = ROLES.index(USER)
_TURN: Final = TURN_KINDS.index("turn")
_PREVIEW: Final = 120
_AT_ONCE: Final = 400
_WHENEVER: Final = 2**63 - 1


class Deletion:
    """One deletion, inside the write transaction that its connection is in; `forget` ends that.

    Args:
        connection: The store.
        tenant: Whose conversations and users are meant.
        now_ns: The time of the deletion.
        until_ns: What began later stays; by default nothing does.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        tenant: str,
        *,
        now_ns: int,
        until_ns: int = _WHENEVER,
    ) -> None:
        self._connection = connection
        self._tenant = tenant
        self._now_ns = now_ns
        self._until_ns = until_ns
        self._parameters: set[bytes] = set()
        self._key = connection.execute("SELECT value FROM meta WHERE key = 'hash_key'").fetchone()[
            0
        ]

    def of_threads(self, thread_ids: Collection[str]) -> int:
        """Delete the conversations of these thread ids; returns how many there were."""
        self._bury(tombstone_hash(self._key, "thread", self._tenant, i) for i in thread_ids)
        marks = ",".join("?" * len(thread_ids))
        found = self._column(
            f"SELECT id FROM conversation WHERE tenant = ? AND thread_id IN ({marks})",
            (self._tenant, *thread_ids),
        )
        count = sum(self._remove(c, self._until_then(c, None)) for c in found)
        self._remove_orphaned_parameters()
        return count

    def of_users(self, user_ids: Collection[str]) -> int:
        """Delete everything of these users; returns how many conversations that concerned."""
        self._bury(tombstone_hash(self._key, "user", self._tenant, i) for i in user_ids)
        concerned = self._conversations_of(user_ids)
        count = sum(self._remove(c, self._until_then(c, user_ids)) for c in concerned)
        self._remove_notes_of(user_ids)
        self._remove_orphaned_parameters()
        return count

    def _until_then(self, conversation: int, user_ids: Collection[str] | None) -> set[int]:
        """Return the turns that are to go: all that began by then, or those of some users."""
        marks = ",".join("?" * len(user_ids or ()))
        whose = "" if user_ids is None else f" AND coalesce(t.user_id, c.user_id) IN ({marks})"
        return set(
            self._column(
                "SELECT t.id FROM turn t JOIN conversation c ON c.id = t.conversation"
                f" WHERE c.id = ? AND t.started_ns <= ?{whose}",
                (conversation, self._until_ns, *(user_ids or ())),
            )
        )

    def _remove(self, conversation: int, theirs: Collection[int]) -> bool:
        """Remove turns, and the conversation where no other is left; tells whether it lost any."""
        turns = turns_of(self._connection, conversation)
        count_alteration(self._connection)
        if len(theirs) == len(turns):
            self._remove_whole(conversation)
        elif theirs:
            self._remove_some(conversation, turns, theirs)
        return len(theirs) == len(turns) or bool(theirs)

    def _conversations_of(self, user_ids: Collection[str]) -> list[int]:
        marks = ",".join("?" * len(user_ids))
        return self._column(
            f"SELECT id FROM conversation WHERE tenant = ? AND user_id IN ({marks})"
            " UNION SELECT c.id FROM turn t JOIN conversation c ON c.id = t.conversation"
            f" WHERE c.tenant = ? AND t.user_id IN ({marks})",
            (self._tenant, *user_ids, self._tenant, *user_ids),
        )

    def _remove_whole(self, conversation: int) -> None:
        first = conversation << POSITION_BITS
        turns = turns_of(self._connection, conversation)
        self._remove_turns(turns)
        self._bury_said(first, first | POSITION_MASK)
        self._execute(
            "DELETE FROM message WHERE id BETWEEN ? AND ?", (first, first | POSITION_MASK)
        )
        self._execute("DELETE FROM blob WHERE conversation = ?", (conversation,))
        self._remove_notes("conversation = ?", (conversation,))
        self._execute("DELETE FROM outbox WHERE conversation = ?", (conversation,))
        self._execute("DELETE FROM receipt WHERE conversation = ?", (conversation,))
        self._execute("DELETE FROM conversation WHERE id = ?", (conversation,))

    def _remove_some(
        self, conversation: int, turns: Sequence[TurnRow], theirs: Collection[int]
    ) -> None:
        """Take turns out of a conversation that others go on with.

        Their messages' rows stay, hollow: positions are counted, and inputs of later model calls
        refer to them.
        """
        ranges = own_ranges(self._connection, turns)
        gone = as_json(theirs)
        self._remove_turns([turn for turn in turns if turn.id in theirs])
        for first, last in (ranges[turn] for turn in theirs if turn in ranges):
            bounds = (conversation << POSITION_BITS | first, conversation << POSITION_BITS | last)
            self._bury_said(*bounds, turns=gone)
            self._execute(
                "UPDATE message SET turn = NULL, kind = ?, name = NULL, text = ?, parts = NULL,"
                " digest = x'', framework_id = NULL, at_ns = NULL, partial = NULL, metadata = NULL"
                " WHERE id BETWEEN ? AND ?"
                " AND (turn IN (SELECT value FROM json_each(?)) OR (turn IS NULL AND kind = ?))",
                (_CONTEXT, DELETED, *bounds, gone, _PRELUDE),
            )
        self._remove_orphaned_blobs(conversation)
        self._describe_anew(conversation)

    def _remove_turns(self, turns: Sequence[TurnRow]) -> None:
        """Remove turns with all that hangs on them, apart from their messages."""
        take_out(self._connection, turns)
        gone = as_json(turn.id for turn in turns)
        given = self._connection.execute(
            "SELECT DISTINCT request FROM span WHERE request IS NOT NULL"
            " AND turn IN (SELECT value FROM json_each(?))",
            (gone,),
        )
        self._parameters.update(digest for (digest,) in given)
        for table in ("span", "tool_observation"):
            self._execute(
                f"DELETE FROM {table} WHERE turn IN (SELECT value FROM json_each(?))", (gone,)
            )
        ids = "SELECT t.turn_id FROM turn t WHERE t.id IN (SELECT value FROM json_each(?))"
        self._remove_notes(f"turn_id IN ({ids})", (gone,))
        self._execute(
            f"DELETE FROM outbox WHERE kind IN ('turn', 'trace') AND record_id IN ({ids})", (gone,)
        )
        places = ids.replace("t.turn_id", "t.conversation")
        self._execute(
            f"DELETE FROM receipt WHERE conversation IN ({places}) AND record_id IN ({ids})",
            (gone, gone),
        )
        self._execute("DELETE FROM turn WHERE id IN (SELECT value FROM json_each(?))", (gone,))

    def _remove_notes(self, which: str, values: Sequence[object]) -> None:
        self._execute(
            "DELETE FROM outbox WHERE kind NOT IN ('turn', 'trace')"
            f" AND record_id IN (SELECT id FROM note WHERE {which})",
            values,
        )
        self._execute(f"DELETE FROM note WHERE {which}", values)

    def _remove_notes_of(self, user_ids: Collection[str]) -> None:
        """Remove what these users noted in conversations of others."""
        tenants = (
            "SELECT n.id FROM note n LEFT JOIN turn t ON t.turn_id = n.turn_id"
            " JOIN conversation c ON c.id = coalesce(n.conversation, t.conversation)"
            " WHERE c.tenant = ?"
        )
        marks = ",".join("?" * len(user_ids))
        self._remove_notes(
            f"json_extract(record, '$.user_id') IN ({marks}) AND id IN ({tenants})",
            (*user_ids, self._tenant),
        )

    def _remove_orphaned_blobs(self, conversation: int) -> None:
        left = gather(
            self._connection, turns_of(self._connection, conversation), whole=conversation
        )
        needed = {digest for place, digest in blobs_needed(left) if place == conversation}
        held = self._connection.execute(
            "SELECT digest FROM blob WHERE conversation = ?", (conversation,)
        ).fetchall()
        self._connection.executemany(
            "DELETE FROM blob WHERE conversation = ? AND digest = ?",
            [(conversation, digest) for (digest,) in held if digest not in needed],
        )

    def _remove_orphaned_parameters(self) -> None:
        """Remove parameters of model calls that no call is left of: they may name a user."""
        digests = list(self._parameters)
        self._parameters.clear()
        for start in range(0, len(digests), _AT_ONCE):
            some = digests[start : start + _AT_ONCE]
            marks = ",".join("?" * len(some))
            self._execute(
                f"DELETE FROM blob WHERE conversation = ? AND digest IN ({marks}) AND digest NOT IN"
                f" (SELECT request FROM span WHERE request IN ({marks}))",
                (COMMON, *some, *some),
            )

    def _describe_anew(self, conversation: int) -> None:
        """Let the conversation's own row tell of what is left of it."""
        first = conversation << POSITION_BITS
        left = [t for t in turns_of(self._connection, conversation) if t.kind == _TURN]
        newest = left[-1] if left else None
        said = self._column(
            f"SELECT count(*) FROM message WHERE id BETWEEN ? AND ? AND kind = {_SAID}",
            (first, first | POSITION_MASK),
        )[0]
        words = self._connection.execute(
            f"SELECT substr(text, 1, {2 * _PREVIEW}) FROM message WHERE id BETWEEN ? AND ?"
            f" AND kind = {_SAID} AND role = {_USER} AND text IS NOT NULL ORDER BY id DESC LIMIT 1",
            (first, first | POSITION_MASK),
        ).fetchone()
        self._execute(
            "UPDATE conversation SET turns = ?, said = ?, preview = ?, last_status = ?,"
            " user_id = ?, title = NULL WHERE id = ?",
            (
                len(left),
                said,
                None if words is None else " ".join(words[0].split())[:_PREVIEW],
                None if newest is None else newest.status,
                next((t.user_id for t in reversed(left) if t.user_id is not None), None),
                conversation,
            ),
        )

    def _bury_said(self, first: int, last: int, *, turns: str | None = None) -> None:
        """Remember by their digests the messages that were said, so that no history tells them."""
        which = "" if turns is None else " AND turn IN (SELECT value FROM json_each(?))"
        found = self._connection.execute(
            f"SELECT digest FROM message WHERE id BETWEEN ? AND ? AND kind = {_SAID}{which}",
            (first, last) if turns is None else (first, last, turns),
        )
        self._bury(digest for (digest,) in found.fetchall())

    def _bury(self, hashes: Iterable[bytes]) -> None:
        self._connection.executemany(
            "INSERT INTO tombstone VALUES (?, ?)"
            " ON CONFLICT (hash) DO UPDATE SET at_ns = excluded.at_ns",
            [(hash_, self._now_ns) for hash_ in hashes],
        )

    def _column(self, statement: str, values: Sequence[object]) -> list[int]:
        return [row[0] for row in self._connection.execute(statement, values)]

    def _execute(self, statement: str, values: Sequence[object]) -> None:
        self._connection.execute(statement, values)
