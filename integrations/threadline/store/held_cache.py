"""The conversations that the writer remembers between transactions; bounded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

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
        self._messages = 0
        self._usual = 1

    @property
    def at_once(self) -> int:
        """How many turns a transaction may have: all that it reads is held until its end.

        Each may be of another conversation, of the length that was usual in earlier ones.
        """
        return max(_FEWEST_AT_ONCE, _MESSAGES_AT_ONCE // self._usual)

    def clear(self) -> None:
        """Forget everything: the store was changed by others, or a transaction was undone."""
        self._held.clear()
        self._messages = 0

    def get(self, tenant: str, thread_id: str) -> Held | None:
        """Return a remembered conversation and count it as used."""
        held = self._held.pop((tenant, thread_id), None)
        if held is not None:
            self._held[tenant, thread_id] = held
        return held

    def add(self, held: Held) -> None:
        """Remember a conversation."""
        self._held[held.tenant, held.thread_id] = held
        self._messages += _HELD_OVERHEAD

    def trim(self, added_messages: int) -> None:
        """Count what a transaction added, and drop the least used where it is too much."""
        self._messages += added_messages
        self._usual = max(1, self._messages // max(1, len(self._held)))
        while self._messages > _CACHED_MESSAGES and self._held:
            oldest = self._held.pop(next(iter(self._held)))
            self._messages -= oldest.next_position + _HELD_OVERHEAD

    def load(self, connection: sqlite3.Connection, keys: Iterable[tuple[str, str]]) -> None:
        """Read the conversations of these keys, where they exist and are not remembered."""
        missing = [key for key in dict.fromkeys(keys) if key not in self._held]
        for start in range(0, len(missing), _KEYS_PER_QUERY):
            chunk = missing[start : start + _KEYS_PER_QUERY]
            marks = ",".join(["(?,?)"] * len(chunk))
            found = connection.execute(
                f"SELECT {_COLUMNS} FROM conversation"
                f" WHERE (tenant, thread_id) IN (VALUES {marks})",
                [value for key in chunk for value in key],
            ).fetchall()
            for row in found:
                held = _held_from_row(row)
                self.add(held)
                self._load_messages(connection, held)

    def _load_messages(self, connection: sqlite3.Connection, held: Held) -> None:
        first = held.id << POSITION_BITS
        for role, kind, digest, framework_id in connection.execute(
            "SELECT role, kind, digest, framework_id FROM message"
            " WHERE id >= ? AND id < ? ORDER BY id",
            (first, first + (1 << POSITION_BITS)),
        ):
            packed: bytes | str | None = framework_id
            held.add(digest, word_of(role, ROLES), kind, unpack_framework_id(packed))
        self._messages += held.next_position


_COLUMNS: Final = (
    "id, tenant, thread_id, generated, user_id, title, tags, metadata, created_ns,"
    " updated_ns, turns, said, preview, last_status"
)


def _held_from_row(row: tuple[Any, ...]) -> Held:
    held = Held(row[0], row[1], row[2], generated=bool(row[3]))
    held.user_id, held.title = row[4], row[5]
    held.tags = msgspec.json.decode(row[6]) if row[6] else []
    held.metadata = msgspec.json.decode(row[7]) if row[7] else {}
    held.created_ns, held.updated_ns, held.turns, held.said = row[8:12]
    held.preview, held.last_status = row[12:14]
    return held
