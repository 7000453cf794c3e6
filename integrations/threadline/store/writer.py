"""The writing side: one connection, one transaction per group of turns, few statements each."""

from __future__ import annotations

import contextlib
import os
import platform
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from threadline.errors import StoreUnavailableError
from threadline.ids import keyed_digest, pack_id, unpack_id
from threadline.store import database
from threadline.store.held import Held
from threadline.store.schema import POSITION_BITS, ROLES, word_of
from threadline.store.values import BlobShelf

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_CACHED_MESSAGES: Final = 100_000
_HELD_OVERHEAD: Final = 8
_CHUNKS: Final = (32, 16, 8, 4, 2, 1)


class KnownTurn(NamedTuple):
    """What the store says of a turn id that shows up again."""

    row: int
    started_ns: int
    status: int
    conversation: int


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
        self._mode = mode
        self._max_memory_bytes = max_memory_bytes
        self._connection: sqlite3.Connection | None = None
        self._inode: tuple[int, int] | None = None
        self._data_version: int | None = None
        self._held: dict[tuple[str, str], Held] = {}
        self._held_messages = 0
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

    def forget(self) -> None:
        """Drop everything remembered of the store; it is read again when needed."""
        self._held.clear()
        self._held_messages = 0
        self._next.clear()
        self._data_version = None

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
        except sqlite3.Error as error:
            raise self._unavailable(error) from error
        if version != self._data_version:
            self.forget()
            self._data_version = version
        if not self._next:
            sequences = dict(connection.execute("SELECT name, seq FROM sqlite_sequence").fetchall())
            self._next = {name: sequences.get(name, 0) + 1 for name in ("conversation", "turn")}
        self._beat(now_ns, process)

    def commit(self, rows: Rows) -> None:
        """Write `rows` and end the transaction; everything or nothing.

        Raises:
            StoreUnavailableError: if SQLite would not take it; the transaction is rolled back.
        """
        connection = self.connection
        try:
            self._insert_all(rows)
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            self.rollback()
            raise self._unavailable(error) from error
        self._held_messages += len(rows.messages)
        self._trim()
        if self.path is not None and database.wal_bytes(self.path) > database.CHECKPOINT_BYTES:
            database.checkpoint(connection, self.path)

    def rollback(self) -> None:
        """Undo the transaction and forget what it had added."""
        self.forget()
        if self._connection is not None and self._connection.in_transaction:
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")

    def take_number(self, table: str) -> int:
        """Return the next row id of `conversation` or `turn`."""
        number = self._next[table]
        self._next[table] = number + 1
        return number

    def load(self, keys: Iterable[tuple[str, str]]) -> None:
        """Read the conversations of these (tenant, thread id) keys, if they exist, in two queries."""
        missing = [key for key in dict.fromkeys(keys) if key not in self._held]
        if not missing:
            return
        for chunk in _chunks_of(missing, 200):
            marks = ",".join(["(?,?)"] * len(chunk))
            found = self.connection.execute(
                "SELECT id, tenant, thread_id, generated, user_id, title, tags, metadata, created_ns,"
                " updated_ns, turns, said, preview, last_status FROM conversation"
                f" WHERE (tenant, thread_id) IN (VALUES {marks})",
                [value for key in chunk for value in key],
            ).fetchall()
            for row in found:
                self._remember(_held_from_row(row))
                self._load_messages(self._held[row[1], row[2]])

    def held(self, tenant: str, thread_id: str, *, now_ns: int, generated: bool = False) -> Held:
        """Return the conversation of this key; a new one if the store has none. Call `load` first."""
        held = self._held.pop((tenant, thread_id), None)
        if held is None:
            held = Held(self.take_number("conversation"), tenant, thread_id, generated=generated)
            held.created_ns = now_ns
            self._remember(held)
        self._held[tenant, thread_id] = held  # newest use last
        return held

    def known_turns(self, turn_ids: Sequence[str]) -> dict[str, KnownTurn]:
        """Return those of `turn_ids` that the store has."""
        known: dict[str, KnownTurn] = {}
        for chunk in _chunks_of(list(turn_ids), 500):
            marks = ",".join("?" * len(chunk))
            for turn_id, *rest in self.connection.execute(
                "SELECT turn_id, id, started_ns, status, conversation FROM turn"
                f" WHERE turn_id IN ({marks})",
                [pack_id(turn_id) for turn_id in chunk],
            ):
                known[unpack_id(turn_id)] = KnownTurn(*rest)
        return known

    def threads_of_answers(
        self, tenant: str, ids: Sequence[str]
    ) -> dict[str, list[tuple[str, str | None]]]:
        """Return, by framework message id, the (thread id, user id) that hold an answer under it."""
        threads: dict[str, list[tuple[str, str | None]]] = {}
        for chunk in _chunks_of(list(ids), 500):
            marks = ",".join("?" * len(chunk))
            for packed, thread_id, user_id in self.connection.execute(
                "SELECT m.framework_id, c.thread_id, c.user_id FROM message m"
                f" JOIN conversation c ON c.id = m.id >> {POSITION_BITS}"
                " WHERE m.role = 2 AND m.kind = 0 AND c.tenant = ?"
                f" AND m.framework_id IN ({marks})",
                [tenant, *(pack_framework_id(i) for i in chunk)],
            ):
                threads.setdefault(unpack_framework_id(packed), []).append((thread_id, user_id))
        return threads

    def is_deleted(self, words: Sequence[str], at_ns: int) -> bool:
        """Tell whether what these words name was deleted after `at_ns`."""
        if self._fresh_tombstones() == 0:
            return False
        row = self.connection.execute(
            "SELECT at_ns FROM tombstone WHERE hash = ?", (tombstone_hash(self.key, *words),)
        ).fetchone()
        return row is not None and row[0] >= at_ns

    def deleted_digests(self, digests: Iterable[bytes]) -> set[bytes]:
        """Return those message digests whose text was deleted here."""
        if self._fresh_tombstones() == 0:
            return set()
        wanted = list(digests)
        found: set[bytes] = set()
        for chunk in _chunks_of(wanted, 500):
            marks = ",".join("?" * len(chunk))
            rows = self.connection.execute(
                f"SELECT hash FROM tombstone WHERE hash IN ({marks})", chunk
            )
            found.update(row[0] for row in rows)
        return found

    def _fresh_tombstones(self) -> int:
        if "tombstone" not in self._next:
            count = self.connection.execute("SELECT EXISTS (SELECT 1 FROM tombstone)").fetchone()[0]
            self._next["tombstone"] = count
        return self._next["tombstone"]

    def _remember(self, held: Held) -> None:
        self._held[held.tenant, held.thread_id] = held
        self._held_messages += _HELD_OVERHEAD

    def _trim(self) -> None:
        while self._held_messages > _CACHED_MESSAGES and self._held:
            oldest = self._held.pop(next(iter(self._held)))
            self._held_messages -= oldest.next_position + _HELD_OVERHEAD

    def _load_messages(self, held: Held) -> None:
        first = held.id << POSITION_BITS
        for role, kind, digest, framework_id in self.connection.execute(
            "SELECT role, kind, digest, framework_id FROM message"
            " WHERE id >= ? AND id < ? ORDER BY id",
            (first, first + (1 << POSITION_BITS)),
        ):
            held.add(digest, word_of(role, ROLES), kind, unpack_framework_id(framework_id))
        self._held_messages += held.next_position

    def _insert_all(self, rows: Rows) -> None:
        conversations = [_conversation_row(held) for held in rows.conversations.values()]
        self._insert("conversation", _CONVERSATION, conversations, _CONVERSATION_UPDATE)
        self._insert("turn", _TURN, rows.turns, "OR REPLACE")
        self._insert("message", _MESSAGE, rows.messages, "OR REPLACE")
        self._insert("span", _SPAN, rows.spans, "OR REPLACE")
        self._insert("tool_observation", _OBSERVATION, rows.observations, "OR REPLACE")
        blobs = [(c, digest, data) for (c, digest), data in rows.blobs.items()]
        self._insert("blob", "conversation, digest, data", blobs, "OR IGNORE")
        self._insert(
            "note", "id, kind, conversation, turn_id, at_ns, value, record", rows.notes, "OR IGNORE"
        )
        self._insert(
            "outbox", "destination, kind, conversation, record_id", rows.outbox, "OR IGNORE"
        )

    def _insert(self, table: str, columns: str, rows: Sequence[tuple[Any, ...]], how: str) -> None:
        done = 0
        while done < len(rows):
            size = next(c for c in _CHUNKS if c <= len(rows) - done)
            statement = _statement(table, columns, how, size)
            flat = [value for row in rows[done : done + size] for value in row]
            self.connection.execute(statement, flat)
            done += size

    def _beat(self, now_ns: int, process: Sequence[str | None]) -> None:
        if self.process_row is not None and now_ns - self._beat_ns < 10_000_000_000:
            return
        app, environment, release = (*process, None, None, None)[:3]
        row = self.connection.execute(
            "INSERT INTO process (writer, pid, host, app, environment, release, started_ns, beat_ns)"
            " VALUES (?,?,?,?,?,?,?,?) ON CONFLICT (writer) DO UPDATE SET beat_ns = excluded.beat_ns"
            " RETURNING id",
            (
                self.writer_id,
                os.getpid(),
                platform.node(),
                app,
                environment,
                release,
                now_ns,
                now_ns,
            ),
        ).fetchone()
        self.process_row = row[0]
        self._beat_ns = now_ns

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
            raise StoreUnavailableError(self.path, _reason(error)) from error

    def _open_file(self, path: Path) -> sqlite3.Connection:
        try:
            connection = database.connect_writer(path, mode=self._mode)
        except sqlite3.DatabaseError as error:
            if not database.is_corrupt(error):
                raise
            self._move_aside(path)
            connection = database.connect_writer(path, mode=self._mode)
        stat = path.stat()
        self._inode = (stat.st_dev, stat.st_ino)
        _keep_key(connection, self.key)
        return connection

    def _move_aside(self, path: Path) -> None:
        self.moved_aside.append(database.move_aside(path, str(path.stat().st_mtime_ns)))

    def _notice_a_moved_file(self) -> None:
        if self._connection is None or self.path is None:
            return
        try:
            stat = self.path.stat()
        except OSError:
            stat = None
        if stat is None or (stat.st_dev, stat.st_ino) != self._inode:
            connection, self._connection = self._connection, None
            connection.close()

    def _unavailable(self, error: sqlite3.Error) -> StoreUnavailableError:
        path = self.path or Path(":memory:")
        if self.path is not None and database.is_corrupt(error) and self._connection is not None:
            connection, self._connection = self._connection, None
            connection.close()
            with contextlib.suppress(OSError):
                self._move_aside(self.path)
        return StoreUnavailableError(path, _reason(error))


def tombstone_hash(key: bytes, *words: str) -> bytes:
    """Return the keyed hash under which a deletion is remembered."""
    return keyed_digest("\x1f".join(words).encode("utf-8", "surrogatepass"), key)


def pack_framework_id(text: str | None) -> bytes | str | None:
    """Write a framework's message id compactly: LangChain derives most from a run's UUID.

    Example:
        >>> text = "lc_run--0192f0c1-7b1e-7cc3-98c4-dc0c0c07398f-0"
        >>> len(pack_framework_id(text)), unpack_framework_id(pack_framework_id(text)) == text
        (17, True)
    """
    if text is None:
        return None
    if text.startswith("lc_run--"):
        inner, mark = text[8:], b"\x02"
        if inner.endswith("-0"):
            inner, mark = inner[:-2], b"\x01"
        packed = pack_id(inner)
        return mark + packed if isinstance(packed, bytes) else text
    packed = pack_id(text)
    return b"\x00" + packed if isinstance(packed, bytes) else text


def unpack_framework_id(packed: bytes | str | None) -> str | None:
    """Read what `pack_framework_id` wrote."""
    if packed is None or isinstance(packed, str):
        return packed
    text = unpack_id(packed[1:])
    return {0: text, 1: f"lc_run--{text}-0", 2: f"lc_run--{text}"}[packed[0]]


def _held_from_row(row: tuple[Any, ...]) -> Held:
    held = Held(row[0], row[1], row[2], generated=bool(row[3]))
    held.user_id, held.title = row[4], row[5]
    held.tags = msgspec.json.decode(row[6]) if row[6] else []
    held.metadata = msgspec.json.decode(row[7]) if row[7] else {}
    held.created_ns, held.updated_ns, held.turns, held.said = row[8:12]
    held.preview, held.last_status = row[12:14]
    return held


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
    "id, turn_id, conversation, kind, status, started_ns, ended_ns, first_position, process,"
    " name, user_id, tags, metadata, error, continues"
)
_MESSAGE: Final = (
    "id, turn, kind, role, name, text, parts, digest, framework_id, at_ns, partial, metadata"
)
_SPAN: Final = (
    "turn, n, parent, kind, status, name, started, ended, first_chunk, run_id, model, provider,"
    " input, output, request, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens,"
    " reasoning_tokens, finish_reason, detail"
)
_OBSERVATION: Final = (
    "turn, n, name, outcome, call_id, call_at, result_at, arguments, result, error,"
    " started, ended, spans"
)
_STATEMENTS: dict[tuple[str, int], str] = {}


def _statement(table: str, columns: str, how: str, size: int) -> str:
    statement = _STATEMENTS.get((table, size))
    if statement is None:
        before, after = ("", how) if how.startswith("ON") else (how, "")
        marks = "(" + ",".join("?" * (columns.count(",") + 1)) + ")"
        values = ",".join([marks] * size)
        statement = f"INSERT {before} INTO {table} ({columns}) VALUES {values} {after}"  # noqa: S608
        _STATEMENTS[table, size] = statement
    return statement


def _keep_key(connection: sqlite3.Connection, key: bytes) -> None:
    if connection.execute("SELECT 1 FROM meta WHERE key = 'hash_key'").fetchone() is None:
        connection.execute("INSERT OR IGNORE INTO meta VALUES ('hash_key', ?)", (key,))


def _chunks_of(items: list[Any], size: int) -> Iterable[list[Any]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def _reason(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
