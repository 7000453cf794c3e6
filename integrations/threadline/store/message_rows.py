"""Messages as the store holds them: rows at positions of a conversation, and models again."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

import msgspec

from threadline.model.message import Message
from threadline.store.framework_ids import unpack_framework_id
from threadline.store.schema import KINDS, POSITION_BITS, ROLES, word_of
from threadline.store.values import unpack_parts, unpack_value

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from threadline.model.message import MessageKind

POSITION_MASK: Final = (1 << POSITION_BITS) - 1
_GAP: Final = 16  # reading a few rows too many is cheaper than another range
_RANGES_AT_ONCE: Final = 400
_BLOB: Final = re.compile(r'"\$blob":"([0-9a-f]{32})"')


class MessageRow(NamedTuple):
    """One row of the table `message`."""

    id: int
    turn: int | None
    kind: int
    role: int | str
    name: str | None
    text: str | None
    parts: str | None
    framework_id: bytes | str | None
    at_ns: int | None
    partial: int | None
    metadata: str | None

    @property
    def conversation(self) -> int:
        """The row id of the conversation."""
        return self.id >> POSITION_BITS

    @property
    def position(self) -> int:
        """Where the message stands in its conversation."""
        return self.id & POSITION_MASK


_COLUMNS: Final = ", ".join(f"m.{name}" for name in MessageRow._fields)


class Owner(NamedTuple):
    """The turn that a message came with: what the message's id is made of."""

    turn_id: str
    first_position: int


Range = tuple[int, int]
"""The first and the last of some positions."""


def ranges_in(text: str | None) -> Iterator[Range]:
    """Yield the ranges of what `write_positions` wrote.

    Example:
        >>> list(ranges_in("4,0-3"))
        [(4, 4), (0, 3)]
    """
    for piece in text.split(",") if text else ():
        first, _, last = piece.partition("-")
        yield int(first), int(last or first)


def read_messages(
    connection: sqlite3.Connection, ranges: Mapping[int, Iterable[Range]]
) -> list[MessageRow]:
    """Return the messages at these positions, by conversation, in order."""
    bounds = [
        (conversation << POSITION_BITS | first, conversation << POSITION_BITS | last)
        for conversation, wanted in ranges.items()
        for first, last in _joined(wanted)
    ]
    rows: list[MessageRow] = []
    for start in range(0, len(bounds), _RANGES_AT_ONCE):
        chunk = bounds[start : start + _RANGES_AT_ONCE]
        found = connection.execute(
            f"WITH wanted (low, high) AS (VALUES {','.join(['(?,?)'] * len(chunk))})"
            f" SELECT {_COLUMNS} FROM wanted CROSS JOIN message m"
            " WHERE m.id BETWEEN wanted.low AND wanted.high",
            [bound for pair in chunk for bound in pair],
        )
        rows.extend(map(MessageRow._make, found))
    return rows


def blobs_in(*texts: str | None) -> Iterator[bytes]:
    """Yield the digests of the blobs that packed values refer to."""
    for text in texts:
        if text is not None and "$blob" in text:
            yield from map(bytes.fromhex, _BLOB.findall(text))


def message_id(row: MessageRow, owner: Owner | None, thread_id: str) -> str:
    """Return the id that follows from a message's place."""
    if owner is None:
        return f"{thread_id}:p{row.position}"
    return f"{owner.turn_id}:{row.position - owner.first_position}"


def message_from(
    row: MessageRow,
    owner: Owner | None,
    thread_id: str,
    blob: Callable[[bytes], bytes | None],
    ratings: Mapping[str, float],
) -> Message:
    """Rebuild a message."""
    ident = message_id(row, owner, thread_id)
    return Message(
        id=ident,
        role=word_of(row.role, ROLES),
        parts=unpack_parts(row.text, row.parts, blob),
        name=row.name,
        kind=cast("MessageKind", word_of(row.kind, KINDS)),
        at_ns=row.at_ns,
        turn_id=None if owner is None else owner.turn_id,
        framework_id=unpack_framework_id(row.framework_id),
        partial=bool(row.partial),
        rating=ratings.get(ident),
        metadata=mapping_from(row.metadata, blob),
    )


def mapping_from(text: str | None, blob: Callable[[bytes], bytes | None]) -> dict[str, Any]:
    """Read a JSON object; anything else counts as an empty one."""
    value = None if text is None else unpack_value(text, blob)
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def strings_from(text: str | None) -> tuple[str, ...]:
    """Read a JSON array of strings."""
    return () if text is None else msgspec.json.decode(text, type=tuple[str, ...])


class Positions:
    """The messages of one conversation by position, as far as they were read."""

    def __init__(self, rows: Sequence[MessageRow], messages: Sequence[Message]) -> None:
        self._first = rows[0].position if rows else 0
        length = rows[-1].position - self._first + 1 if rows else 0
        self._messages: list[Message | None] = [None] * length
        self._has_gaps = length > len(rows)
        self._read: dict[str, tuple[Message, ...]] = {}
        for row, message in zip(rows, messages, strict=True):
            self._messages[row.position - self._first] = message

    def at(self, position: int | None) -> Message | None:
        """Return the message at `position`, if there is one."""
        if position is None or not 0 <= position - self._first < len(self._messages):
            return None
        return self._messages[position - self._first]

    def put(self, position: int, message: Message) -> None:
        """Put a message in the place of the one at `position`."""
        self._messages[position - self._first] = message

    def among(self, text: str | None) -> tuple[Message, ...]:
        """Return the messages at the positions that `text` lists, in its order."""
        if not text:
            return ()
        found = self._read.get(text)
        if found is None:
            found = self._read[text] = self._between(text)
        return found

    def _between(self, text: str) -> tuple[Message, ...]:
        found: list[Message | None] = []
        for first, last in ranges_in(text):
            start = max(0, first - self._first)
            found += self._messages[start : max(0, last + 1 - self._first)]
        if self._has_gaps:
            return tuple(message for message in found if message is not None)
        return tuple(cast("list[Message]", found))


def _joined(ranges: Iterable[Range]) -> list[Range]:
    """Put together what overlaps or nearly touches, in order."""
    joined: list[Range] = []
    for first, last in sorted(ranges):
        if joined and first <= joined[-1][1] + _GAP:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return joined
