"""The writing side: one connection, one transaction per group of turns, few statements each."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from threadline.ids import pack_id, unpack_id
from threadline.store import database
from threadline.store.awaited import DECISIONS, INTERRUPTED, RUNNING, still_awaited
from threadline.store.eviction import evict_oldest
from threadline.store.file_id import FileId, file_id
from threadline.store.framework_ids import pack_framework_id, unpack_framework_id
from threadline.store.held import Branching, Held
from threadline.store.held_cache import HeldCache
from threadline.store.rows import Rows, insert_rows
from threadline.store.schema import POSITION_BITS
from threadline.store.tombstones import FOREIGN_KEYS, tombstone_hash

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence

    from threadline.errors import StoreUnavailableError

_BEAT_NS: Final = 10_000_000_000


class KnownTurn(NamedTuple):
    """What the store says of a turn id that shows up again."""

    row: int
    started_ns: int
    status: int
    conversation: int


class StoreWriter:
    """The one writer of this process. Used by one thread at a time; whoever uses it holds `lock`.

    `begin` ... `commit` brackets a group; between them the `Held` conversations and counters are
    true, because the transaction holds SQLite's write lock.
    """

    def __init__(
        self,
        path: Path | None,
        *,
        key: bytes,
        writer_id: bytes,
        mode: int = 0o600,
        max_memory_bytes: int = 64_000_000,
    ) -> None:
        self.path = path
        self.key = key
        self.writer_id = writer_id
        self.process_row: int | None = None
        self.moved_aside: list[Path] = []
        self.evicted_turns = 0
        self.has_filled_outbox = False
        self._mode = mode
        self._max_memory_bytes = max_memory_bytes
        self._connection: sqlite3.Connection | None = None
        self._file: FileId | None = None
        self._patience_s = database.WRITER_PATIENCE_S
        self._data_version: int | None = None
        self._cache = HeldCache()
        self._next: dict[str, int] = {}
        self._beat_ns = 0

    @property
    def connection(self) -> sqlite3.Connection:
        """The open connection; opened when first asked for.

        Raises:
            StoreUnavailableError: if the store cannot be opened now.
        """
        if self._connection is None:
            self._connection = self._open()
        return self._connection

    def close(self) -> None:
        """Close the connection, after moving the log into the file; a later use opens it again."""
        if self._connection is None:
            return
        if self.path is not None:
            with contextlib.suppress(sqlite3.Error):
                database.checkpoint(self._connection, self.path)
            connection, self._connection = self._connection, None
            connection.close()
        self.forget()

    @property
    def turns_at_once(self) -> int:
        """How many turns a transaction should have: all that it reads is held until its end."""
        return self._cache.at_once

    def forget(self) -> None:
        """Drop everything remembered of the store; it is read again when needed."""
        self._cache.clear()
        self._next.clear()
        self._data_version = None

    @contextlib.contextmanager
    def patient(self, seconds: float) -> Generator[None]:
        """Wait at most so long for other processes, where that is less than usual."""
        self._set_patience(min(seconds, database.WRITER_PATIENCE_S))
        try:
            yield
        finally:
            self._set_patience(database.WRITER_PATIENCE_S)

    def begin(self, *, now_ns: int, process: Sequence[str | None] = ()) -> None:
        """Take the write lock and make sure that what is remembered still holds.

        Raises:
            StoreUnavailableError: if the store is locked, damaged, gone or cannot be opened.
        """
        self._notice_a_moved_file()
        connection = self.connection
        try:
            connection.execute("BEGIN IMMEDIATE")
            version = connection.execute("PRAGMA data_version").fetchone()[0]
            if version != self._data_version:
                self._cache.doubt(connection)
                self._next.clear()
                self._data_version = version
            if not self._next:
                found = connection.execute("SELECT name, seq FROM sqlite_sequence").fetchall()
                sequences = dict(found)
                self._next = {name: sequences.get(name, 0) + 1 for name in ("conversation", "turn")}
            self._beat(now_ns, process)
        except sqlite3.Error as error:
            self.rollback()
            raise self._unavailable(error) from error

    def commit(self, rows: Rows) -> None:
        """Write `rows` and end the transaction; everything or nothing.

        Raises:
            StoreUnavailableError: if SQLite would not take it; the transaction is rolled back.
        """
        connection = self.connection
        try:
            with self.asking():
                insert_rows(connection, rows)
                connection.execute("COMMIT")
        except BaseException:
            self.rollback()
            raise
        self.has_filled_outbox = self.has_filled_outbox or bool(rows.outbox)
        self._cache.trim(len(rows.messages))
        if self.path is None:
            self._evict(connection)
        if self.path is not None and database.wal_bytes(self.path) > database.CHECKPOINT_BYTES:
            database.checkpoint(connection, self.path)

    @contextlib.contextmanager
    def asking(self) -> Generator[None]:
        """Tell errors of the store as such; those of what it is given pass as they are.

        Raises:
            StoreUnavailableError: if the store is locked, full, damaged or cannot be read.
        """
        try:
            yield
        except sqlite3.Error as error:
            if database.is_about_the_store(error):
                raise self._unavailable(error) from error
            raise

    def rollback(self) -> None:
        """Undo the transaction and forget what it had added."""
        self.forget()
        self.process_row = None
        if self._connection is not None and self._connection.in_transaction:
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")

    def take_number(self, table: str) -> int:
        """Return the next row id of `conversation` or `turn`."""
        number = self._next[table]
        self._next[table] = number + 1
        return number

    def load(self, keys: Iterable[tuple[str, str]]) -> None:
        """Read the conversations of these (tenant, thread id) keys, where they exist."""
        with self.asking():
            self._cache.load(self.connection, keys)

    def held(self, tenant: str, thread_id: str, *, now_ns: int, generated: bool = False) -> Held:
        """Return the conversation of this key; a new one if there is none. Call `load` first."""
        held = self._cache.get(tenant, thread_id)
        if held is None:
            held = Held(self.take_number("conversation"), tenant, thread_id, generated=generated)
            held.created_ns = now_ns
            self._cache.add(held)
        return held

    def known_turns(self, turn_ids: Sequence[str]) -> dict[str, KnownTurn]:
        """Return those of `turn_ids` that the store has."""
        known: dict[str, KnownTurn] = {}
        for chunk in _chunks_of(list(turn_ids), 500):
            marks = ",".join("?" * len(chunk))
            for turn_id, *rest in self._ask(
                "SELECT turn_id, id, started_ns, status, conversation FROM turn"
                f" WHERE turn_id IN ({marks})",
                [pack_id(turn_id) for turn_id in chunk],
            ):
                known[unpack_id(turn_id)] = KnownTurn(*rest)
        return known

    def known_notes(self, note_ids: Sequence[str]) -> set[str]:
        """Return those of `note_ids` that the store has."""
        known: set[str] = set()
        for chunk in _chunks_of(list(note_ids), 500):
            query = f"SELECT id FROM note WHERE id IN ({','.join('?' * len(chunk))})"
            known.update(unpack_id(row[0]) for row in self._ask(query, [*map(pack_id, chunk)]))
        return known

    def threads_of_answers(
        self, tenant: str, ids: Sequence[str]
    ) -> dict[str, list[tuple[str, str | None]]]:
        """Return, by framework message id, the (thread id, user id) that hold its answer."""
        threads: dict[str, list[tuple[str, str | None]]] = {}
        for chunk in _chunks_of(list(ids), 500):
            marks = ",".join("?" * len(chunk))
            for packed, thread_id, user_id in self._ask(
                "SELECT m.framework_id, c.thread_id, c.user_id FROM message m"
                f" JOIN conversation c ON c.id = m.id >> {POSITION_BITS}"
                " WHERE m.role = 2 AND m.kind = 0 AND c.tenant = ?"
                f" AND m.framework_id IN ({marks})",
                [tenant, *(pack_framework_id(i) for i in chunk)],
            ):
                framework_id: bytes | str = packed
                holders = threads.setdefault(unpack_framework_id(framework_id), [])
                holders.append((thread_id, user_id))
        return threads

    def load_awaited(self, held: Held) -> None:
        """Read which tool calls of a conversation wait for a human's decision."""
        if held.awaited is None:
            held.awaited = still_awaited(self._ask(DECISIONS, (held.id, INTERRUPTED, RUNNING)))

    def load_branching(self, held: Held) -> None:
        """Read where turns of a conversation branched off, and when the last one ended."""
        if held.branching is None:
            rows = self._ask(
                "SELECT first_position, branch_at, ended_ns FROM turn"
                " WHERE conversation = ? AND kind = 0",
                (held.id,),
            )
            starts = {first: at for first, at, _ in rows if at is not None}
            held.branching = Branching(starts, max((end or 0 for _, _, end in rows), default=0))

    def is_deleted(self, words: Sequence[str], at_ns: int) -> bool:
        """Tell whether what these words name was deleted after `at_ns`."""
        if not self.has_tombstones():
            return False
        keys = [self.key, *(key for (key,) in self._ask(FOREIGN_KEYS))]
        hashes = [tombstone_hash(key, *words) for key in keys]
        marks = ",".join("?" * len(hashes))
        rows = self._ask(f"SELECT at_ns FROM tombstone WHERE hash IN ({marks})", hashes)
        return any(deleted_ns >= at_ns for (deleted_ns,) in rows)

    def deleted_digests(self, digests: Iterable[bytes]) -> set[bytes]:
        """Return those message digests whose text was deleted here."""
        if not self.has_tombstones():
            return set()
        wanted = list(digests)
        found: set[bytes] = set()
        for chunk in _chunks_of(wanted, 500):
            marks = ",".join("?" * len(chunk))
            rows = self._ask(f"SELECT hash FROM tombstone WHERE hash IN ({marks})", chunk)
            found.update(row[0] for row in rows)
        return found

    def has_tombstones(self) -> bool:
        """Tell whether anything was ever deleted here."""
        if "tombstone" not in self._next:
            self._next["tombstone"] = self._ask("SELECT EXISTS (SELECT 1 FROM tombstone)")[0][0]
        return bool(self._next["tombstone"])

    def _ask(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        with self.asking():
            return self.connection.execute(query, values).fetchall()

    def _evict(self, connection: sqlite3.Connection) -> None:
        """Keep a store in memory within its bounds: the oldest conversations go first."""
        evicted = evict_oldest(connection, self._max_memory_bytes)
        if evicted:
            self.evicted_turns += evicted
            self.forget()

    def _set_patience(self, seconds: float) -> None:
        if seconds != self._patience_s:
            self._patience_s = seconds
            if self._connection is not None:
                self._connection.execute(f"PRAGMA busy_timeout = {int(seconds * 1000)}")

    def is_beat_due(self, now_ns: int) -> bool:
        """Tell whether it is time to show again that this process lives."""
        return self.process_row is None or now_ns - self._beat_ns >= _BEAT_NS

    def _beat(self, now_ns: int, process: Sequence[str | None]) -> None:
        """Show that this process lives: its row is made once, and touched now and then."""
        if self.process_row is not None and now_ns - self._beat_ns < _BEAT_NS:
            return
        self._beat_ns = now_ns
        if self.process_row is not None:
            self.connection.execute(
                "UPDATE process SET beat_ns = ? WHERE id = ?", (now_ns, self.process_row)
            )
            return
        row = self.connection.execute(
            "SELECT id FROM process WHERE writer = ?", (self.writer_id,)
        ).fetchone()
        row = row or self._enter_process(now_ns, process)
        self.process_row = row[0]

    def _enter_process(self, now_ns: int, process: Sequence[str | None]) -> tuple[int]:
        app, environment, release = (*process, None, None, None)[:3]
        entered: tuple[int] = self.connection.execute(
            "INSERT INTO process"
            " (writer, pid, host, app, environment, release, started_ns, beat_ns)"
            " VALUES (?,?,?,?,?,?,?,?) RETURNING id",
            (
                self.writer_id,
                os.getpid(),
                os.uname().nodename,
                app,
                environment,
                release,
                now_ns,
                now_ns,
            ),
        ).fetchone()
        return entered

    def _open(self) -> sqlite3.Connection:
        self.forget()
        self.process_row = None
        if self.path is None:
            connection = database.connect_memory()
            _keep_key(connection, self.key)
            return connection
        try:
            return self._open_file(self.path)
        except (OSError, sqlite3.Error) as error:
            raise database.unavailable(self.path, error) from error

    def _open_file(self, path: Path) -> sqlite3.Connection:
        self._file = file_id(path)
        busy_s = self._patience_s
        try:
            connection = database.connect_writer(path, mode=self._mode, busy_s=busy_s)
        except sqlite3.DatabaseError as error:
            if not database.is_corrupt(error):
                raise
            self._move_aside(path)
            connection = database.connect_writer(path, mode=self._mode, busy_s=busy_s)
        self._file = file_id(path)
        _keep_key(connection, self.key)
        return connection

    def _move_aside(self, path: Path) -> None:
        aside = database.move_aside(path, self._file)
        if aside is not None:
            self.moved_aside.append(aside)

    def _notice_a_moved_file(self) -> None:
        """A store that was moved or deleted would swallow writes silently; another is opened."""
        if self._connection is None or self.path is None:
            return
        if file_id(self.path) != self._file:
            connection, self._connection = self._connection, None
            database.leave_moved(connection)

    def _unavailable(self, error: sqlite3.Error) -> StoreUnavailableError:
        path = self.path or Path(":memory:")
        if self.path is not None and database.is_corrupt(error) and self._connection is not None:
            connection, self._connection = self._connection, None
            connection.close()
            with contextlib.suppress(OSError):
                self._move_aside(self.path)
        return database.unavailable(path, error)


def _keep_key(connection: sqlite3.Connection, key: bytes) -> None:
    if connection.execute("SELECT 1 FROM meta WHERE key = 'hash_key'").fetchone() is None:
        connection.execute("INSERT OR IGNORE INTO meta VALUES ('hash_key', ?)", (key,))


def _chunks_of(items: list[Any], size: int) -> Iterable[list[Any]]:
    return (items[start : start + size] for start in range(0, len(items), size))
