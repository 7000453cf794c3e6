"""Follows a store: which turns are new or have changed, whichever process wrote them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from threadline.clock import SystemClock
from threadline.errors import StoreNotFoundError
from threadline.store.filter_arguments import MAX_LIMIT
from threadline.store.listing import Listing
from threadline.store.schema import STATUSES, TURN_KINDS
from threadline.store.turn_model import STALE_NS
from threadline.store.turn_rows import as_json

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable

    from threadline.clock import Clock
    from threadline.model.turn import Turn
    from threadline.store.connections import Database
    from threadline.store.filters import Filters

_RUNNING: Final = STATUSES.index("running")
_ABANDONED: Final = STATUSES.index("abandoned")
_WATCHED: Final = 200
"""How many turns are watched for a late end, a rating or feedback: those seen last."""

_LOOKED_THROUGH: Final = 10_000
"""How many of the newest turns are looked through for those that are under way."""

_STILL_NS: Final = 5_000_000_000
"""How often turns under way are looked at although nobody wrote: their process may have died."""

_SIGHTS: Final = (
    "SELECT t.id, CASE"
    f" WHEN t.status = {_RUNNING} AND coalesce(p.beat_ns, 0) < ? THEN {_ABANDONED}"
    " ELSE t.status END, t.ended_ns, (SELECT count(*) FROM note n"
    " WHERE n.conversation = t.conversation AND n.turn_id = t.turn_id)"
    " FROM turn t LEFT JOIN process p ON p.id = t.process"
    f" WHERE t.kind = {TURN_KINDS.index('turn')} AND "
)
_KNOWN: Final = _SIGHTS + "t.id IN (SELECT value FROM json_each(?))"
_NEW: Final = _SIGHTS + "t.id > ? AND t.started_ns >= ? ORDER BY t.id LIMIT ?"
_AT_FIRST: Final = _SIGHTS + f"(t.id > ? OR t.id > ? AND t.status = {_RUNNING}) ORDER BY t.id"


class _Sight(NamedTuple):
    """How a turn looked when it was seen last."""

    status: int
    ended_ns: int | None
    notes: int


class Following:
    """Tells what is new in a store since it was last asked; where nothing is, asking is cheap.

    Args:
        database: Gives connections.
        filters: Gives the filters that the turns must fit.
        last: How many of the newest turns the first answer holds.
        clock: Tells which turns have shown no sign of life.
        before_read: Called before each answer.
    """

    def __init__(
        self,
        database: Database,
        filters: Callable[[sqlite3.Connection], Filters],
        *,
        last: int = 0,
        clock: Clock | None = None,
        before_read: Callable[[], object] | None = None,
    ) -> None:
        self._database = database
        self._filters = filters
        self._last = last
        self._clock = clock or SystemClock()
        self._before_read = before_read
        self._began_ns = self._clock.now_ns()
        self._looked_ns = 0
        self._connection: sqlite3.Connection | None = None
        self._version: object = None
        self._store: object = None
        self._newest = 0
        self._oldest_ns = 0
        self._seen: dict[int, _Sight] = {}

    def changes(self) -> tuple[Turn, ...]:
        """Return the turns that are new or have changed, the oldest first.

        A turn is told when it ends; one that takes long also when it is first seen under way; and
        once more when it is rated or something is noted about it.

        Raises:
            StoreError: if the store is gone or cannot be read; a later call may find it again.
        """
        if self._before_read is not None:
            self._before_read()
        try:
            with self._database.read() as connection:
                return self._changes(connection)
        except StoreNotFoundError:
            if self._store is None:  # all that it will hold is new
                self._last = MAX_LIMIT
            raise

    def _changes(self, connection: sqlite3.Connection) -> tuple[Turn, ...]:
        if not self._is_touched(connection):
            return ()
        return self._begin(connection) if self._store is None else self._look(connection)

    def _is_touched(self, connection: sqlite3.Connection) -> bool:
        """Tell whether anybody wrote since, or a turn under way may have been left for dead."""
        version = (_asked(connection, "PRAGMA data_version"), connection.total_changes)
        now_ns = self._clock.now_ns()
        is_same = connection is self._connection and version == self._version
        waits = any(sight.status == _RUNNING for sight in self._seen.values())
        if is_same and not (waits and now_ns - self._looked_ns >= _STILL_NS):
            return False
        if connection is not self._connection and self._store is not None:
            self._notice_another_store(connection)
        self._connection, self._version, self._looked_ns = connection, version, now_ns
        return True

    def _notice_another_store(self, connection: sqlite3.Connection) -> None:
        """Of a store that stands in the place of the one before all is new that began by now."""
        store = _identity(connection)
        if store != self._store:
            self._store, self._newest, self._oldest_ns = store, 0, self._began_ns
            self._seen = {}

    def _begin(self, connection: sqlite3.Connection) -> tuple[Turn, ...]:
        """Look at the store for the first time."""
        self._store = _identity(connection)
        self._newest = _asked(connection, "SELECT max(id) FROM turn") or 0
        least = (self._newest - _WATCHED, self._newest - _LOOKED_THROUGH)
        self._see(connection.execute(_AT_FIRST, (self._stale_ns(), *least)))
        if not self._last:
            return ()
        return tuple(reversed(self._listing(connection, self._last).turns(None, "turn")))

    def _look(self, connection: sqlite3.Connection) -> tuple[Turn, ...]:
        stale_ns = self._stale_ns()
        known = connection.execute(_KNOWN, (stale_ns, as_json(self._seen))).fetchall()
        changed = [row for row, *sight in known if self._seen[row] != _Sight._make(sight)]
        since = (self._newest, self._oldest_ns, MAX_LIMIT)
        new = connection.execute(_NEW, (stale_ns, *since)).fetchall()
        if len(new) == MAX_LIMIT:  # there may be more: the next answer has it
            self._version = None
        self._see([*known, *new])
        rows = sorted({*changed, *(row[0] for row in new)})
        return self._listing(connection, len(rows)).among(rows) if rows else ()

    def _see(self, rows: Iterable[Any]) -> None:
        for row, *sight in rows:
            self._seen[row] = _Sight._make(sight)
            self._newest = max(self._newest, row)
        for row in sorted(self._seen)[:-_WATCHED]:
            if self._seen[row].status != _RUNNING:
                del self._seen[row]

    def _stale_ns(self) -> int:
        return self._clock.now_ns() - STALE_NS

    def _listing(self, connection: sqlite3.Connection, limit: int) -> Listing:
        filters = self._filters(connection)
        return Listing(connection, filters, limit=limit, now_ns=self._clock.now_ns())


def _identity(connection: sqlite3.Connection) -> object:
    """Return what tells one store from another: its key, which never leaves the machine."""
    return _asked(connection, "SELECT max(value) FROM meta WHERE key = 'hash_key'")


def _asked(connection: sqlite3.Connection, query: str) -> Any:
    return connection.execute(query).fetchone()[0]
