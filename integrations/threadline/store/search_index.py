"""The full-text index: built off the recording path, in short transactions, and never required."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING, Final

from threadline.errors import StoreError
from threadline.store.passages import read_passages
from threadline.store.schema import SEARCH_INDEX, STATUSES
from threadline.store.turn_model import STALE_NS
from threadline.store.turn_rows import turns_by_row

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from threadline.clock import Clock
    from threadline.store.connections import Database
    from threadline.store.passages import Passage
    from threadline.store.turn_rows import TurnRow

TURNS_AT_ONCE: Final = 200
_BUSY_S: Final = 0.1
_UPTO: Final = "search_upto"
_VOCABULARY: Final = (
    "CREATE VIRTUAL TABLE IF NOT EXISTS temp.search_words USING fts5vocab('main', 'search',"
    " 'instance')"
)
_RUNNING: Final = STATUSES.index("running")


def indexed_upto(connection: sqlite3.Connection) -> int:
    """Return the row id of the last turn that is in the index; 0 without one."""
    row = connection.execute("SELECT value FROM meta WHERE key = ?", (_UPTO,)).fetchone()
    return 0 if row is None else int(row[0])


def is_behind(connection: sqlite3.Connection) -> bool:
    """Tell whether there are turns that are not in the index."""
    newest = connection.execute("SELECT max(id) FROM turn").fetchone()[0]
    return newest is not None and newest > indexed_upto(connection)


def build_index(database: Database, *, clock: Clock, turns: int, budget_s: float) -> int:
    """Index turns that ended, oldest first, in short transactions.

    Args:
        database: The store.
        clock: Tells when to stop, and which turns have shown no sign of life.
        turns: How many turns to index at most.
        budget_s: After how many seconds to stop.

    Returns:
        How many turns were indexed; fewer than there are where the store cannot be written.
    """
    deadline = clock.monotonic() + budget_s
    done = 0
    with contextlib.suppress(StoreError):
        while done < turns:
            with database.write(busy_s=_BUSY_S) as connection:
                added = _index_some(connection, min(TURNS_AT_ONCE, turns - done), clock.now_ns())
            done += added
            if added == 0 or clock.monotonic() >= deadline:
                break
    return done


def take_out(connection: sqlite3.Connection, turns: Sequence[TurnRow]) -> None:
    """Take turns out of the index, while their rows are still there.

    An index of these contents is told the very words that it was given. Where that fails it is
    dropped: it can be built anew, and must not keep words that were deleted. `forget` must follow:
    until then the words are still in the file.
    """
    upto = indexed_upto(connection)
    indexed = [turn for turn in turns if turn.id <= upto]
    if not indexed:
        return
    passages = read_passages(connection, indexed)
    rows = _index_rows(passages)
    try:
        connection.executemany(
            "INSERT INTO search (search, rowid, words) VALUES ('delete', ?, ?)", rows
        )
    except sqlite3.DatabaseError:
        connection.execute("DROP TABLE IF EXISTS search")
        connection.execute("DELETE FROM meta WHERE key = ?", (_UPTO,))


def forget(connection: sqlite3.Connection) -> None:
    """Write the index anew without what was taken out, which it has only marked, word by word.

    Takes a second where a million turns are indexed.
    """
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'search'").fetchone():
        connection.execute("INSERT INTO search (search) VALUES ('optimize')")


def terms_that_begin(connection: sqlite3.Connection, start: str, at_most: int) -> list[str]:
    """Return the words of the index that begin with `start`; at most `at_most` and one more.

    Each is one seek. The index's own prefix query would merge all places of all these words
    before it gave the first.
    """
    connection.execute(_VOCABULARY)
    found: list[str] = []
    place = start
    while len(found) <= at_most:
        row = connection.execute(
            "SELECT term FROM temp.search_words WHERE term >= ? LIMIT 1", (place,)
        ).fetchone()
        if row is None or not row[0].startswith(start):
            break
        found.append(row[0])
        place = f"{row[0]}0"  # no letter or digit comes before it: the next word, wherever it is
    return found


def _index_some(connection: sqlite3.Connection, count: int, now_ns: int) -> int:
    connection.execute(SEARCH_INDEX)
    upto = indexed_upto(connection)
    found = connection.execute(
        "SELECT id FROM turn WHERE id > ? ORDER BY id LIMIT ?", (upto, count)
    )
    turns = list(_ended(turns_by_row(connection, [row for (row,) in found]), now_ns))
    if not turns:
        return 0
    rows = _index_rows(read_passages(connection, turns))
    connection.executemany("INSERT INTO search (rowid, words) VALUES (?, ?)", rows)
    connection.execute(
        "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (_UPTO, turns[-1].id),
    )
    return len(turns)


def _index_rows(passages: dict[int, list[Passage]]) -> list[tuple[int, str]]:
    """Return what the index is given of each turn: the same whenever it is asked."""
    return [
        (turn, "\n".join(p.text for p in passages[turn])) for turn in passages if passages[turn]
    ]


def _ended(turns: Iterable[TurnRow], now_ns: int) -> Iterable[TurnRow]:
    """Stop at a turn that is under way: more will be said in it."""
    for turn in turns:
        is_alive = turn.beat_ns is not None and turn.beat_ns >= now_ns - STALE_NS
        if turn.status == _RUNNING and is_alive:
            return
        yield turn
