"""The outbox: what destinations have not acknowledged yet, and what became of their tries.

A row is written in the transaction of its record. One sender at a time works on a destination (see
`threadline.ingest`), so that rows need no lease of their own.
"""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from threadline.ids import pack_id, unpack_id
from threadline.store.outbox_records import read_records
from threadline.store.receipts import Receipts, keep_receipts, read_receipts
from threadline.store.schema import STATUSES

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Generator, Iterable, Sequence

    from threadline.clock import Clock
    from threadline.store.connections import Database
    from threadline.store.outbox_records import OutboxRecord

WAITING: Final = 0
PUT_ASIDE: Final = 1

_BUSY_S: Final = 10.0
_UNKNOWN_TURN_NS: Final = 10_000_000_000
"""How long a note waits for a turn that nobody knows: a turn is seen two seconds after it began."""

_RUNNING_TURN_NS: Final = 600_000_000_000
_RUNNING: Final = STATUSES.index("running")
_STATE: Final = "destination:"
_ORIGIN: Final = "origin:"

_AT: Final = """
  CASE WHEN n.id IS NULL THEN coalesce(t.ended_ns, t.started_ns, 0)
    ELSE max(n.at_ns, coalesce(about.ended_ns, 0)) END"""
_PLAN: Final = f"""
SELECT o.kind, o.record_id, coalesce(o.conversation, about.conversation), o.attempts,
  CASE
    WHEN n.turn_id IS NULL THEN o.next_ns
    WHEN about.id IS NULL THEN max(o.next_ns, n.at_ns + {_UNKNOWN_TURN_NS})
    WHEN about.status = {_RUNNING} THEN max(o.next_ns, n.at_ns + {_RUNNING_TURN_NS})
    ELSE o.next_ns
  END,
  o.tried_ns,{_AT}
FROM outbox o
  LEFT JOIN turn t ON o.kind IN ('turn', 'trace') AND t.turn_id = o.record_id
  LEFT JOIN note n ON o.kind NOT IN ('turn', 'trace') AND n.id = o.record_id
  LEFT JOIN turn about ON about.turn_id = n.turn_id
WHERE o.destination = ? AND o.state = {WAITING}
ORDER BY{_AT},
  n.id IS NOT NULL, t.id, n.at_ns, o.record_id
LIMIT ?
"""
_LISTED: Final = """
SELECT o.destination, o.kind, o.record_id, o.state, o.attempts, o.reason, c.thread_id
FROM outbox o LEFT JOIN conversation c ON c.id = o.conversation
WHERE o.state >= ? AND (? IS NULL OR o.destination = ?)
ORDER BY o.destination, o.state DESC, o.kind, o.record_id LIMIT ?
"""
_COUNTS: Final = f"""
SELECT o.destination, sum(o.state = {WAITING}), sum(o.state = {PUT_ASIDE}),
  min(CASE WHEN o.state = {WAITING} THEN coalesce(t.ended_ns, t.started_ns, n.at_ns) END)
FROM outbox o
  LEFT JOIN turn t ON o.kind IN ('turn', 'trace') AND t.turn_id = o.record_id
  LEFT JOIN note n ON o.kind NOT IN ('turn', 'trace') AND n.id = o.record_id
GROUP BY o.destination
"""
_BACKFILL: Final = f"""
INSERT OR IGNORE INTO outbox (destination, kind, record_id, conversation)
SELECT ?, CASE kind WHEN 0 THEN 'turn' ELSE 'trace' END, turn_id, conversation
  FROM turn WHERE status <> {_RUNNING}
UNION ALL SELECT ?, kind, id, conversation FROM note
"""


class OutboxRow(NamedTuple):
    """One record that waits for one destination; `due_ns` is when it may be tried.

    `tried_ns` is when a try began of which nobody knows what came; 0 where that is known. `at_ns`
    is its place in the order of its conversation: when it ended or was said.
    """

    kind: str
    record_id: bytes | str
    conversation: int | None
    attempts: int
    due_ns: int
    tried_ns: int = 0
    at_ns: int = 0

    @property
    def order_key(self) -> int | bytes | str:
        """What must stay in order: the conversation, else the record alone."""
        return self.record_id if self.conversation is None else self.conversation


class ListedRow(NamedTuple):
    """One row as people look at it."""

    destination: str
    kind: str
    id: str
    is_put_aside: bool
    attempts: int
    reason: str | None
    thread_id: str | None


class Backlog(NamedTuple):
    """How much waits for a destination, how much was put aside, and how old the oldest is."""

    waiting: int = 0
    put_aside: int = 0
    oldest_ns: int | None = None


class DestinationState(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the last tries at a destination came to; all processes share it.

    `until_ns` is when it may be tried again; `is_told` means that the destination itself said so.
    """

    failures: int = 0
    until_ns: int = 0
    is_told: bool = False
    error: str | None = None
    error_ns: int | None = None
    delivered: int = 0
    delivered_ns: int | None = None


class PutOff(NamedTuple):
    """A row that is tried again at `due_ns`; `is_known` tells that it did not arrive till then."""

    row: OutboxRow
    due_ns: int
    reason: str
    is_known: bool = False


class Outcomes(NamedTuple):
    """What became of some rows, written down in one transaction."""

    delivered: Sequence[OutboxRow] = ()
    later: Sequence[PutOff] = ()
    rejected: Sequence[tuple[OutboxRow, str]] = ()
    receipts: Sequence[tuple[OutboxRow, Receipts]] = ()


class Outbox:
    """The outbox of one store. Every call is one short transaction, done under `in_use`."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.in_use = threading.RLock()
        """Held while a connection is open in a transaction: who forks waits for it."""

        self._database = database
        self._clock = clock

    def plan(self, destination: str, limit: int) -> list[OutboxRow]:
        """Return what waits for `destination`, in the order in which it is to be sent.

        A note comes after the turn that it is about, and waits for one that is under way.
        """
        with self._reading() as connection:
            return [OutboxRow._make(row) for row in connection.execute(_PLAN, (destination, limit))]

    def records(self, rows: Sequence[OutboxRow]) -> dict[OutboxRow, OutboxRecord]:
        """Return the records of `rows`; what was deleted meanwhile is missing."""
        keys = {(row.kind, row.record_id): row for row in rows}
        with self._reading() as connection:
            found = read_records(connection, list(keys), now_ns=self._clock.now_ns())
        return {keys[key]: record for key, record in found.items()}

    def receipts(self, destination: str, rows: Sequence[OutboxRow]) -> dict[OutboxRow, Receipts]:
        """Return what `destination` gave back before, for each of `rows` and its conversation."""
        with self._reading() as connection:
            return {
                row: read_receipts(connection, destination, row.conversation, row.record_id)
                for row in rows
            }

    def count_try(self, destination: str, rows: Sequence[OutboxRow]) -> None:
        """Remember that `rows` are about to be sent, in case nobody lives to tell of it."""
        now_ns = self._clock.now_ns()
        with self._writing() as connection:
            connection.executemany(
                "UPDATE outbox SET attempts = attempts + 1, tried_ns = ?"
                " WHERE destination = ? AND kind = ? AND record_id = ?",
                [(now_ns, destination, row.kind, row.record_id) for row in rows],
            )

    def settle(self, destination: str, outcomes: Outcomes, state: DestinationState) -> None:
        """Write down what became of a try, and how the destination stands since."""
        with self._writing() as connection:
            connection.executemany(
                "DELETE FROM outbox WHERE destination = ? AND kind = ? AND record_id = ?",
                [(destination, row.kind, row.record_id) for row in outcomes.delivered],
            )
            connection.executemany(
                "UPDATE outbox SET next_ns = ?, reason = ?, tried_ns = iif(?, 0, tried_ns)"
                " WHERE destination = ? AND kind = ? AND record_id = ?",
                [
                    (due_ns, reason, is_known, destination, row.kind, row.record_id)
                    for row, due_ns, reason, is_known in outcomes.later
                ],
            )
            connection.executemany(
                f"UPDATE outbox SET state = {PUT_ASIDE}, reason = ?, tried_ns = 0"
                " WHERE destination = ? AND kind = ? AND record_id = ?",
                [
                    (reason, destination, row.kind, row.record_id)
                    for row, reason in outcomes.rejected
                ],
            )
            connection.execute(
                "INSERT OR REPLACE INTO meta VALUES (?, ?)",
                (_STATE + destination, msgspec.json.encode(state).decode()),
            )
            keep_receipts(
                connection,
                destination,
                [(row.conversation, row.record_id, came) for row, came in outcomes.receipts],
            )

    def state(self, destination: str) -> DestinationState:
        """Return how `destination` stands."""
        with self._reading() as connection:
            row = connection.execute(
                "SELECT value FROM meta WHERE key = ?", (_STATE + destination,)
            ).fetchone()
        return _state_from(row[0]) if row is not None else DestinationState()

    def states(self) -> dict[str, DestinationState]:
        """Return how every destination stands that was ever tried."""
        with self._reading() as connection:
            found = connection.execute(
                "SELECT key, value FROM meta WHERE substr(key, 1, ?) = ?", (len(_STATE), _STATE)
            )
            return {key[len(_STATE) :]: _state_from(value) for key, value in found}

    def backlogs(self) -> dict[str, Backlog]:
        """Return, by destination, how much waits for it."""
        with self._reading() as connection:
            return {name: Backlog(*rest) for name, *rest in connection.execute(_COUNTS)}

    def counts(self, destinations: Iterable[str]) -> Backlog:
        """Return how much waits for these destinations in all; the cheap form of `backlogs`."""
        names = msgspec.json.encode(list(destinations)).decode()
        with self._reading() as connection:
            waiting, put_aside = connection.execute(
                f"SELECT coalesce(sum(o.state = {WAITING}), 0),"
                f" coalesce(sum(o.state = {PUT_ASIDE}), 0)"
                " FROM json_each(?) AS wanted CROSS JOIN outbox o"
                " WHERE o.destination = wanted.value",
                (names,),
            ).fetchone()
        return Backlog(waiting, put_aside)

    def listed(
        self, destination: str | None = None, *, limit: int, put_aside_only: bool
    ) -> list[ListedRow]:
        """Return rows for people to look at, those that were put aside first."""
        least = PUT_ASIDE if put_aside_only else WAITING
        with self._reading() as connection:
            rows = connection.execute(_LISTED, (least, destination, destination, limit)).fetchall()
        return [
            ListedRow(name, kind, unpack_id(ident), state == PUT_ASIDE, *rest)
            for name, kind, ident, state, *rest in rows
        ]

    def retry(self, destination: str | None = None, record_id: str | None = None) -> int:
        """Let what was put aside be tried again; returns how many records that were."""
        return self._change("UPDATE outbox SET state = 0, next_ns = 0", destination, record_id)

    def discard(
        self,
        destination: str | None = None,
        record_id: str | None = None,
        *,
        waiting: bool = False,
    ) -> int:
        """Give up what was put aside, or what waits; the records stay in the store.

        Returns:
            How many records they were.
        """
        state = WAITING if waiting else PUT_ASIDE
        return self._change("DELETE FROM outbox", destination, record_id, state)

    def backfill(self, destination: str) -> int:
        """Put everything into the outbox of `destination` that is stored already."""
        with self._writing() as connection:
            return connection.execute(_BACKFILL, (destination, destination)).rowcount

    def is_meant_for(self, destination: str, origin: str) -> bool:
        """Tell whether what waits for `destination` may go to `origin`: an address and an account.

        The first one that is asked for has it, and each later one once nothing waits.
        """
        with self._reading() as connection:
            if _origin_held(connection, destination) == origin:
                return True
        with self._writing() as connection:
            held = _origin_held(connection, destination)
            if held not in {None, origin} and _is_waiting(connection, destination):
                return False
            _hold_origin(connection, destination, origin)
        return True

    def adopt(self, destination: str, origin: str) -> None:
        """Let what waits for `destination` go to `origin`, whoever it was meant for, at once."""
        with self._writing() as connection:
            _hold_origin(connection, destination, origin)
            connection.execute("DELETE FROM meta WHERE key = ?", (_STATE + destination,))

    def close(self) -> None:
        """Close the connection; a later use opens it again."""
        self._database.close()

    def _change(
        self, action: str, destination: str | None, record_id: str | None, state: int = PUT_ASIDE
    ) -> int:
        packed = None if record_id is None else pack_id(record_id)
        with self._writing() as connection:
            return connection.execute(
                f"{action} WHERE state = ? AND (? IS NULL OR destination = ?)"
                " AND (? IS NULL OR record_id = ?)",
                (state, destination, destination, packed, packed),
            ).rowcount

    @contextlib.contextmanager
    def _reading(self) -> Generator[sqlite3.Connection]:
        with self.in_use, self._database.read() as connection:
            yield connection

    @contextlib.contextmanager
    def _writing(self) -> Generator[sqlite3.Connection]:
        with self.in_use, self._database.write(busy_s=_BUSY_S) as connection:
            yield connection


def _state_from(text: Any) -> DestinationState:
    try:
        return msgspec.json.decode(text, type=DestinationState)
    except (msgspec.MsgspecError, TypeError):  # a newer version's: it does not bind this one
        return DestinationState()


def _origin_held(connection: sqlite3.Connection, destination: str) -> str | None:
    row = connection.execute(
        "SELECT value FROM meta WHERE key = ?", (_ORIGIN + destination,)
    ).fetchone()
    return None if row is None else str(row[0])


def _hold_origin(connection: sqlite3.Connection, destination: str, origin: str) -> None:
    connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (_ORIGIN + destination, origin))


def _is_waiting(connection: sqlite3.Connection, destination: str) -> bool:
    query = f"SELECT EXISTS (SELECT 1 FROM outbox WHERE destination = ? AND state = {WAITING})"
    return bool(connection.execute(query, (destination,)).fetchone()[0])
