"""Opening the SQLite file: pragmas, migrations, checkpoints, and what to do when it is broken."""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Final

from threadline.errors import StoreNewerError, StoreNotFoundError, StoreUnavailableError
from threadline.store.file_id import file_id
from threadline.store.forking import open_connection
from threadline.store.schema import AS_IF_NEW, MIGRATIONS, SCHEMA_VERSION

if TYPE_CHECKING:
    from collections.abc import Generator

    from threadline.store.file_id import FileId

BUSY_TIMEOUT_S: Final = 10.0
CHECKPOINT_BYTES: Final = 4_000_000
PAGE_BYTES: Final = 1_024
"""A quarter of SQLite's default: a turn is a few small rows, and a commit logs whole pages."""

WRITER_PATIENCE_S: Final = 2.0
"""How long a recording process waits for others before it puts its writing off."""

_NOT_OURS: Final = (
    "it is not a store of Threadline's and was left as it is; name another file with "
    "THREADLINE_STORE or the setting 'store'"
)
_PRIMARY: Final = 0xFF  # what SQLite's extended result codes begin with
_OUR_TABLES: Final = frozenset({"meta", "conversation", "turn"})
_CORRUPT: Final = ("not a database", "malformed")


def connect_writer(
    path: Path, *, mode: int = 0o600, busy_s: float = BUSY_TIMEOUT_S
) -> sqlite3.Connection:
    """Open the store for writing; make it, with its folder, where there is none.

    Raises:
        StoreNewerError: if a newer Threadline wrote it.
        StoreUnavailableError: if the file is something else than a store.
        sqlite3.DatabaseError: if the store is damaged.
        sqlite3.OperationalError, OSError: if it cannot be opened now.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    _make(path, mode)
    connection = open_connection(
        path,
        path,
        timeout=busy_s,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=128,
    )
    try:
        if path.stat().st_size:
            _refuse_what_is_not_ours(connection, path)
        if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            # SQLite does not wait for others here, and they may be making the same store
            with _locked(_lock_of(path), wait=True):
                connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
                connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        migrate(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _was_a_store(path: Path) -> bool:
    """Tell whether a file without SQLite's header was once a store, by what was left beside it.

    Not by the journals: they are begun before the store is opened, whatever file that is.
    """
    try:
        return _lock_of(path).stat().st_size == 0
    except OSError:
        return wal_bytes(path) > 0


def _make(path: Path, mode: int) -> None:
    """Make the file where there is none; one that is there is never opened.

    Closing it again would take from this process all locks that its connections hold (POSIX):
    another process would believe itself the last one, delete the write-ahead log at its end, and
    with it whatever this one goes on to commit.
    """
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, mode))


def _refuse_what_is_not_ours(connection: sqlite3.Connection, path: Path) -> None:
    try:
        found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    except sqlite3.DatabaseError as error:
        if _CORRUPT[0] in str(error) and not _was_a_store(path):
            raise StoreUnavailableError(path, _NOT_OURS) from error
        raise
    if found and not _OUR_TABLES.issubset(name for (name,) in found):
        raise StoreUnavailableError(path, _NOT_OURS)


def connect_memory() -> sqlite3.Connection:
    """Open a store that lives as long as this process."""
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    migrate(connection, Path(":memory:"))
    return connection


def connect_reader(path: Path) -> sqlite3.Connection:
    """Open the store for reading only.

    Raises:
        StoreNotFoundError: if there is none.
        StoreNewerError: if a newer Threadline wrote it.
        StoreUnavailableError: if it cannot be read, or is something else than a store.
    """
    if not path.exists():
        raise StoreNotFoundError(path)
    connection = None
    try:
        connection = open_connection(
            path,
            f"{path.absolute().as_uri()}?mode=ro",
            uri=True,
            timeout=BUSY_TIMEOUT_S,
            check_same_thread=False,
        )
        _refuse_what_is_not_ours(connection, path)
        version = version_of(connection)
    except (sqlite3.Error, StoreUnavailableError) as error:
        if connection is not None:
            connection.close()
        if isinstance(error, StoreUnavailableError):
            raise
        raise StoreUnavailableError(path, str(error)) from error
    if version == 0:
        connection.close()
        raise StoreNotFoundError(path)
    if version > SCHEMA_VERSION:
        connection.close()
        raise StoreNewerError(path, version, SCHEMA_VERSION)
    for statement in AS_IF_NEW.get(version, ()):
        connection.execute(statement)
    return connection


def version_of(connection: sqlite3.Connection) -> int:
    """Return the version of the schema that a store has."""
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version


def migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Bring the schema up to this version, each step in a transaction of its own.

    Raises:
        StoreNewerError: if the schema is newer than this version knows.
    """
    version = version_of(connection)
    if version > SCHEMA_VERSION:
        raise StoreNewerError(path, version, SCHEMA_VERSION)
    while version < SCHEMA_VERSION:
        connection.execute("BEGIN IMMEDIATE")
        try:
            version = version_of(connection)
            if version < SCHEMA_VERSION:
                for statement in MIGRATIONS[version]:
                    connection.execute(statement)
                version += 1
                connection.execute(f"PRAGMA user_version = {version}")
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise


def is_corrupt(error: sqlite3.Error) -> bool:
    """Tell whether `error` means that the file itself is damaged or no database."""
    return any(word in str(error) for word in _CORRUPT)


def is_about_the_store(error: sqlite3.Error) -> bool:
    """Tell whether `error` is the store's state (locked, full, damaged), not what it was given."""
    return isinstance(error, sqlite3.OperationalError) or is_corrupt(error)


def unavailable(path: Path, error: OSError | sqlite3.Error) -> StoreUnavailableError:
    """Return what tells that the store cannot be used now, and whether others only hold it."""
    code: int = getattr(error, "sqlite_errorcode", None) or 0
    is_busy = code & _PRIMARY in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
    return StoreUnavailableError(path, f"{type(error).__name__}: {error}", is_busy=is_busy)


def move_aside(path: Path, damaged: FileId | None) -> Path | None:
    """Move a damaged store out of the way, never overwriting anything, and say where to.

    Args:
        path: The store.
        damaged: Which file was found damaged; if another stands there by now, it is left alone.
    """
    with _locked(_lock_of(path), wait=True) as held:
        if not held or damaged is None or file_id(path) != damaged:
            return None
        stamp = f"{path.name}.corrupt-{path.stat().st_mtime_ns}"
        aside = path.with_name(stamp)
        number = 1
        while aside.exists():
            number += 1
            aside = path.with_name(f"{stamp}-{number}")
        for suffix in ("-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
        path.rename(aside)
        return aside


def leave_moved(connection: sqlite3.Connection) -> None:
    """Close the connection to a store that was moved or replaced.

    Its log goes into its own file first: under the old name it would be taken for the log of the
    file that stands there now.
    """
    with contextlib.suppress(sqlite3.Error):
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def checkpoint(connection: sqlite3.Connection, path: Path) -> bool:
    """Move the write-ahead log into the file and truncate it; False if others are in the way.

    Always TRUNCATE and under a lock file, never automatically: before SQLite 3.51.3 a checkpoint
    that races with another process's commit can corrupt the log.
    """
    with _locked(_lock_of(path), wait=False) as held:
        if not held:
            return False
        try:
            busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        except sqlite3.OperationalError:
            return False
        return not busy


def wal_bytes(path: Path) -> int:
    """Return how large the write-ahead log is."""
    try:
        return path.with_name(path.name + "-wal").stat().st_size
    except OSError:
        return 0


def _lock_of(path: Path) -> Path:
    return path.with_name(path.name + ".lock")


@contextlib.contextmanager
def _locked(lock: Path, *, wait: bool) -> Generator[bool]:
    """Hold a lock file, or tell that it cannot be held."""
    try:
        fd = os.open(lock, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError:
        yield False
        return
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        yield False
    else:
        try:
            yield True
        finally:
            fcntl.flock(fd, fcntl.LOCK_UN)  # a process forked meanwhile has the file open too
    finally:
        os.close(fd)
