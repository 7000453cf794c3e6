"""The conversations that the writer remembers between transactions; bounded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from threadline.store.alterations import count_of_alterations
from threadline.store.framework_ids import unpack_framework_id
from threadline.store.held import Held
from threadline.store.schema import POSITION_BITS, ROLES, word_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

_CACHED_MESSAGES: Final = 25_000
_MESSAGES_AT_ONCE: Final = 10_000
_FEWEST_AT_ONCE: Final = 8
_HELD_OVERHEAD: Final = 8
_KEYS_PER_QUERY: Final = 200


class HeldCache:
    """Conversations by (tenant, thread id), read when first asked for, the least used dropped."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, str], Held] = {}
        self._sure: set[tuple[str, str]] = set()
        self._messages = 0
        self._usual = 1
        self._alterations: int | None = None

    @property
    def at_once(self) -> int:
        """How many turns a transaction may have: all that it reads is held until its end.

        Each may be of another conversation, of the length that was usual in earlier ones.
        """
        return max(_FEWEST_AT_ONCE, _MESSAGES_AT_ONCE // self._usual)

    def clear(self) -> None:
        """Forget everything: messages were changed by others, or a transaction was undone."""
        self._held.clear()
        self._sure.clear()
        self._messages = 0

    def doubt(self, connection: sqlite3.Connection) -> None:
        """Others have written: read on what they added, or anew where they changed what stood."""
        alterations = count_of_alterations(connection)
        if alterations != self._alterations:
            self.clear()
        self._alterations = alterations
        self._sure.clear()

    def get(self, tenant: str, thread_id: str) -> Held | None:
        """Return a remembered conversation, if that is for sure, and count it as used."""
        key = (tenant, thread_id)
        if key not in self._sure:
            return None
        held = self._held.pop(key)
        self._held[key] = held
        return held

    def add(self, held: Held) -> None:
        """Remember a conversation, as it is now."""
        key = (held.tenant, held.thread_id)
        self._drop(key)
        self._held[key] = held
        self._sure.add(key)
        self._messages += held.next_position + _HELD_OVERHEAD

    def trim(self, added_messages: int) -> None:
        """Count what a transaction added, and drop the least used where it is too much."""
        self._messages += added_messages
        self._usual = max(1, self._messages // max(1, len(self._held)))
        while self._messages > _CACHED_MESSAGES and self._held:
            self._drop(next(iter(self._held)))

    def load(self, connection: sqlite3.Connection, keys: Iterable[tuple[str, str]]) -> None:
        """Read the conversations of these keys, where they exist, as far as they are not known."""
        missing = [key for key in dict.fromkeys(keys) if key not in self._sure]
        for start in range(0, len(missing), _KEYS_PER_QUERY):
            chunk = missing[start : start + _KEYS_PER_QUERY]
            marks = ",".join(["(?,?)"] * len(chunk))
            found = connection.execute(
                f"SELECT {_COLUMNS} FROM conversation"
                f" WHERE (tenant, thread_id) IN (VALUES {marks})",
                [value for key in chunk for value in key],
            ).fetchall()
            for row in found:
                self._read(connection, row)

    def _read(self, connection: sqlite3.Connection, row: tuple[Any, ...]) -> None:
        held = self._held.get((row[1], row[2]))
        if held is not None and held.id == row[0]:
            before = held.next_position
            goes_on = _catch_up(connection, held, row)
            self._messages += held.next_position - before
            if goes_on:
                self._sure.add((held.tenant, held.thread_id))
                return
        held = Held(row[0], row[1], row[2], generated=bool(row[3]))
        _take_description(held, row)
        _read_messages(connection, held)
        self.add(held)

    def _drop(self, key: tuple[str, str]) -> None:
        held = self._held.pop(key, None)
        self._sure.discard(key)
        if held is not None:
            self._messages -= held.next_position + _HELD_OVERHEAD


_COLUMNS: Final = (
    "id, tenant, thread_id, generated, user_id, title, tags, metadata, created_ns,"
    " updated_ns, turns, said, preview, last_status, next_position"
)


def _catch_up(connection: sqlite3.Connection, held: Held, row: tuple[Any, ...]) -> bool:
    """Read what others have added; False if that does not go on from what is remembered."""
    known = held.next_position
    if row[-1] < known:
        return False
    if row[-1] > known:
        last = _read_messages(connection, held, known)
        if last != (held.digests[known - 1] if known else None):
            return False
    held.generated = bool(row[3])
    _take_description(held, row)
    held.awaited = held.branching = None
    return True


def _read_messages(connection: sqlite3.Connection, held: Held, start: int = 0) -> bytes | None:
    """Add the messages from position `start` on; returns the digest of the one before it."""
    first, before = held.row_id(0), None
    for row_id, role, kind, digest, framework_id in connection.execute(
        "SELECT id, role, kind, digest, framework_id FROM message"
        " WHERE id >= ? AND id < ? ORDER BY id",
        (held.row_id(max(0, start - 1)), first + (1 << POSITION_BITS)),
    ):
        packed: bytes | str | None = framework_id
        if row_id - first < start:
            before = digest
        else:
            held.add(digest, word_of(role, ROLES), kind, unpack_framework_id(packed))
    return before


def _take_description(held: Held, row: tuple[Any, ...]) -> None:
    held.user_id, held.title = row[4], row[5]
    held.tags = msgspec.json.decode(row[6]) if row[6] else []
    held.metadata = msgspec.json.decode(row[7]) if row[7] else {}
    held.created_ns, held.updated_ns, held.turns, held.said = row[8:12]
    held.preview, held.last_status = row[12:14]
