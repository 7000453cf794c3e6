"""Forks and SQLite: nothing of a store may be open while this process is forked.

SQLite keeps in memory which locks a process holds on a file. A child inherits that memory and not
the locks: while it has a connection of its parent's, whatever it opens on the same file takes no
lock at all, and others delete the write-ahead log under it (https://www.sqlite.org/howtocorrupt.html,
"Carrying an open database connection across a fork").
"""

from __future__ import annotations

import sqlite3
import weakref
from typing import TYPE_CHECKING, Any, Final

from threadline.errors import StoreUnavailableError
from threadline.store.file_id import file_id

if TYPE_CHECKING:
    from pathlib import Path

    from threadline.store.file_id import FileId

PATIENCE_S: Final = 15.0
"""How long a fork waits for what is under way: longer than a transaction waits for others."""

_INHERITED: Final = (
    "this process was forked while the store was in use; what it records stays in its journals "
    "until another process takes them in"
)


class StoreConnection(sqlite3.Connection):
    """A connection to a store's file that a fork is told of."""

    file: FileId | None = None

    def close(self) -> None:
        """Close it; a fork has nothing to fear from it any more."""
        super().close()
        _open.discard(self)


_open: Final = weakref.WeakSet[StoreConnection]()
_inherited: Final[list[StoreConnection]] = []


def open_connection(path: Path, database: str | Path, **settings: Any) -> StoreConnection:
    """Open a connection to the store at `path`.

    Args:
        path: The file.
        database: What SQLite is told to open: the file, or an address of it.
        **settings: As `sqlite3.connect` takes them.

    Raises:
        StoreUnavailableError: if this process has inherited a connection to that file.
        sqlite3.Error: if it cannot be opened.
    """
    file = file_id(path)
    if any(one.file == file for one in _inherited):
        raise StoreUnavailableError(path, _INHERITED)
    connection = sqlite3.connect(database, factory=StoreConnection, **settings)
    connection.file = file_id(path) if file is None else file
    _open.add(connection)
    return connection


def leave_to_parent() -> None:
    """Keep, in a forked child, what was open from being used, and from being closed."""
    _inherited.extend(_open)
    _open.clear()
