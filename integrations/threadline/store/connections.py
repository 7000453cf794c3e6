"""How the read side gets at the database: a file of its own connections, or the writer's one."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from threadline.errors import StoreError, StoreNotFoundError
from threadline.store import database
from threadline.store.file_id import file_id

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from contextlib import AbstractContextManager

    from threadline.store.file_id import FileId

_IN_MEMORY: Final = Path(":memory:")


class Database(Protocol):
    """What a reader needs: connections to read and, for deletion and the search index, to write."""

    def read(self) -> AbstractContextManager[sqlite3.Connection]:
        """Lend a connection inside one read transaction: every query sees the same moment."""
        ...

    def write(
        self, *, busy_s: float, deletes: bool = False
    ) -> AbstractContextManager[sqlite3.Connection]:
        """Lend a connection inside one write transaction: all of it happens, or nothing."""
        ...

    def checkpoint(self) -> None:
        """Move the write-ahead log into the file, if nobody is in the way."""
        ...

    def close(self) -> None:
        """Let go of what is open; a later use opens it again."""
        ...


class FileDatabase:
    """A store in a file. Any number of threads may share one; after a fork each side opens anew."""

    def __init__(self, path: Path, *, mode: int = 0o600) -> None:
        self.path = path
        self._mode = mode
        self._pid = os.getpid()
        self._lock = threading.Lock()  # guards the connection: one query at a time
        self._writing = threading.Lock()  # a fork waits for it: nothing may be open then
        self._connection: sqlite3.Connection | None = None
        self._file: FileId | None = None
        self._version = 0
        _file_databases.add(self)

    def __del__(self) -> None:
        """Close what was dropped without closing it; a cycle with its statements keeps it alive."""
        with contextlib.suppress(Exception):  # at the interpreter's end anything may be gone
            if self._pid == os.getpid():  # else it is the parent's
                self._close()

    def check(self) -> None:
        """Open the store.

        Raises:
            StoreNotFoundError: if there is none.
            StoreNewerError: if a newer Threadline wrote it.
            StoreUnavailableError: if it cannot be read.
        """
        with self.read():
            pass

    @contextlib.contextmanager
    def read(self) -> Generator[sqlite3.Connection]:
        """Lend the connection for reading, in one transaction.

        Raises:
            StoreError: if there is no store, or it cannot be read.
        """
        self._notice_a_fork()
        with self._lock, _told_as_unavailable(self.path):
            connection = self._opened()
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                connection.rollback()

    @contextlib.contextmanager
    def write(self, *, busy_s: float, deletes: bool = False) -> Generator[sqlite3.Connection]:
        """Lend a connection for writing, in one transaction that is undone if the block raises.

        Args:
            busy_s: How long to wait for others that write.
            deletes: Whether freed pages are overwritten.

        Raises:
            StoreError: if there is no store, or it cannot be written within `busy_s` seconds.
        """
        if not self.path.exists():
            raise StoreNotFoundError(self.path)
        self._notice_a_fork()
        with self._writing, _told_as_unavailable(self.path):
            connection = database.connect_writer(self.path, mode=self._mode, busy_s=busy_s)
            with contextlib.closing(connection):
                connection.execute(f"PRAGMA secure_delete = {int(deletes)}")
                with _transaction(connection):
                    yield connection
                if database.wal_bytes(self.path) > database.CHECKPOINT_BYTES:
                    database.checkpoint(connection, self.path)

    def checkpoint(self) -> None:
        """Move the write-ahead log into the file and truncate it, if nobody is in the way."""
        self._notice_a_fork()
        with self._writing, contextlib.suppress(sqlite3.Error, OSError, StoreError):
            connection = database.connect_writer(self.path, mode=self._mode)
            with contextlib.closing(connection):
                database.checkpoint(connection, self.path)

    def close(self) -> None:
        """Close the connection; a later use opens it again."""
        self._notice_a_fork()
        with self._lock:
            self._close()

    @contextlib.contextmanager
    def parked(self, timeout: float) -> Generator[None]:
        """Keep the store closed, so that this process may fork."""
        self._notice_a_fork()
        with _held(self._writing, timeout), _held(self._lock, timeout) as is_idle:
            if is_idle:
                self._close()
            yield

    def _opened(self) -> sqlite3.Connection:
        """Open the store; again if another file stands in its place by now."""
        file = file_id(self.path)
        if file is None:
            self._close()
            raise StoreNotFoundError(self.path)
        if self._file != file or self._was_brought_up_to_date():
            self._close()
        if self._connection is None:
            self._connection = database.connect_reader(self.path)
            self._file = file
            self._version = database.version_of(self._connection)
        return self._connection

    def _was_brought_up_to_date(self) -> bool:
        """Tell whether somebody added to an older store what this connection stands in for."""
        if self._connection is None or self._version == database.SCHEMA_VERSION:
            return False
        return database.version_of(self._connection) != self._version

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _notice_a_fork(self) -> None:
        """What is open is the parent's, and a thread of the parent's may hold the lock."""
        if self._pid != os.getpid():
            self._pid = os.getpid()
            self._lock = threading.Lock()
            self._writing = threading.Lock()
            self._connection = None


_file_databases: Final = weakref.WeakSet[FileDatabase]()


@contextlib.contextmanager
def parked_databases(timeout: float) -> Generator[None]:
    """Keep every store closed that this process reads, so that it may fork.

    Args:
        timeout: Seconds to wait for each query that is under way.
    """
    with contextlib.ExitStack() as stack:
        for one in list(_file_databases):
            stack.enter_context(one.parked(timeout))
        yield


@contextlib.contextmanager
def _held(lock: threading.Lock, timeout: float) -> Generator[bool]:
    """Hold the lock, if it can be had in time."""
    is_held = lock.acquire(timeout=timeout)
    try:
        yield is_held
    finally:
        if is_held:
            lock.release()


class SharedDatabase:
    """A store in memory: its one connection is the writer's, used under the writer's lock.

    Args:
        connection: Gives the writer's connection.
        lock: What the writer holds while it works.
        deleted: Called after each deletion, so that the writer forgets what it remembers: it
            does not notice what is changed through its own connection.
    """

    def __init__(
        self,
        connection: Callable[[], sqlite3.Connection],
        lock: AbstractContextManager[object],
        deleted: Callable[[], None] | None = None,
    ) -> None:
        self._connection = connection
        self._lock = lock
        self._deleted = deleted

    @contextlib.contextmanager
    def read(self) -> Generator[sqlite3.Connection]:
        """Lend the connection; the lock keeps the moment still."""
        with self._lock, _told_as_unavailable(_IN_MEMORY):
            yield self._connection()

    @contextlib.contextmanager
    def write(self, *, busy_s: float, deletes: bool = False) -> Generator[sqlite3.Connection]:
        """Lend the connection for writing, in one transaction that is undone if the block raises.

        Args:
            busy_s: Not used: whoever holds the lock has nobody to wait for.
            deletes: Whether the writer must forget what it remembers.

        Raises:
            StoreUnavailableError: if SQLite would not take it.
        """
        del busy_s
        with self._lock, _told_as_unavailable(_IN_MEMORY):
            connection = self._connection()
            with _transaction(connection):
                yield connection
            if deletes and self._deleted is not None:
                self._deleted()

    def checkpoint(self) -> None:
        """Do nothing: there is no file."""

    def close(self) -> None:
        """Do nothing: the connection is the writer's."""


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection) -> Generator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextlib.contextmanager
def _told_as_unavailable(path: Path) -> Generator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise database.unavailable(path, error) from error
