"""What another store deleted, held to here too: for what is here, and for what comes later."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from threadline.ids import KEY_BYTES, keyed_digest
from threadline.store.deletion import Deletion
from threadline.store.search_index import forget
from threadline.store.tombstones import FOREIGN_KEY, tombstone_hash

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from threadline.store.connections import Database

_BUSY_S = 10.0


class ForeignDeletions(NamedTuple):
    """What was deleted from a store: when, by keyed hash, and the key."""

    key: bytes
    times: dict[bytes, int]

    @classmethod
    def of(cls, database: Database) -> ForeignDeletions:
        """Read what was deleted from a store.

        Raises:
            StoreError: if it cannot be read.
        """
        with database.read() as connection:
            row = connection.execute("SELECT value FROM meta WHERE key = 'hash_key'").fetchone()
            found = connection.execute("SELECT hash, at_ns FROM tombstone").fetchall()
        return cls(bytes(KEY_BYTES) if row is None else row[0], dict(found))

    def apply(self, database: Database) -> int:
        """Delete from a store what it still has of it, and keep the rest of it out.

        Returns:
            How many conversations were deleted, or lost turns.

        Raises:
            StoreError: if the store cannot be written.
        """
        if not self.times:
            return 0
        with database.write(busy_s=_BUSY_S, deletes=True) as connection:
            count = sum(self._delete(connection))
            if count:
                forget(connection)
            self._keep(connection)
        database.checkpoint()
        return count

    def _delete(self, connection: sqlite3.Connection) -> Iterator[int]:
        threads = connection.execute("SELECT tenant, thread_id FROM conversation").fetchall()
        for tenant, thread_id in threads:
            at_ns = self._deleted_at("thread", tenant, thread_id)
            if at_ns is not None:
                deletion = Deletion(connection, tenant, now_ns=at_ns, until_ns=at_ns)
                yield deletion.of_threads([thread_id])
        users = connection.execute(
            "SELECT tenant, user_id FROM conversation WHERE user_id IS NOT NULL UNION"
            " SELECT c.tenant, t.user_id FROM turn t JOIN conversation c ON c.id = t.conversation"
            " WHERE t.user_id IS NOT NULL"
        ).fetchall()
        for tenant, user_id in users:
            at_ns = self._deleted_at("user", tenant, user_id)
            if at_ns is not None:
                deletion = Deletion(connection, tenant, now_ns=at_ns, until_ns=at_ns)
                yield deletion.of_users([user_id])

    def _deleted_at(self, kind: str, tenant: str, name: str) -> int | None:
        return self.times.get(tombstone_hash(self.key, kind, tenant, name))

    def _keep(self, connection: sqlite3.Connection) -> None:
        connection.executemany(
            "INSERT INTO tombstone VALUES (?, ?)"
            " ON CONFLICT (hash) DO UPDATE SET at_ns = max(at_ns, excluded.at_ns)",
            list(self.times.items()),
        )
        name = f"{FOREIGN_KEY}{keyed_digest(b'', self.key).hex()}"
        connection.execute("INSERT OR IGNORE INTO meta VALUES (?, ?)", (name, self.key))
