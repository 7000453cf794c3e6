"""How often messages of a store were changed or removed, and not only added to.

A writer remembers conversations. What others add to them it reads on; only where this number has
grown must it read them anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3


def count_alteration(connection: sqlite3.Connection) -> None:
    """Tell all writers that a message which stands in the store is not what it was."""
    connection.execute(
        "INSERT INTO meta VALUES ('alterations', 1)"
        " ON CONFLICT (key) DO UPDATE SET value = value + 1"
    )


def count_of_alterations(connection: sqlite3.Connection) -> int:
    """Return how often that was told."""
    row = connection.execute("SELECT value FROM meta WHERE key = 'alterations'").fetchone()
    return 0 if row is None else int(row[0])
